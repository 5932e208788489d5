"""Bringing a file in, for command and screen alike: read it, load it, record the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from exports import workbook
from models import scope
from models.benefits import load_benefits
from models.campaign import Campaign
from models.cells import Table
from models.imports import ImportResult, record_run
from models.listing import Layout
from models.roster import area_index, load_roster
from models.roster_columns import BENEFITS, ROSTER
from models.roster_rows import Listing, read_benefits, read_roster


@dataclass(frozen=True)
class Brought:
    """A list brought in: the sheet as read, the listing, the outcome of every row."""

    table: Table
    listing: Listing
    result: ImportResult


def _roster(table: Table, campaign: Campaign, now: datetime) -> tuple[Listing, ImportResult]:
    within = scope.current() or campaign.county_code
    listing = read_roster(table, area_index(campaign), within, now.date())
    return listing, load_roster(listing, campaign, now)


def _benefits(table: Table, campaign: Campaign, now: datetime) -> tuple[Listing, ImportResult]:
    listing = read_benefits(table)
    return listing, load_benefits(listing)


KINDS: dict[str, tuple[Layout, Callable[[Table, Campaign, datetime], tuple[Listing, ImportResult]]]] = {
    "roster": (ROSTER, _roster),
    "benefits": (BENEFITS, _benefits),
}


def bring_in(kind: str, data: bytes, name: str, campaign: Campaign, by: str, now: datetime) -> Brought:
    """Read and load a list in the present transaction; the caller commits, or rolls back for a dry run."""
    layout, load = KINDS[kind]
    table = workbook.read(data, name, recognises=layout.recognises)
    listing, result = load(table, campaign, now)
    record_run(kind, scope.current() or campaign.county_code, result, name, hashlib.sha256(data).hexdigest(), by, now)
    return Brought(table, listing, result)
