"""The suspension list brought in: new people, known people, and what contradicts the database (方案三（一）)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from models import idnumber
from models.area import Township, Village, sort_key
from models.areanames import AreaIndex
from models.base import db
from models.campaign import Campaign
from models.case import CLEARED, Case, Person
from models.imports import NEW, REFUSED, UNCHANGED, UPDATED, ImportResult, chunks, each_row, people_by_number
from models.listing import Reading
from models.roster_rows import Listing
from models.words import N_, Refusal

# Townships of 交城县 before the merger of 2021; who absorbed the abolished ones is found by the village's name.
FORMER = {"洪相乡": "141122106", "岭底乡": "141122", "会立乡": "141122"}


def area_index(campaign: Campaign) -> AreaIndex:
    """The places of the county by name."""
    places = [(campaign.county_code, campaign.county_name)]
    for cls in (Township, Village):
        places += db.session.execute(select(cls.area_code, cls.name)).all()
    return AreaIndex(places, FORMER if campaign.county_code == "141122" else None)


def load_roster(listing: Listing, campaign: Campaign, now: datetime) -> ImportResult:
    """Load a read list into *campaign*; does not commit. Adds `already_open` and `conflict` to rows it refuses."""
    people = people_by_number(reading.values.get("id_number") for reading in listing)
    cases = _cases_of(people.values(), campaign)
    result = each_row(listing, lambda reading: _load(reading, listing, campaign, people, cases, now))
    db.session.flush()
    return result


def _cases_of(people: Iterable[Person], campaign: Campaign) -> dict[int, list[Case]]:
    """The people's cases in the campaign, by person."""
    cases: dict[int, list[Case]] = {}
    for ids in chunks(sorted(person.id for person in people)):
        for case in db.session.scalars(select(Case).where(Case.campaign_id == campaign.id, Case.person_id.in_(ids))):
            cases.setdefault(case.person_id, []).append(case)
    return cases


def _load(reading: Reading, listing: Listing, campaign: Campaign, people: dict[str, Person],
          cases: dict[int, list[Case]], now: datetime) -> tuple[str, Case | None]:
    values = reading.values
    person = people.get(values["id_number"])
    theirs = cases.get(person.id, []) if person else []
    same = next((case for case in theirs if case.paused_from == values["paused_from"]), None)
    if same:
        return _update(reading, listing, same)
    other = next((case for case in theirs if case.state != CLEARED), None)
    if other:
        reading.complain(listing.headings.titles["paused_from"], "already_open", N_(
            "This person already has an open case, paused from {month}: correct the month, or clear that case first."),
            month=str(other.paused_from))
        return REFUSED, other
    return NEW, _new_case(values, campaign, person or _new_person(values, people), now)


def _new_person(values: dict, people: dict[str, Person]) -> Person:
    person = Person(
        id_number=values["id_number"], id_tail=idnumber.tail(values["id_number"]), name=values["name"],
        name_key=sort_key(values["name"]), sex=values["sex"], born=values["born"])
    db.session.add(person)
    people[person.id_number] = person
    return person


def _listed(values: dict) -> dict:
    """What a list says of a case, by column of the case."""
    return {"area_code": values["area_code"], "household": (values.get("hukou") or "")[:20],
            "pause_reason": (values.get("reason") or "")[:200], "remark": values.get("remark") or "",
            "proposed": values.get("category") or "unknown"}


def _new_case(values: dict, campaign: Campaign, person: Person, now: datetime) -> Case:
    case = Case(campaign=campaign, person=person, paused_from=values["paused_from"], listed_at=now, **_listed(values))
    db.session.add(case)
    return case


def _update(reading: Reading, listing: Listing, case: Case) -> tuple[str, Case]:
    """Take over what the list says anew, unless a person corrected just that."""
    changes = {key: value for key, value in _listed(reading.values).items() if getattr(case, key) != value}
    if reading.values["name"] != case.person.name:
        changes["name"] = reading.values["name"]
    conflicts = sorted(set(changes) & set(case.corrected))
    if conflicts:
        title = listing.headings.titles["name" if conflicts[0] == "name" else "village"]
        reading.complain(title, "conflict", N_("A person corrected this since the list was made: bring the list in line, "
                                               "or correct the case itself."))
        return REFUSED, case
    if not changes:
        return UNCHANGED, case
    name = changes.pop("name", None)
    if name:
        case.person.name, case.person.name_key = name, sort_key(name)
    for key, value in changes.items():
        setattr(case, key, value)
    return UPDATED, case


def correct(case: Case, *, name: str | None = None, area_code: str | None = None, phone: str | None = None) -> None:
    """Put right what a list brought; later lists may not overwrite it. The stock stays in its township of then."""
    corrected = set(case.corrected)
    if name and name != case.person.name:
        case.person.name, case.person.name_key = name, sort_key(name)
        corrected.add("name")
    if area_code and area_code != case.area_code:
        _move(case, area_code)
        corrected.add("area_code")
    if phone is not None:
        case.person.phone = phone or None
    case.corrected = sorted(corrected)
    case.touch("corrected")


def _move(case: Case, area_code: str) -> None:
    """Everything that hangs on a case lies where it lies. Raises Refusal for a place that is none."""
    if db.session.scalar(select(Village.id).where(Village.area_code == area_code)) is None:
        raise Refusal(N_("There is no village with code {code} in your area."), code=area_code)
    for row in (case, *case.certificates, *case.settlements, *case.documents):
        row.area_code = area_code
