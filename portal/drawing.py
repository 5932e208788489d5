"""Drawing what was ordered: frozen facts in, files in the store and filed rows out.

A generator draws without any transaction open and yields what is to be filed;
the job files it under its fence. What is drawn already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from models import audit
from models.area import Names
from models.base import db
from models.campaign import Campaign
from models.document import DRAWN, ORDERED, REFUSED, Bulletin, Document
from models.outbox import Task
from models.schema import writing
from models.words import Message, Refusal, as_json
from portal.machine_faults import out_of_handles

BATCH = 25  # a few seconds' work: what a kill costs, and how long a worker told to stop goes on
MOST_GIVEN_UP = 3  # papers of a task, one by one
Tell = Callable[[int], None]  # called with how many papers of the task are finished


@dataclass(frozen=True)
class Drawn:
    """Papers ready to be filed: *file* changes rows and does not commit."""

    finished: int
    total: int
    file: Callable[[datetime], None]

    @property
    def last(self) -> bool:
        return self.finished >= self.total


def documents(task_id: int, tell: Tell, singly: bool = False) -> Iterator[Drawn]:
    """The notices of a task, a batch of one kind at a time, or *singly*; a refused one does not hold up the others."""
    with reading():
        rows = db.session.execute(select(Document.id, Document.kind, Document.state)
                                  .where(Document.task_id == task_id).order_by(Document.kind, Document.id)).all()
    if not rows:
        raise RuntimeError("a task without a document in its area")
    pending = [(row.kind, row.id) for row in rows if row.state == ORDERED]
    finished = len(rows) - len(pending)
    if not pending:
        yield Drawn(finished, len(rows), lambda now: None)
    for kind, ids in _batches(pending, 1 if singly else BATCH):
        papers = _draw_documents(kind, ids, lambda n, before=finished: tell(before + n))
        finished += len(ids)
        yield Drawn(finished, len(rows), partial(_file, Document, papers))


def _batches(pending: list[tuple[str, int]], size: int) -> Iterator[tuple[str, list[int]]]:
    for kind, rows in groupby(pending, key=lambda row: row[0]):
        ids = iter([row[1] for row in rows])
        while batch := list(islice(ids, size)):
            yield kind, batch


def _draw_documents(kind: str, ids: list[int], tell: Tell) -> dict[int, str | Refusal]:
    from exports import notices
    with reading():
        facts = dict(db.session.execute(select(Document.id, Document.facts).where(Document.id.in_(ids))).all())
    draw = partial(notices.draw_many, kind, font_dir=_fonts())
    try:
        drawn = draw(list(facts.values()), progress=lambda done, total: tell(done))
    except Refusal:
        return _one_by_one(draw, facts, tell)
    return {number: _keep(paper) for number, paper in zip(facts, drawn, strict=True)}


def _one_by_one(draw: Callable, facts: dict[int, dict], tell: Tell) -> dict[int, str | Refusal]:
    """Each paper for itself, where the batch did not say which of its papers was refused."""
    papers: dict[int, str | Refusal] = {}
    for number, own in facts.items():
        papers[number] = _kept_or_refused(lambda own=own: draw([own])[0])
        tell(len(papers))
    return papers


def bulletin(task_id: int, tell: Tell, singly: bool = False) -> Iterator[Drawn]:
    """The circulated report of a task."""
    from exports import bulletins
    with reading():
        row = db.session.execute(select(Bulletin.id, Bulletin.facts)
                                 .where(Bulletin.task_id == task_id, Bulletin.state == ORDERED)).first()
    papers = {row.id: _kept_or_refused(lambda: bulletins.draw(**row.facts, font_dir=_fonts()))} if row else {}
    yield Drawn(1, 1, partial(_file, Bulletin, papers))


def village_lists(task_id: int, tell: Tell, singly: bool = False) -> Iterator[Drawn]:
    """The workbooks of a township's villages as one archive, from the list as it is now."""
    from exports import villagelists
    with reading():
        task = db.session.get(Task, task_id)
        asked = task.args
        content = villagelists.village_lists(
            db.session.get(Campaign, asked["campaign"]), asked["villages"], Names(), asked["leaving"], tell)
    yield Drawn(len(asked["villages"]), len(asked["villages"]), partial(_file_archive, task_id, _keep(content)))


def _file_archive(task_id: int, sha256: str, now: datetime) -> None:
    task = db.session.get(Task, task_id)
    task.sha256 = sha256
    audit.record("village_lists", "task", task.area_code, task.id, file=task.file_name, sha256=sha256)


def _kept_or_refused(draw: Callable[[], bytes]) -> str | Refusal:
    try:
        return _keep(draw())
    except Refusal as refusal:
        if lack := out_of_handles():  # a font that could not be opened is not the paper's fault
            raise lack from None
        return refusal


def _keep(paper: bytes) -> str:
    """Put a paper into the store before its row says so: a file nobody names does no harm, the reverse would."""
    return current_app.extensions["store"].put(paper)


def _file(model: type, papers: dict[int, str | Refusal], now: datetime) -> None:
    for row in db.session.scalars(select(model).where(model.id.in_(papers), model.state == ORDERED)):
        paper = papers[row.id]
        if isinstance(paper, Refusal):
            row.state, row.error = REFUSED, as_json(paper.message)
        else:
            row.state, row.sha256, row.drawn_at, row.error = DRAWN, paper, now, None


def give_up(task_id: int, error: Message) -> bool:
    """Say on the paper that comes next, at which drawing fails, that it will not be drawn; whether others are left to try.

    Where that was said too often, it is not the paper: then it is said on all that are left.
    """
    papers = [paper for model in (Document, Bulletin) for paper in db.session.scalars(
        select(model).where(model.task_id == task_id).order_by(model.kind, model.id))]
    left = [paper for paper in papers if paper.state == ORDERED]
    before = sum(paper.state == REFUSED and (paper.error or {}).get("id") == error.id for paper in papers)
    for paper in left if before >= MOST_GIVEN_UP else left[:1]:
        paper.state, paper.error = REFUSED, as_json(error)
    return any(paper.state == ORDERED for paper in left)


@contextmanager
def reading() -> Iterator[None]:
    """Read without holding up those who write, and leave no transaction open behind."""
    token = writing.set(False)
    try:
        yield
    finally:
        db.session.rollback()
        writing.reset(token)


def _fonts() -> Path | None:
    folder = current_app.config["PORTAL"].fonts
    return folder if folder.is_dir() else None


def warm_up(kinds: Sequence[str] = ("exports.notices", "exports.bulletins", "weasyprint")) -> None:
    """Load what drawing needs once, before a process is forked for each task; drawing itself says what is missing."""
    from importlib import import_module
    for module in kinds:
        try:
            import_module(module)
        except (ImportError, OSError):
            return
