"""What a commit changed, folded into its acts: one entry an act, and of what concerns many cases one entry a case.

An act is named by `audit.record`. A changed row belongs to the next act of its own case; what concerns no case, to the
commit's first act that was done, else to what was refused: a wrong try counts. Rows of a case without an act, and a commit
without any, make an act of their own: it has the name of the commit's act that concerns no case, else the name its edge
gave, else that of the change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from models.base import Sensitive
from models.chain import DONE, AuditEntry, AuditHead, plain
from models.idnumber import masked
from models.scope import current, formerly

# ID and card numbers that stand in some text, such as a remark or the facts of a notice.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{11,15}(?=\d{3}[\dXx](?![0-9A-Za-z]))")


def unnumbered(text: str) -> str:
    """*text* with all but the last four signs of every ID and card number hidden."""
    return _NUMBER.sub(lambda found: "•" * len(found[0]), text)


def shown(row: Any, key: str, value: Any) -> Any:
    """A value of a row as the trail keeps it: numbers masked, secrets hidden, long frozen facts as their hash."""
    if value is None:
        return None
    if key in getattr(row, "__unrecorded__", ()):
        return value and "•••"
    if key in getattr(row, "__digested__", ()):
        return value and hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    column = inspect(type(row)).attrs[key].columns[0]
    return masked(value) if isinstance(column.type, Sensitive) and value else plain(value)


def columns(row: Any) -> Iterator[str]:
    """The columns of a row that the trail tells of."""
    return (attribute.key for attribute in inspect(type(row)).column_attrs if attribute.key not in ("id", "version"))


def untraced(row: Any) -> bool:
    return getattr(row, "__untraced__", False) or isinstance(row, AuditEntry | AuditHead)


def noted(session: Session) -> Iterator[dict[str, Any]]:
    """What is about to be flushed, as {"change", "row", "values"}."""
    for change, rows in (("insert", session.new), ("update", session.dirty), ("delete", session.deleted)):
        for row in rows:
            values = {} if untraced(row) else _values(session, row, change)
            if values or (change == "insert" and not untraced(row)):
                yield {"change": change, "row": row, "values": values}


def _values(session: Session, row: Any, change: str) -> dict[str, list]:
    if change == "insert":
        return {}  # defaults and keys are known once it is flushed
    if change == "delete":
        return {key: [shown(row, key, getattr(row, key)), None] for key in columns(row) if getattr(row, key) is not None}
    state = inspect(row)
    pairs = ((key, formerly(row, key, session), getattr(row, key)) for key in columns(row)
             if state.attrs[key].history.has_changes())
    return {key: [shown(row, key, before), shown(row, key, after)] for key, before, after in pairs if before != after}


def folded(pending: list[dict[str, Any]], edge: str | None) -> list[dict[str, Any]]:
    """The acts of a commit, in order, each with its "rows". *edge*: what the edge calls an act without a name."""
    cases = {item["row"].person_id: item["row"].id for item in pending
             if "row" in item and item["row"].__tablename__ == "pension_case"}
    cases |= {None: None}
    acts = [item | {"rows": {}} for item in pending if "row" not in item]
    homes, common = _homes(acts), next((act for act in acts if act["case_id"] is None and act["result"] == DONE), None)
    own: dict[int | None, dict] = {}
    met = -1
    for item in pending:
        if "row" not in item:
            met += 1
            continue
        case = _case_of(item["row"], cases, homes)
        home = next((act for place, act in homes.get(case, ()) if place > met), None) or (
            homes[case][-1][1] if case in homes else None)
        if home is None and case is None:
            home = common or next((act for act in acts if act["result"] == DONE), None) or next(
                (act for act in acts if act["case_id"] is None), None)
        _merge((home or own.setdefault(case, {"case_id": case, "rows": {}}))["rows"], item)
    unnamed = [_named(act, common["act"] if common else edge) for act in own.values() if act["rows"]]
    return [_whole(act) for act in (*acts, *unnamed)]


def _homes(acts: list[dict]) -> dict[int, list[tuple[int, dict]]]:
    """The acts of each case, with their place among all acts."""
    homes: dict[int, list[tuple[int, dict]]] = {}
    for place, act in enumerate(acts):
        if act["case_id"] is not None and act["result"] == DONE:
            homes.setdefault(act["case_id"], []).append((place, act))
    return homes


def _case_of(row: Any, cases: dict, homes: Iterable[int]) -> int | None:
    """The case a row belongs to. A person's own rows: their case in this commit, else their newest."""
    if row.__tablename__ == "pension_case":
        return row.id
    if row.__tablename__ in ("person", "benefit"):
        person = row if row.__tablename__ == "person" else row.person
        if person.id not in cases:
            theirs = {case.id for case in person.cases if case.id is not None}
            cases[person.id] = max(theirs & set(homes) or theirs, default=None)
        return cases[person.id]
    settlement = getattr(row, "settlement", None)
    return settlement.case_id if settlement else getattr(row, "case_id", None)


def _merge(rows: dict, item: dict) -> None:
    """Of two changes of one row the first says what was, the last what is."""
    row, key = item["row"], id(item["row"])
    before = rows.get(key)
    if before is None:
        rows[key] = item
    elif item["change"] == "update":
        before["values"] = before["values"] | {name: [before["values"].get(name, pair)[0], pair[1]]
                                               for name, pair in item["values"].items()}
    elif before["change"] == "insert":
        del rows[key]  # made and unmade: nothing happened
    else:
        item["values"] |= {name: [pair[0], None] for name, pair in before["values"].items()}
        rows[key] = item | {"row": row}


def _named(act: dict, name: str | None) -> dict:
    """An act that nobody recorded, about the case itself where that changed, else about its first row."""
    rows = list(act["rows"].values())
    about = next((item for item in rows if item["row"].__tablename__ == "pension_case"), rows[0])
    row = about["row"]
    return {"act": (name or about["change"])[:32], "subject": row.__tablename__, "row_id": getattr(row, "id", None),
            "area_code": _area(row) or next(filter(None, (_area(item["row"]) for item in rows)), current() or ""),
            "changes": {}, "result": DONE, "why": None} | act


def _area(row: Any) -> str | None:
    person = row if row.__tablename__ == "person" else getattr(row, "person", None)  # who has none, but for the newest case
    newest = max(person.cases, key=lambda case: case.id or 0, default=None) if person else None
    holders = (row, getattr(row, "case", None), getattr(row, "settlement", None), newest)
    return next((found for found in (getattr(holder, "area_code", None) for holder in holders) if found), None)


def _whole(act: dict) -> dict:
    """An act with its rows as the trail keeps them; what was inserted is read now that its keys are known."""
    rows = []
    for item in act["rows"].values():
        row = item["row"]
        values = item["values"] if item["change"] != "insert" else {
            key: [None, shown(row, key, getattr(row, key))] for key in columns(row) if getattr(row, key) is not None}
        rows.append({"subject": row.__tablename__, "row_id": getattr(row, "id", None), "change": item["change"],
                     "values": values})
    text = unnumbered(json.dumps([act["changes"], rows], ensure_ascii=False, default=plain))
    changes, rows = json.loads(text)
    return act | {"changes": changes, "rows": rows or None, "why": act["why"] and unnumbered(act["why"])}
