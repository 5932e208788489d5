"""How the portal is (系统状况): backups, the trail, waiting work, room on the disk; with what to do where something is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_admin import expose
from flask_login import current_user

from models import machinecheck, realtime
from models.machinecheck import MachineCheck
from models.user import Right
from models.words import N_, Message, from_json
from views.base import OfficePage
from views.words import moment, say

TOO_OLD = timedelta(hours=26)  # the daily one is two hours late
WAITS_LONG = 15 * 60           # seconds
SCARCE = 2 * 2 ** 30           # bytes, or a twentieth of the disk if that is less
KINDS = {"daily": N_("daily"), "by-hand": N_("by hand"), "import": N_("before an import")}
ANSWERS = {"ok": N_("answers"), "failed": N_("does not answer")}


class MachinePage(OfficePage):
    title, at, needs = N_("State of the system"), "machine", Right.CHANGE_SETTINGS

    @expose("/")
    def index(self) -> str:
        state, found = current_app.extensions["machine"].state(), machinecheck.latest()
        health = state["health"]
        return self.render(
            "admin/machine.html", state=state, worries=[*worries(), *map(say, _of_machine(state))],
            backup=found.get(machinecheck.BACKUP), kinds={kind: say(title) for kind, title in KINDS.items()}, moment=moment,
            chain=_chain(found.get(machinecheck.CHAIN)), answers=[(name, say(ANSWERS[health[name]])) for name in (
                "database", "redis")], gigabytes=lambda size: f"{size / 1e9:.1f}")

    def waiting(self) -> int:
        return len(worries())


def worries() -> list[str]:
    """What is wrong with backups or trail, in sentences, for those who see to the running of the portal."""
    if not current_user.may(Right.CHANGE_SETTINGS):
        return []
    found, now = machinecheck.latest(), realtime.now()
    both = _of_backup(found.get(machinecheck.BACKUP), now), _of_chain(found.get(machinecheck.CHAIN))
    return [say(each) for each in both if each]


def _of_backup(row: MachineCheck | None, now: datetime) -> Message | None:
    if row is None:
        return Message(N_("No backup was made yet: the schedule makes one within a minute while the portal runs (portal serve)."))
    if not row.ok:
        return Message(N_("The backup of {at} failed: {why} It is tried again every hour; `portal backup` tries it at once."),
                       {"at": moment(row.at), "why": from_json(row.told)})
    if now - row.good_at > TOO_OLD:
        return Message(N_("The last backup is of {at}: see that the schedule runs (portal serve), or run `portal backup`."),
                       {"at": moment(row.good_at)})
    return None


def _of_chain(row: MachineCheck | None) -> Message | None:
    if row is None or row.ok:
        return None
    return Message(N_("{why} Found at {at}. Change nothing, keep the newest backups apart, and call the auditor."),
                   {"at": moment(row.at), "why": from_json(row.told)})


def _chain(row: MachineCheck | None) -> str:
    if row is None:
        return say(N_("not checked yet"))
    return say(Message(N_("intact at {at}") if row.ok else N_("broken at {at}"), {"at": moment(row.at)}))


def _of_machine(state: dict[str, Any]) -> list[Message]:
    health, found = state["health"], []
    if health["redis"] != "ok":
        found.append(Message(N_("The queue does not answer: papers wait until it does. Look at the log of `portal serve`.")))
    if health.get("oldest_seconds", 0) > WAITS_LONG:
        found.append(Message(N_("Work has been waiting for {minutes} minutes: see that the worker runs (portal serve)."),
                             {"minutes": health["oldest_seconds"] // 60}))
    if health["free_bytes"] < min(SCARCE, state["total_bytes"] / 20):
        found.append(Message(N_("The disk of the data is almost full: make room, or move the backups with PORTAL_BACKUPS.")))
    return found
