"""The trail in words: acts, subjects and columns as a clerk calls them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.audit import AuditEntry
from models.case import STATE_TITLES
from models.categories import CATEGORIES
from models.document import DOCUMENT_TITLES
from models.grants import GRANT_TITLES, HELD_BEFORE, INSTALLED
from models.leaving import REQUEST_TITLES
from models.ledger import SETTLEMENT_TITLES
from models.money import yuan
from models.steps import OUTCOME_TITLES, PROOF_TITLES
from models.user import ROLE_TITLES
from models.words import N_
from views.words import moment, said, say, value

ORIGINS = {"screen": N_("on screen"), "command": N_("by command"), "job": N_("in the background")}

ACTS = {"insert": N_("Added"), "update": N_("Changed"), "delete": N_("Removed"), "sign_in": N_("Signed in"),
        "sign_in_refused": N_("Sign-in refused"), "sign_out": N_("Signed out"), "end_sessions": N_("Ended the session"),
        "see_number": N_("Looked at the ID number"),
        "import": N_("Brought in a list"), "export": N_("Exported a list"), "download": N_("Downloaded"),
        "hand_out": N_("Handed out the list"), "full_view": N_("Read the whole file"),
        "proof_print": N_("Printed a proof"), "job_refused": N_("Refused a background job"),
        "backup": N_("Backed up"), "restore": N_("Restored"),
        "ask_post": N_("Asked for a post"), "grant_post": N_("Granted a post"),
        "refuse_post": N_("Did not grant a post"), "end_post": N_("Ended a post"),
        "password_accepted": N_("Gave the right password, a code is awaited"), "code_refused": N_("Code at sign-in refused"),
        "proved": N_("Proved once more who it is"), "proof_refused": N_("Proof refused"),
        "password_change": N_("Changed the password"), "one_time_code": N_("Made a one-time code for"),
        "generator_set": N_("Set up the code generator"), "generator_reset": N_("Reset the code generator of"),
        "export_asked": N_("Asked to export whole numbers"), "export_allowed": N_("Allowed an export"),
        "export_refused": N_("Refused an export"),
        # verbs of the work
        "step": N_("Took a step"), "reclassify": N_("Change the category"), "undo": N_("Took a step back"),
        "give_back": N_("Returned a settlement"), "order_paper": N_("Ordered a paper"),
        "benefit": N_("Typed in the benefit record"),
        "hand_on": N_("Handed the list on"), "receive": N_("Confirmed a receipt"), "prepare": N_("Recorded group and plan"),
        "issue_bulletin": N_("Ordered the report"), "documents": N_("Drew papers"), "order_lists": N_("Ordered village lists"),
        "village_lists": N_("Made village lists"), "bulletin": N_("Drew the report"),
        # forms and commands that are called by their address or their words
        "case.step": N_("Took a step"), "case.undo": N_("Took a step back"), "case.reclassify": N_("Change the category"),
        "case.give_back": N_("Returned a settlement"), "case.attach": N_("Added material"), "case.paper": N_("Ordered a paper"),
        "case.number": N_("Looked at the ID number"), "case.benefit": N_("Typed in the benefit record"),
        "case.correct": N_("Corrected the record"), "case.bulk": N_("Worked on many cases"),
        "case.action_view": N_("Worked on many cases"), "settlement.action_view": N_("Signed settlements"),
        "settlement.sign": N_("Signed settlements"), "document.action_view": N_("Worked on many papers"),
        "user.create_view": N_("Added a user"), "user.active": N_("Let a user in or kept one out"),
        "user.password": N_("Gave a new password"), "user.sessions": N_("Ended sessions"),
        "rate.create_view": N_("Published a rate"), "campaign.edit_view": N_("Changed the campaign"),
        "township.edit_view": N_("Changed a township"), "village.edit_view": N_("Changed a village"),
        "handing.out": N_("Handed out the list"), "handing.on": N_("Handed the list on"),
        "handing.receipt": N_("Confirmed a receipt"), "handing.plan": N_("Recorded group and plan"),
        "ranking.issue": N_("Ordered the report"), "task.again": N_("Ordered anew"), "roster.check": N_("Checked a list"),
        "roster.confirm": N_("Brought in a list"), "roster.errors": N_("Exported a list"), "logout": N_("Signed out"),
        "user.ask": N_("Asked for a post"), "user.grant": N_("Granted a post"), "user.refuse": N_("Did not grant a post"),
        "user.end": N_("Ended a post"), "user.ends": N_("Set the last day of a login"),
        "user.generator": N_("Reset the code generator of"), "signin.end": N_("Ended the session"),
        "account.password": N_("Changed the password"), "account.generator": N_("Began to set up a code generator"),
        "account.confirm": N_("Set up the code generator"), "stay": N_("Stayed signed in"),
        "draft_dropped": N_("Threw away what was kept"), "find.find": N_("Searched"),
        "leaving.take": N_("Took out a list with whole ID numbers"), "leaving.decide": N_("Decided about an export"),
        "leaving.fetch": N_("Took out a list with whole ID numbers"), "policy.posts": N_("Exported a list"),
        "certificate.download": N_("Downloaded"), "document.download": N_("Downloaded"), "task.zip": N_("Downloaded"),
        "task.file": N_("Exported a list"),
        "handing.plan_file": N_("Downloaded"), "ranking.download": N_("Downloaded"), "handing.village": N_("Exported a list"),
        "handing.villages": N_("Exported a list"), "handing.export": N_("Exported a list"),
        "ranking.workbook": N_("Exported a list"), "settlement.export_sheet": N_("Exported a list"),
        "user password": N_("Gave a new password"), "user reset-code": N_("Reset the code generator of"),
        "audit verify": N_("Verified the trail"), "sessions": N_("Looked who is signed in"), "sessions end": N_("Ended sessions"),
        "init": N_("Set the portal up"), "demo": N_("Exercise"), "user add": N_("Added a user"),
        "import areas": N_("Brought in places"), "import rates": N_("Brought in rates")}

RESULTS = {"done": N_("Done"), "refused": N_("Refused")}

SUBJECTS = {
    "pension_case": N_("Case"), "person": N_("Person"), "benefit": N_("Benefit record"), "step_done": N_("Step"),
    "milestone": N_("Milestone"), "certificate": N_("Certificate"), "settlement": N_("Settlement"),
    "receipt": N_("Refund"), "document": N_("Paper"), "bulletin": N_("Report"), "series": N_("Number series"),
    "township": N_("Township"), "village": N_("Village"), "campaign": N_("Campaign"), "handout": N_("Handed-out list"),
    "preparation": N_("Plan of a township"), "rate": N_("Rate"), "portal_user": N_("User"), "post_grant": N_("Post"),
    "import_run": N_("List"),
    "task": N_("Task"), "file": N_("File"), "template": N_("Template"), "queue": N_("Queue"),
    "ranking": N_("Ranking of the townships"), "export_request": N_("List with whole numbers"), "command": N_("Command"),
    "backup": N_("Backup")}

COLUMNS = {
    "certificate.name": N_("File"), "township.name": N_("Title"), "village.name": N_("Title"),
    "state": N_("State"), "category": N_("Category"), "proposed": N_("Proposed category"), "next_step": N_("Next step"),
    "round": N_("Classification no."), "outcome": N_("Outcome"), "area_code": N_("Area code"), "code": N_("Code"),
    "paused_from": N_("Suspended from"), "household": N_("Household no."), "pause_reason": N_("Reason of the suspension"),
    "remark": N_("Remark"), "listed_at": N_("Listed at"), "stock_township": N_("Counts in"),
    "listed_township": N_("First listed in"), "corrected": N_("Corrected"),
    "campaign_id": N_("Campaign no."), "person_id": N_("Person no."), "case_id": N_("Case no."), "task_id": N_("Task no."),
    "settlement_id": N_("Settlement no."), "township_id": N_("Township no."),
    "id_number": N_("ID number"), "id_tail": N_("ID number (tail)"), "name": N_("Name"), "name_key": N_("Sort key"),
    "sex": N_("Sex"), "born": N_("Born"), "phone": N_("Telephone"), "step": N_("Step"), "taken_on": N_("Happened on"),
    "recorded_at": N_("Recorded at"), "recorded_by": N_("Recorded by"), "facts": N_("Facts"),
    "undone_at": N_("Taken back at"), "undone_by": N_("Taken back by"), "undone_why": N_("Why"), "kind": N_("Kind"),
    "reached_at": N_("Reached at"), "lost_at": N_("Lost at"), "sha256": N_("Checksum"), "size": N_("Size in bytes"),
    "media_type": N_("Kind of file"), "stated_on": N_("States the day"), "seals": N_("Seals"),
    "attached_at": N_("Attached at"), "attached_by": N_("Attached by"), "as_of": N_("As of"), "result": N_("Result"),
    "back_pay": N_("Back pay"), "recover": N_("To recover"), "offset": N_("Offset"),
    "still_to_refund": N_("Still to refund"), "refund_to_person": N_("To the person or heirs"),
    "submitted_by": N_("Computed by"), "submitted_at": N_("Computed at"), "reviewed_by": N_("Reviewed by"),
    "reviewed_at": N_("Reviewed at"), "approved_by": N_("Approved by"), "approved_at": N_("Approved at"),
    "ended_by": N_("Ended by"), "ended_at": N_("Ended at"), "ended_why": N_("Why"), "amount": N_("Amount"),
    "received_on": N_("Received on"), "voucher_no": N_("Voucher number"), "number": N_("Document number"),
    "file_name": N_("File"), "error": N_("Fault"), "ordered_by": N_("Ordered by"), "ordered_at": N_("Ordered at"),
    "drawn_at": N_("Drawn at"), "basic_from": N_("Basic pension from"), "supplement_from": N_("Supplementary pension from"),
    "years_paid": N_("Years paid"), "account_pension": N_("Account pension a month"),
    "account_balance": N_("Account balance"), "government_subsidy": N_("of it government subsidy"),
    "supplement_account_pension": N_("Supplementary account pension a month"),
    "supplement_account_balance": N_("Supplementary account balance"), "entered_by": N_("Typed in by"),
    "username": N_("User name"), "role": N_("Post"), "active": N_("In use"), "failures": N_("Wrong tries"),
    "locked_until": N_("Locked until"), "password_hash": N_("Password"), "session_key": N_("Session"),
    "key": N_("Key"), "title": N_("Title"), "document_no": N_("Document number"), "county_code": N_("County code"),
    "county_name": N_("County"), "cutoff": N_("Cut-off month"), "verify_by": N_("Verify by"), "clear_by": N_("Clear by"),
    "handed_out_at": N_("Handed out at"), "bureau": N_("Bureau"), "office": N_("Service centre"), "address": N_("Address"),
    "bank_account": N_("Bank account"), "refund_days": N_("Days to refund"), "people": N_("Number of people"),
    "handed_at": N_("Handed out at"), "handed_by": N_("Handed out by"), "received_at": N_("Received at"),
    "received_by": N_("Received by"), "leader": N_("Head of the leading group"), "members": N_("Members"),
    "plan_name": N_("Plan"), "plan_sha256": N_("Checksum of the plan"), "ranked": N_("Ranked"), "contact": N_("Contact"),
    "item": N_("Item"), "from_month": N_("From month"), "min_age": N_("From age"), "basis": N_("Basis"),
    "prefix": N_("Prefix"), "year": N_("Year"), "last": N_("Last number"), "counts": N_("Counts"),
    "imported_at": N_("Brought in at"), "imported_by": N_("Brought in by"), "why": N_("Why"), "file": N_("File"),
    "rows": N_("Rows"), "new": N_("New"), "updated": N_("Updated"), "unchanged": N_("Unchanged"), "refused": N_("Refused"),
    "sheet": N_("Sheet"), "area": N_("Area"), "village": N_("Village"), "columns": N_("Columns"),
    "papers": N_("Papers"), "password_set_at": N_("Password chosen at"), "code_until": N_("One-time code until"),
    "ends_on": N_("Login ends after"), "last_seen_on": N_("Last sign-in"), "code_secret": N_("Code generator"),
    "code_step": N_("Code"), "proof": N_("Proof"), "form": N_("Form"),
    "reason": N_("What for"), "asked_by": N_("Asked by"), "asked_at": N_("Asked at"),
    "decided_by": N_("Decided by"), "decided_at": N_("Decided at"), "open_until": N_("Open until"),
    "fetched_at": N_("Fetched at"), "namesake": N_("told to be another person"), "user_id": N_("User")}

ITEMS = {"basic": N_("Basic pension"), "age": N_("Age supplement"), "years": N_("Years supplement (each year beyond 15)"),
         "supplement": N_("Supplementary pension, government part")}
MONEY = {"back_pay", "recover", "offset", "still_to_refund", "refund_to_person", "account_pension", "account_balance",
         "government_subsidy", "supplement_account_pension", "supplement_account_balance", "amount"}
# What says nothing to people.
UNSAID = {"name_key", "sha256", "plan_sha256", "session_key", "round", "campaign_id", "person_id", "case_id", "task_id",
          "settlement_id", "township_id", "result", "size", "media_type", "listed_at", "id_tail"}

_STEPS = {step.key: step.title for way in CATEGORIES.values() for step in way.steps} | {
    "reclassify": N_("Change the category")}
_FACTS = {fact.key: fact for way in CATEGORIES.values() for step in way.steps for fact in step.facts}
_KNOWN: dict[str, dict] = {
    "category": {c.key: c.title for c in CATEGORIES.values()}, "proposed": {c.key: c.title for c in CATEGORIES.values()},
    "step": _STEPS, "next_step": _STEPS, "outcome": OUTCOME_TITLES, "role": ROLE_TITLES, "item": ITEMS, "kind": {
        **PROOF_TITLES, "verified": N_("Verified"), "cleared": N_("Cleared")},
    "state": {**GRANT_TITLES, **STATE_TITLES, **SETTLEMENT_TITLES, **DOCUMENT_TITLES, **REQUEST_TITLES},
    "form": ACTS, "proof": {"code": N_("Code from the phone"), "password": N_("Password")},
    "basis": {basis: basis for basis in (INSTALLED, HELD_BEFORE)},
    "owed": {"yes": N_("Yes"), "no": N_("No")}, "to_refund": {"yes": N_("Yes"), "no": N_("No")}}
_EFFECTS = {"owed": N_("Money is owed"), "to_refund": N_("A refund is open"), "why": N_("Why"), "category": N_("Category")}


def headline(entry: AuditEntry) -> str:
    """An act in a few words: a step as its category calls it, anything else as what was done to what."""
    told = entry.told
    if "undone_why" in told:
        return said(N_("Step taken back: {why}"), why=told["undone_why"][1] or "–")
    if entry.subject != "step_done" or "step" not in told:
        return act(entry) + ("" if entry.rows and entry.act not in ("insert", "update", "delete") else subject(entry))
    key, category = (told.get(name, [None, None])[1] for name in ("step", "category"))
    step = CATEGORIES[category].step(key) if category in CATEGORIES else None
    return say(step.title if step else _STEPS.get(key, key))


def act(entry: AuditEntry) -> str:
    return say(ACTS.get(entry.act, entry.act))


def role(entry: AuditEntry) -> str:
    return ROLE_TITLES.get(entry.role, entry.role or "")


def result(entry: AuditEntry) -> str:
    return say(RESULTS.get(entry.result or "done", entry.result))


def why(entry: AuditEntry) -> str:
    """The reason that was given, or the sentence that refused, with gaps where it named somebody."""
    return (say(entry.why) if entry.result == "refused" else entry.why) or ""


def subject(entry: AuditEntry) -> str:
    return subject_title(entry.subject)


def subject_title(table: str) -> str:
    return say(SUBJECTS.get(table, table))


def changes(row: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(column, before, after) of a changed row in words; numbers were masked when recorded."""
    table = row["subject"]
    return [(say(COLUMNS.get(f"{table}.{name}") or COLUMNS.get(name, name)), shown(name, before), shown(name, after))
            for name, (before, after) in row["values"].items()
            if name not in UNSAID and not (name == "facts" and table != "step_done")]


def details(entry: AuditEntry) -> list[tuple[str, str, str]]:
    """What the act itself tells: a file's name, how many rows."""
    old = entry.changed and not entry.rows  # of an older database: these are the columns of the row
    return [] if old else changes({"subject": entry.subject, "values": entry.changes})


def shown(name: str, stored: Any) -> str:
    """A stored value in words."""
    if name == "facts" and isinstance(stored, dict):
        return "；".join(f"{label}：{text}" for label, text in facts(stored)) or "–"
    if isinstance(stored, str) and stored in _KNOWN.get(name, {}):
        return say(_KNOWN[name][stored])
    if name in MONEY and isinstance(stored, int):
        return yuan(stored)
    if isinstance(stored, list):
        return "、".join(map(str, stored)) or "–"
    if isinstance(stored, dict):
        return "；".join(f"{say(COLUMNS.get(key, key))}：{text}" for key, text in stored.items()) or "–"
    return value(_local(name, stored))


def _local(name: str, stored: Any) -> Any:
    """Instants were recorded with their zone; people read them in theirs."""
    return moment(datetime.fromisoformat(stored)) if name.endswith(("_at", "_until")) and stored else stored


def facts(stored: dict[str, Any]) -> list[tuple[str, str]]:
    """(question, answer) of a step's facts."""
    return [(say(_FACTS[key].title if key in _FACTS and key not in _EFFECTS else _EFFECTS.get(key, key)),
             _answer(key, text)) for key, text in stored.items() if text is not None]


def _answer(key: str, text: str) -> str:
    options = dict(_FACTS[key].options()) if key in _FACTS and _FACTS[key].kind == "choice" else _KNOWN.get(key, {})
    return say(options.get(text, str(text)))
