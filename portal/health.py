"""/healthz: whether the database and Redis answer, and how long work has been waiting."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from flask import Flask, current_app, jsonify
from sqlalchemy import func, select

from models import machinecheck, scope
from models.base import db
from models.outbox import DONE, FAILED, Task
from models.schema import writing
from portal import bell

log = logging.getLogger("portal.health")

PATIENCE = 2.0  # seconds; whoever asks wants an answer, not a wait
# One thread: while it hangs on a dead host, the next question times out instead of hanging as well.
_asking = ThreadPoolExecutor(1, thread_name_prefix="health")


def init_app(app: Flask) -> None:
    app.add_url_rule("/healthz", "healthz", healthz)


def healthz():
    """200 when both answer, else 503; what failed is named, why is in the log. It is open to the street."""
    told = examined()
    well = told["database"] == told["redis"] == "ok"
    return jsonify(told), 200 if well else 503, {"Cache-Control": "no-store"}


def examined() -> dict[str, object]:
    """{"database", "redis": ok or failed, "waiting", "oldest_seconds", "backup", "backup_age_seconds", "chain",
    "chain_age_seconds", "free_bytes"}; what could not be asked is not in it."""
    told = {"free_bytes": shutil.disk_usage(current_app.config["PORTAL"].data_dir).free}
    told["database"] = _asked("database", lambda: told.update(_outbox() | _checks()))
    told["redis"] = _asked("redis", _ping)
    return told


def _asked(name: str, question: Callable[[], object]) -> str:
    app = current_app._get_current_object()

    def ask() -> None:
        token = writing.set(False)
        try:
            with app.app_context(), scope.everything("health"):
                question()
        finally:
            writing.reset(token)

    try:
        _asking.submit(ask).result(PATIENCE)
    except Exception as error:
        log.warning("%s does not answer (%s)", name, type(error).__name__)
        return "failed"
    return "ok"


def _ping() -> None:
    connection = bell.connect(current_app.config["PORTAL"])
    if connection is None:
        raise ConnectionError("no Redis is known")
    with connection:
        connection.ping()


def _checks() -> dict[str, object]:
    """How the last backup and the last check of the trail went, and how long ago each was last well; None: never."""
    found = machinecheck.latest()
    told = {}
    for kind, bad in ((machinecheck.BACKUP, "failed"), (machinecheck.CHAIN, "broken")):
        row = found.get(kind)
        told[kind] = "none" if row is None else "ok" if row.ok else bad
        told[f"{kind}_age_seconds"] = _seconds_since(row.good_at) if row and row.good_at else None
    return told


def _seconds_since(at: datetime) -> int:
    return max(0, int((datetime.now(UTC) - at).total_seconds()))


def _outbox() -> dict[str, int]:
    """How many tasks are open, and for how many seconds the oldest has been."""
    waiting, oldest = db.session.execute(
        select(func.count(), func.min(Task.created_at)).where(Task.state.not_in((DONE, FAILED)))).one()
    return {"waiting": waiting, "oldest_seconds": _seconds_since(oldest) if oldest else 0}
