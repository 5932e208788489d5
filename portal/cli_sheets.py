"""Sheets written to a file by command."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import click

from models import scope
from models.base import db
from models.words import N_, Refusal
from portal.cli import main
from portal.commands import office, refusing, settings, tell, write_out


@main.command()
@click.argument("sheet")
@click.option("-o", "out", required=True, metavar="OUT.xlsx")
@click.option("--area", help="Only this area (division code).")
@click.option("--reason", default="", help="What a list with whole ID numbers is for; it goes into the trail.")
@refusing
def export(sheet: str, out: str, area: str | None, reason: str) -> None:
    """Write a sheet of the export table as a workbook."""
    from exports.sheets import build
    from exports.workbook import by_command
    from models import audit
    from models.campaign import the_campaign
    from portal import clock
    from portal.language import speaker
    with office():
        campaign = the_campaign()
        within = area or campaign.county_code
        if not within.isdecimal() or not within.startswith(campaign.county_code):
            raise Refusal(N_("Area {area} lies outside the county {county}."), area=within, county=campaign.county_code)
        with scope.seeing(within):
            noted = _noted(sheet, campaign, " ".join(reason.split())[:200])
            data = build(sheet, campaign, clock.now(), speaker(settings().locale),
                         by_command(clock.now(), noted.get("why", "工作台账")))
            audit.record("export", sheet, within, file=os.path.basename(out), sha256=hashlib.sha256(data).hexdigest(), **noted)
            db.session.commit()
    write_out(out, data)
    if out != "-":
        tell(N_("{file} is written."), file=out)


def _noted(sheet: str, campaign: Any, reason: str) -> dict[str, Any]:
    """What the trail keeps where whole numbers leave. Raises Refusal without a reason, and where two persons are needed."""
    from exports.sheets import WHOLE, people
    from models.leaving import refuse_many
    if sheet != WHOLE:
        return {}
    if not reason:
        raise Refusal(N_("A list with whole ID numbers needs --reason: what it is for."))
    count = people(campaign)
    refuse_many(count)
    return {"why": reason, "people": count}
