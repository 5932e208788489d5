"""The reason that whole ID numbers leave for: asked on a page of its own, then sent with the same form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import g, request

from models import leaving
from models.document import DRAWN, Document
from models.papers import WITH_NUMBER
from models.words import N_, Refusal
from views import proof
from views.words import said, say

ONE = 1  # whose paper may leave for a reason alone


def people_in(documents: Iterable[Document]) -> int:
    """Of how many people the drawn papers hold the whole number."""
    return len({paper.case_id for paper in documents if paper.kind in WITH_NUMBER and paper.state == DRAWN})


def given(people: int) -> str | None:
    """The reason this form gives for taking out the numbers of *people*; None if it still has to be asked.

    The one door of whole numbers. Those of several people also want a fresh code from the phone (ASVS 5.0 7.5.3).
    Raises Refusal for more people than leave at once.
    """
    leaving.refuse_many(people)
    why = told()
    return why if why and (people <= ONE or proved()) else None


def proved() -> bool:
    """Whether the form has the fresh code that many numbers want; what is wrong with it stands on the page that follows."""
    try:
        proof.proved()
    except Refusal as refusal:
        g.unproved = say(refusal)
        return False
    return True


def noted(why: str | None, people: int) -> dict[str, Any]:
    """What the trail keeps of it; nothing where no whole number leaves."""
    return {"why": why, "people": people} if people else {}


def told() -> str | None:
    """The reason in the form, if there is a whole one."""
    try:
        return leaving.reason(request.form.get("reason", ""), request.form.get("words", ""))
    except Refusal:
        return None


def asked(view: Any, name: str, people: int) -> Any:
    """The page that asks for the reason; with what is wrong, once something was answered."""
    page = view.render("admin/reason.html", title=said(N_("Whole ID numbers: {file}"), file=name), people=people,
                       coded=people > ONE and proof.needed(), url=request.full_path.rstrip("?"), kept=_kept(), **choices())
    return (page, 422) if "reason" in request.form else page


def choices() -> dict[str, Any]:
    """What the template of the reason needs."""
    return {"reasons": [(key, say(title)) for key, title in leaving.REASONS.items()], "typed": request.form,
            "problems": _problems()}


def _problems() -> list[tuple[str, str]]:
    if "reason" not in request.form:
        return []
    if "unproved" in g:
        return [("code", g.unproved)]
    try:
        leaving.reason(request.form["reason"], request.form.get("words", ""))
    except Refusal as refusal:
        return [("words" if request.form["reason"] == leaving.OTHER else "reason", say(refusal))]
    return []


def _kept() -> list[tuple[str, str]]:
    """What the form that led here said, to be said again."""
    return [pair for pair in request.form.items(multi=True) if pair[0] not in ("csrf_token", "once", "reason", "words", "code")]
