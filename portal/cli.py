"""The command line: every command of the contract, in groups by what it is for."""

from __future__ import annotations

import io
import os
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
    from portal import founding
    with office(scope.EVERYWHERE, fresh=True):
        founding.migrate()
        password = "" if founding.has_administrator() else _password("PORTAL_ADMIN_PASSWORD")
        founding.found(county, name, password)
        db.session.commit()
    tell(N_("The portal is set up for county {code}. Sign in as county_admin."), code=county)


def _password(variable: str) -> str:
    if os.environ.get(variable):
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise Refusal(N_("A password is needed: set {variable}, or run the command in a terminal."), variable=variable)
    return click.prompt(say(N_("Password")), hide_input=True, confirmation_prompt=True)


@main.group()
def user() -> None:
    """People who sign in."""


@user.command("add")
@click.argument("username")
@click.option("--role", required=True)
@click.option("--area", required=True, help="Division code: 6 digits for county posts, 9 for a township.")
@click.option("--name", help="The person's name; the user name if not given.")
@click.option("--namesake", is_flag=True, help="Somebody else of this name holds another post, and is another person.")
@refusing
def add_user(username: str, role: str, area: str, name: str | None, namesake: bool) -> None:
    """Add a user, the post granted at once; the password is prompted for or comes from PORTAL_USER_PASSWORD."""
    from sqlalchemy import select

    from models import grants
    from models.user import User, new_user
    from portal import clock
    with office():
        if db.session.scalar(select(User).where(User.username == username)):
            raise Refusal(N_("There already is a user “{name}”."), name=username)
        _known_area(area)
        user = new_user(username, name or username, role, area, _password("PORTAL_USER_PASSWORD"))
        grants.install(user, clock.now(), namesake=namesake)
        db.session.commit()
    tell(N_("User {name} can sign in now."), name=username)


def _known_area(code: str) -> None:
    from sqlalchemy import select

    from models.area import Township
    from models.campaign import Campaign
    township = db.session.scalar(select(Township).where(Township.area_code == code))
    if township is None and db.session.scalar(select(Campaign).where(Campaign.county_code == code)) is None:
        raise Refusal(N_("There is no county and no township with code {code} here."), code=code)
    if township is not None and not township.ranked:
        raise Refusal(N_("{name} is a statistical unit without a government: it gets no login."), name=township.name)


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
    from portal.founding import area_rows
    data, _ = content(file)
    with office():
        changed = area.load(area_rows(text_of(unpacked(data))), the_campaign().county_code)
        db.session.commit()
    tell(N_("{count} places are new or renamed."), count=changed)


@bring.command("rates")
@click.argument("file")
@refusing
def import_rates(file: str) -> None:
    """Dated rates (columns item, from, amount, min_age, basis)."""
    from models.rates import read_rates_csv
    from portal.founding import add_rates
    data, _ = content(file)
    with office():
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
    from models.campaign import the_campaign
    from portal import clock
    data, name = content(file)
    with office():
        campaign = the_campaign(key)
        with scope.seeing(campaign.county_code):
            brought = bring_in(kind, data, name, campaign, "system", clock.now())
            counts = brought.result.counts
            if errors and brought.result.refused:  # first, so that nothing comes in where they cannot be written
                rows = io.BytesIO()
                write_errors(brought.table, brought.listing.headings, brought.listing.readings, rows, _speak())
                write_out(errors, rows.getvalue())
            if dry_run:
                db.session.rollback()
            else:
                db.session.commit()
            if as_json:
                show(brought.result.as_json(say))
            else:
                tell(N_("{rows} rows: {new} new, {updated} updated, {unchanged} unchanged, {refused} refused."), **counts)


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


@main.command()
@click.argument("sheet")
@click.option("-o", "out", required=True, metavar="OUT.xlsx")
@click.option("--area", help="Only this area (division code).")
@refusing
def export(sheet: str, out: str, area: str | None) -> None:
    """Write a sheet of the export table as a workbook."""
    from exports.sheets import build
    from models import audit
    from models.campaign import the_campaign
    from portal import clock
    with office():
        campaign = the_campaign()
        within = area or campaign.county_code
        if not within.isdecimal() or not within.startswith(campaign.county_code):
            raise Refusal(N_("Area {area} lies outside the county {county}."), area=within, county=campaign.county_code)
        with scope.seeing(within):
            data = build(sheet, campaign, clock.now(), _speak())
            audit.record("export", sheet, within)
            db.session.commit()
    write_out(out, data)
    if out != "-":
        tell(N_("{file} is written."), file=out)


@main.group()
def audit() -> None:
    """The trail."""


@audit.command("verify")
@json_option
@refusing
def verify_audit(as_json: bool) -> None:
    """Check that no entry of the trail was changed, removed, added or swapped."""
    from models.audit import verify
    with office():
        count = verify()
    show({"entries": count, "intact": True}) if as_json else tell(N_("The trail is intact: {count} entries."), count=count)


def today() -> date:
    from portal import clock
    return clock.today()


# The rest of the commands register themselves on the group.
from portal import cli_cases, cli_run  # noqa: E402, F401
