"""What settling needs of each person, brought in by a list or typed in on the case page."""

from __future__ import annotations

from models.base import db
from models.case import Benefit, Case, Person
from models.imports import NEW, REFUSED, UNCHANGED, UPDATED, ImportResult, each_row, people_by_number
from models.listing import Reading
from models.months import Month
from models.roster_rows import Listing
from models.scope import within
from models.words import N_, Refusal

FIELDS = ("basic_from", "supplement_from", "years_paid", "account_pension", "account_balance", "government_subsidy",
          "supplement_account_pension", "supplement_account_balance")


def load_benefits(listing: Listing) -> ImportResult:
    """Load a read list; does not commit. Refuses people who are on no list and what a person typed in since."""
    people = people_by_number(reading.values.get("id_number") for reading in listing)
    result = each_row(listing, lambda reading: _load(reading, listing, people))
    db.session.flush()
    return result


def _load(reading: Reading, listing: Listing, people: dict[str, Person]) -> tuple[str, Case | None]:
    person = people.get(reading.values["id_number"])
    case = next((case for case in person.cases if within(case.area_code)), None) if person else None
    if case is None:
        reading.complain(listing.headings.titles["id_number"], "unknown_person", N_(
            "This person is on no suspension list in your area: import the list first, or check the number."))
        return REFUSED, None
    values = {key: reading.values[key] for key in FIELDS}
    benefit = person.benefit
    if benefit is None:
        person.benefit = Benefit(**values)
        return NEW, case
    changes = {key: value for key, value in values.items() if getattr(benefit, key) != value}
    if changes and benefit.entered_by:
        reading.complain(listing.headings.titles["basic_from"], "conflict", N_(
            "{by} typed in other figures for this person: agree on the right ones, then correct them on the case page."),
            by=benefit.entered_by)
        return REFUSED, case
    for key, value in changes.items():
        setattr(benefit, key, value)
    return UPDATED if changes else UNCHANGED, case


def enter_benefit(person: Person, by: str, *, basic_from: Month, supplement_from: Month | None, years_paid: int,
                  **amounts: int) -> Benefit:
    """Type in a person's benefit record (amounts in 分). Raises Refusal for figures that contradict each other."""
    if years_paid < 0 or min(amounts.values(), default=0) < 0:
        raise Refusal(N_("Years and amounts cannot be negative."))
    if amounts.get("government_subsidy", 0) > amounts.get("account_balance", 0):
        raise Refusal(N_("The government subsidy is part of the balance and cannot be above it."))
    if supplement_from and supplement_from < basic_from:
        raise Refusal(N_("The supplementary pension cannot start before the basic one."))
    benefit = person.benefit or Benefit()
    values = dict(basic_from=basic_from, supplement_from=supplement_from, years_paid=years_paid, **amounts)
    for key in FIELDS:
        setattr(benefit, key, values[key])
    benefit.entered_by = by
    person.benefit = benefit
    return benefit
