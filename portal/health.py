"""/healthz: whether the database and Redis answer, and how long work has been waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from flask import Flask, current_app, jsonify
from sqlalchemy import func, select

from models import scope
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
    """200 when both answer, else 503; what failed is named, why is in the log."""
    told = {}
    told["database"] = _asked("database", lambda: told.update(_outbox()))
    told["redis"] = _asked("redis", _ping)
    well = told["database"] == told["redis"] == "ok"
    return jsonify(told), 200 if well else 503, {"Cache-Control": "no-store"}


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


def _outbox() -> dict[str, int]:
    """How many tasks are open, and for how many seconds the oldest has been."""
    waiting, oldest = db.session.execute(
        select(func.count(), func.min(Task.created_at)).where(Task.state.not_in((DONE, FAILED)))).one()
    seconds = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0
    return {"waiting": waiting, "oldest_seconds": max(0, int(seconds))}
