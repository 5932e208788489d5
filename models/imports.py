"""Lists brought into the database: an outcome for every row, all in one transaction, and a record of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from models import audit
from models.base import AreaCode, Instant, Json, Row, db
from models.case import Case, Person
from models.listing import Problem, Reading
from models.scope import Placed, everything
from models.words import N_

NEW, UPDATED, UNCHANGED, REFUSED = "new", "updated", "unchanged", "refused"
CHUNK = 500
CROSSED = N_("Others changed the same people while the list was brought in: nothing of it is in. Bring it in once more.")


class ImportRun(db.Model, Row, Placed):
    """One list brought in: by whom, when, from which file, with how many of each outcome."""

    __tablename__ = "import_run"

    kind: Mapped[str] = mapped_column(String(20), nullable=False)
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    file_name: Mapped[str] = mapped_column(String(200), nullable=False)
    sha256: Mapped[str] = mapped_column(String(64), nullable=False, index=True)
    counts: Mapped[dict] = mapped_column(Json, nullable=False)
    imported_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    imported_by: Mapped[str] = mapped_column(String(64), nullable=False)


@dataclass
class RowOutcome:
    """What became of one row: Excel's row number, new / updated / unchanged / refused, the case, the problems."""

    row: int
    outcome: str
    case: Case | None = None
    problems: list[Problem] = field(default_factory=list)

    def as_json(self, say: Callable) -> dict:
        return {"row": self.row, "outcome": self.outcome, "case": self.case.id if self.case else None,
                "problems": [{"column": p.column, "code": p.code, "message": say(p.message)} for p in self.problems]}


@dataclass
class ImportResult:
    """The outcomes of all data rows, in order."""

    outcomes: list[RowOutcome]

    @property
    def counts(self) -> dict[str, int]:
        """{"rows", "new", "updated", "unchanged", "refused"}; rows equals the other four added up."""
        found = Counter(outcome.outcome for outcome in self.outcomes)
        return {"rows": len(self.outcomes), **{name: found[name] for name in (NEW, UPDATED, UNCHANGED, REFUSED)}}

    @property
    def refused(self) -> list[RowOutcome]:
        return [outcome for outcome in self.outcomes if outcome.outcome == REFUSED]

    def as_json(self, say: Callable) -> dict:
        """The document of the contract."""
        return self.counts | {"outcomes": [outcome.as_json(say) for outcome in self.outcomes]}


def each_row(readings: Iterable[Reading], load: Callable[[Reading], tuple[str, Case | None]]) -> ImportResult:
    """Load every row that has no fault; *load* may add a complaint, and the row is then refused."""
    outcomes = []
    for reading in readings:
        outcome, case = (REFUSED, None) if reading.refused else load(reading)
        outcomes.append(RowOutcome(reading.row, REFUSED if reading.refused else outcome, case, reading.problems))
    return ImportResult(outcomes)


def people_by_number(numbers: Iterable[str | None]) -> dict[str, Person]:
    """Persons by ID number, wherever their cases are: one human being is one row in the whole database."""
    wanted = sorted({number for number in numbers if number})
    with everything("one person is one row, whichever area their cases are in"):
        return {person.id_number: person for chunk in chunks(wanted)
                for person in db.session.scalars(select(Person).where(Person.id_number.in_(chunk)))}


def chunks(values: list) -> Iterator[list]:
    """As many values at a time as a statement takes well."""
    for start in range(0, len(values), CHUNK):
        yield values[start:start + CHUNK]


def record_run(kind: str, area_code: str, result: ImportResult, file_name: str, sha256: str, by: str,
               now: datetime) -> ImportRun:
    """Keep what was imported, in the same transaction, and tell of it: the run, and each row that was refused.

    The rows that came in are in the trail as what their cases became, by the name of this act.
    """
    run = ImportRun(kind=kind, area_code=area_code, file_name=file_name[:200], sha256=sha256, counts=result.counts,
                    imported_at=now, imported_by=by)
    db.session.add(run)
    db.session.flush()
    audit.record("import", "import_run", area_code, run.id)
    for refused in result.refused:
        audit.record("import", "pension_case", area_code, case_id=refused.case and refused.case.id, result=audit.REFUSED,
                     why=refused.problems[0].message.id, run=run.id, row=refused.row)
    return run


def earlier_run(sha256: str) -> ImportRun | None:
    """The run that brought in the same file before."""
    return db.session.scalar(select(ImportRun).where(ImportRun.sha256 == sha256).order_by(ImportRun.id.desc()))
