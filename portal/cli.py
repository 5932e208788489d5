"""The command line: every command of the contract, in groups by what it is for."""

from __future__ import annotations

import io
import sys
from datetime import date

import click

from models import scope
from models.base import db
from models.words import N_, Refusal
from portal.commands import (
    content,
    json_option,
    office,
    password_from,
    refusing,
    say,
    settings,
    show,
    tell,
    text_of,
    unpacked,
    write_out,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The portal of a county's clean-up of suspended resident pensions."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a terminal without Chinese shows codes instead of ending the command
            stream.reconfigure(errors="backslashreplace")


@main.command()
@click.option("--county", default="141122", show_default=True, help="Division code, 6 digits.")
@click.option("--name", help="The county's name, for a county that does not ship with the portal.")
@refusing
def init(county: str, name: str | None) -> None:
    """Set up the database, the county, the 2021 campaign and the first administrator."""
    from portal import founding, passphrase, safety
    from portal.cli_backup import tell_passphrase
    with office(scope.EVERYWHERE, fresh=True):
        founding.migrate()
        password = "" if founding.has_administrator() else password_from("PORTAL_ADMIN_PASSWORD")
        founding.found(county, name, password)
        db.session.commit()
    safety.close(settings())
    tell(N_("The portal is set up for county {code}. Sign in as county_admin."), code=county)
    secret, new = passphrase.ensured(settings())
    if new:
        tell_passphrase(secret)


@main.group("import")
def bring() -> None:
    """Lists and tables brought in from files; - is standard input."""


@bring.command("areas")
@click.argument("file")
@refusing
def import_areas(file: str) -> None:
    """Townships and villages of the county (columns code, name)."""
    from models import area
    from models.campaign import the_campaign
    from portal import backup, shelf
    from portal.founding import area_rows
    data, _ = content(file)
    with office():
        backup.noted(shelf.IMPORT)
        changed = area.load(area_rows(text_of(unpacked(data))), the_campaign().county_code)
        db.session.commit()
    tell(N_("{count} places are new or renamed."), count=changed)


@bring.command("rates")
@click.argument("file")
@refusing
def import_rates(file: str) -> None:
    """Dated rates (columns item, from, amount, min_age, basis)."""
    from models.rates import read_rates_csv
    from portal import backup, shelf
    from portal.founding import add_rates
    data, _ = content(file)
    with office():
        backup.noted(shelf.IMPORT)
        new = add_rates(read_rates_csv(text_of(data)))
        db.session.commit()
    tell(N_("{count} rates are new."), count=new)


def _list_command(kind: str, words: str):
    @bring.command(kind, help=words)
    @click.argument("file")
    @click.option("--campaign", "key", help="Key of the campaign; the newest if not given.")
    @click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
    @click.option("--errors", metavar="OUT.xlsx", help="Write the refused rows there, with the reason in a last column.")
    @json_option
    @refusing
    def command(file: str, key: str | None, dry_run: bool, errors: str | None, as_json: bool) -> None:
        _bring_in(kind, file, key, dry_run, errors, as_json)
    return command


import_roster = _list_command("roster", "The list of suspended people, or later additions to it.")
import_benefits = _list_command("benefits", "What settling needs of each person: benefit start, years paid, accounts.")


def _bring_in(kind: str, file: str, key: str | None, dry_run: bool, errors: str | None, as_json: bool) -> None:
    from exports.errorrows import write_errors
    from exports.intake import bring_in
    from exports.workbook import by_command
    from models.campaign import the_campaign
    from models.imports import CROSSED, ImportResult
    from models.races import Stale, once_more
    from portal import backup, clock, shelf
    data, name = content(file)

    def bring() -> ImportResult:
        brought = bring_in(kind, data, name, the_campaign(key), "system", clock.now())
        if errors and brought.result.refused:  # first, so that nothing comes in where they cannot be written
            rows = io.BytesIO()
            write_errors(brought.table, brought.listing.headings, brought.listing.readings, rows, _speak(),
                         by_command(clock.now(), "改正后重新导入"))
            write_out(errors, rows.getvalue())
        if dry_run:
            db.session.rollback()
        else:
            db.session.commit()
        return brought.result

    with office(), scope.seeing(the_campaign(key).county_code):
        if not dry_run:
            backup.noted(shelf.IMPORT)
        try:
            result = once_more(bring)
        except Stale:
            raise Refusal(CROSSED) from None
        if as_json:
            show(result.as_json(say))
        else:
            tell(N_("{rows} rows: {new} new, {updated} updated, {unchanged} unchanged, {refused} refused."), **result.counts)


def _speak():
    from portal.language import speaker
    return speaker(settings().locale)


@main.command()
@click.option("--campaign", "key")
@refusing
def handout(key: str | None) -> None:
    """Freeze the stock and hand the list to the townships."""
    from models.campaign import the_campaign
    from models.handing import hand_out
    from portal import clock
    with office():
        campaign = the_campaign(key)
        with scope.seeing(campaign.county_code):
            handed = hand_out(campaign, "system", clock.now())
            db.session.commit()
            people = sum(each.people for each in handed)
    tell(N_("The list of {people} people is handed out to {count} townships."), people=people, count=len(handed))


@main.group()
def audit() -> None:
    """The trail."""


@audit.command("verify")
@click.option("--head", metavar="HASH", help="A head as it was printed: it must still stand in the trail.")
@json_option
@refusing
def verify_audit(head: str | None, as_json: bool) -> None:
    """Check that no entry of the trail was changed, removed, added or swapped."""
    from models.audit import verify
    from portal.machine import check_chain
    with office():
        count = verify(head) if head else check_chain()
    show({"entries": count, "intact": True}) if as_json else tell(N_("The trail is intact: {count} entries."), count=count)


def today() -> date:
    from portal import clock
    return clock.today()


# The rest of the commands register themselves on the group.
from portal import cli_backup, cli_cases, cli_run, cli_sessions, cli_sheets, cli_users  # noqa: E402, F401
