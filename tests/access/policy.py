"""THE TABLE: who may knock at which address, with which method, for which row, and what a form needs to do something.

A rule of the URL map without a row here fails, and so does a row without a rule. A new screen adds its rows to TABLE, a new
post its letter to LETTERS; another form of an address already here has a word behind #. Row by row: the letters of the
posts that may; the kind of row its identifier names (a name of `peopled`'s ids) and where the identifier stands; the form;
for whom it changes rows; for which posts it is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from factories import TIANNING

from access import forms
from access.forms import CHANGED, LOGIN, file, version
from models.case import Case
from models.user import Role

# The posts by letter; TOWN stands for the clerk of a township, O for the one of the other township.
LETTERS = {"A": "county_admin", "C": "county_clerk", "R": "county_reviewer", "P": "county_approver", "U": "auditor",
           "T": "township", "S": "system_admin", "G": "security_admin"}
POSTS = "".join(letter for letter, role in LETTERS.items() if role in set(Role))
CASES = "ACRPUT"            # everybody who sees cases
COUNTY = "ACRPU"            # of them, the county's
KEEPERS = "AS"              # who keep accounts
KNOWING = "AUSG"            # who know of accounts and posts
SIGNERS = "CRPT"            # who may change cases at all
ANYBODY = f"{POSTS}-"       # and whoever is not signed in


@dataclass(frozen=True)
class Door:
    """One address with one method. `who`: letters let in; `lost`: letters for whom there is nothing; the rest: 403."""

    who: str
    row: str = ""                       # the kind of row its identifier names; everything below it hangs on that
    by: str = "<id>"                    # where the identifier stands: <id> in the path, ?name in the query, name of a field
    form: Mapping[str, Any] = field(default_factory=dict)  # text, or a function of the row's id
    does: str = ""                      # letters for whom the form changes rows, of their own area
    lost: str = ""
    path: Mapping[str, str] = field(default_factory=dict)  # what stands in the path beside an id
    first: Callable[[], None] | None = None                # what has to be so before the form can do anything
    answers: tuple[int, ...] = (200, 302)                  # how whoever is let in is answered
    shared: bool = False                                   # the row is everybody's
    away: bool = False                                     # who is signed in is shown to the door of the house all the same


def room(at: str, who: str, *, row: bool = True, shared: bool = False) -> dict[str, Door]:
    """The list of a screen, the page of one of its rows, and its ticks without a deed behind them."""
    page = {f"GET {at}.details_view": Door(who, at, "?id", shared=shared)} if row else {}
    return {f"GET {at}.index_view": Door(who), **page, f"POST {at}.action_view": Door("", lost=who, form={"action": "delete"})}


TABLE: dict[str, Door] = {
    # Open to the street
    "GET login": Door(ANYBODY),
    "POST login": Door(ANYBODY, form={"username": "nobody", "password": "nothing"}, answers=(401,)),
    "GET healthz": Door(ANYBODY, answers=(200, 503)),
    "GET static": Door(ANYBODY, path={"filename": "portal.css"}),
    "POST language": Door(ANYBODY, form={"locale": "en"}),
    "GET login_code": Door(ANYBODY, away=True),  # whoever gave no password yet
    "POST login_code": Door(ANYBODY, form={"code": "000000"}, away=True),
    # The frame
    "GET root": Door(POSTS),
    "POST logout": Door(POSTS),
    "POST stay": Door(POSTS),
    "GET draft": Door(POSTS),
    "POST draft_dropped": Door(POSTS),
    "POST find.find": Door(CASES, form={"room": "case", "search": "王"}),
    "GET admin.index": Door(POSTS),
    # One's own account; codes from a phone are asked outside an exercise only
    "GET account.index": Door(POSTS),
    "POST account.password": Door(POSTS, form=forms.PASSWORD_CHANGE, does=POSTS),
    "POST account.generator": Door("", lost=POSTS),
    "POST account.confirm": Door("", lost=POSTS),
    # Rooms that are lists
    **room("audit", "AU"), **room("campaign", CASES, shared=True), **room("case", CASES), **room("certificate", CASES),
    **room("document", CASES), **room("rate", COUNTY, shared=True), **room("roster", "C"), **room("settlement", COUNTY),
    **room("task", CASES), **room("township", CASES), **room("user", KNOWING), **room("village", CASES),
    "GET settlement.details_view": Door(COUNTY, "settlement", "?id", lost="SG"),  # none is in their sight
    # A case
    "POST case.action_view": Door("CT", "unknown", "rowid", {"action": "accept"}, lost="ARPU"),
    "POST case.bulk": Door("CT", "case", "ids", forms.CERTIFIED, does="CT", lost="ARPU"),
    "POST case.step": Door(SIGNERS, "unknown", form=forms.ESTABLISHED, does="CT", answers=(200, 302, 422)),
    "POST case.undo": Door(SIGNERS, "begun", form=CHANGED | {"step": "certify"}, does="CT", answers=(200, 302, 422)),
    "POST case.reclassify": Door(SIGNERS, "case", form=CHANGED | {"category": "no_card"}, does="CT", answers=(200, 302, 422)),
    "POST case.give_back": Door(SIGNERS, "owed", form=CHANGED, does="CR", answers=(200, 302, 422)),
    "POST case.attach": Door(SIGNERS, "case", form={"version": version(Case), "proof-other": file()}, does=SIGNERS),
    "POST case.paper": Door(SIGNERS, "begun", form={"version": version(Case), "kind": "certification"}, does=SIGNERS),
    "POST case.paper #numbered": Door(SIGNERS, "recovering", form={"version": version(Case), "kind": "recovery"}, does="CRP",
                                      first=forms.account_named, answers=(200, 302, 422)),
    "POST case.number": Door(CASES, "case", form={"why": "核对"}),
    "GET case.benefit": Door("C", "case"),
    "POST case.benefit": Door("C", "case", form=forms.BENEFIT, does="C"),
    "GET case.correct": Door("CT", "case"),
    "POST case.correct": Door("CT", "case", form=forms.CORRECTION, does="CT"),
    # Files
    "POST certificate.download": Door(CASES, "certificate"),
    "POST document.download": Door(CASES, "document"),
    "POST document.action_view": Door(CASES, "document", "rowid", {"action": "zip"}),
    "GET task.show": Door(CASES, "task"),
    "POST task.zip": Door(CASES, "task"),
    "POST task.file": Door("C", "archive", lost="ARPUT"),  # whoever ordered it
    "POST task.again": Door(SIGNERS, "failed", does=SIGNERS),
    # Handing out
    "GET handing.index": Door(CASES),
    "GET handing.check": Door("C"),
    "POST handing.out": Door("C", does="C", first=forms.not_handed_out),
    "POST handing.on": Door("T", does="T"),
    "POST handing.receipt": Door("T", "handout", "handout", {"person": "某"}, does="T"),
    "POST handing.plan": Door("T", form=forms.PLAN, does="T"),
    "POST handing.plan_file": Door(CASES, "plan"),
    "POST handing.village": Door(CASES, "handout"),
    "POST handing.villages": Door(CASES, "code", "?township"),
    "POST handing.export": Door(CASES),
    "GET leaving.index": Door(COUNTY),
    "POST leaving.take": Door("C", form={"place": TIANNING, "reason": "file"}),
    "POST leaving.take #many": Door("C", form={"place": forms.COUNTY, "reason": "file"}, does="C",
                                     first=forms.more_than_leave_at_once),
    "POST leaving.decide": Door("RP", "request", form={"verdict": "allow"}, does="RP"),
    "POST leaving.fetch": Door("C", "request", answers=(409,)),  # what nobody allowed yet: test_leaving
    # Money
    "POST settlement.export_sheet": Door(COUNTY),
    "POST settlement.action_view": Door("R", "settlement", "rowid", {"action": "review"}, lost="ACPU"),
    "POST settlement.sign": Door("R", "settlement", "row", forms.SIGNED, does="R"),
    "POST settlement.sign #return": Door("CRP", "settlement", "row", forms.RETURNED, does="CR"),
    # Reports
    "GET ranking.index": Door(CASES),
    "POST ranking.workbook": Door(CASES),
    "POST ranking.download": Door(CASES, "bulletin", shared=True),
    "POST ranking.issue": Door("AC", form={"day": "2021-09-19"}, does="AC"),
    # Lists brought in
    "GET roster.template": Door("C", path={"kind": "roster"}),
    "POST roster.check": Door("C", form={"kind": "roster", "file": forms.list_of("roster_province.xlsx")}),
    "POST roster.confirm": Door("C", form={"sha256": "0" * 64}, answers=(404,)),  # of one's own upload only: test_rooms
    "POST roster.errors": Door("C", form={"sha256": "0" * 64}, answers=(404,)),
    # What the administrator keeps
    "GET township.edit_view": Door("A", "township", "?id"),
    "POST township.edit_view": Door("A", "township", "?id", forms.TOWNSHIP, does="A"),
    "GET village.edit_view": Door("A", "village", "?id"),
    "POST village.edit_view": Door("A", "village", "?id", forms.VILLAGE, does="A"),
    "GET campaign.edit_view": Door("A", "campaign", "?id", shared=True),
    "POST campaign.edit_view": Door("A", "campaign", "?id", forms.CAMPAIGN, does="A", shared=True),
    "GET rate.create_view": Door("A"),
    "POST rate.create_view": Door("A", form=forms.RATE, does="A"),
    "GET user.create_view": Door(KEEPERS),
    "POST user.create_view": Door(KEEPERS, form=forms.USER, does=KEEPERS),
    "GET user.ask": Door(KEEPERS, "user"),
    "POST user.ask": Door(KEEPERS, "user", form=forms.POST, does=KEEPERS),
    "POST user.active": Door(KEEPERS, "user", form=LOGIN, does=KEEPERS),
    "POST user.password": Door(KEEPERS, "user", form=LOGIN, does=KEEPERS),
    "POST user.ends": Door(KEEPERS, "user", form=LOGIN | {"ends_on": "2099-12-31"}, does=KEEPERS),
    "POST user.sessions": Door(KEEPERS, "user", form=LOGIN),
    "POST user.generator": Door("G", "user", form=LOGIN),
    "POST user.grant": Door("G", "user", form=forms.post("asked"), does="G", first=forms.post_asked),
    "POST user.refuse": Door("G", "user", form=forms.post("asked"), does="G", first=forms.post_asked),
    "POST user.end": Door("G", "user", form=forms.post("granted"), does="G"),
    **room("signin", KEEPERS, row=False),
    "POST signin.end": Door(KEEPERS, "signin"),
    "GET machine.index": Door(KEEPERS),
    "GET policy.index": Door(KNOWING),
    "POST policy.posts": Door(KNOWING),
}
