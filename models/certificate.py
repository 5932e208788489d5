"""Certificates (证明材料): what proves a step, kept by the hash of its file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import AreaCode, BigId, Editable, Instant, db
from models.case import Case
from models.scope import Placed


@dataclass(frozen=True)
class Upload:
    """A file already kept in the store: its kind of proof, hash, original name, size in bytes, media type."""

    kind: str
    sha256: str
    name: str
    size: int
    media_type: str


class Certificate(db.Model, Editable, Placed):
    """One piece of evidence of one case."""

    __tablename__ = "certificate"
    __table_args__ = (Index("ix_certificate_area_attached", "area_code", "attached_at"), {"sqlite_autoincrement": True})

    case_id: Mapped[int] = mapped_column(BigId, ForeignKey("pension_case.id"), nullable=False, index=True)
    case: Mapped[Case] = relationship(back_populates="certificates")
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False)  # its case's, for quick lists
    kind: Mapped[str] = mapped_column(String(32), nullable=False)
    name: Mapped[str] = mapped_column(String(200), nullable=False)  # the file's own name
    sha256: Mapped[str] = mapped_column(String(64), nullable=False)
    size: Mapped[int] = mapped_column(nullable=False)
    media_type: Mapped[str] = mapped_column(String(60), nullable=False)
    # What a certificate of death states; the household cancellation's date prevails over any other.
    stated_on: Mapped[date | None] = mapped_column(Date)
    seals: Mapped[str | None] = mapped_column(String(12))  # both, village, township
    attached_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    attached_by: Mapped[str] = mapped_column(String(64), nullable=False)

    def __str__(self) -> str:
        return self.name


def attach(case: Case, upload: Upload, by: str, now: datetime) -> Certificate:
    """Add a kept file to a case's evidence; the same file of the same kind is added once."""
    for certificate in case.certificates:
        if (certificate.kind, certificate.sha256) == (upload.kind, upload.sha256):
            return certificate
    certificate = Certificate(
        case=case, area_code=case.area_code, kind=upload.kind, name=upload.name, sha256=upload.sha256,
        size=upload.size, media_type=upload.media_type, attached_at=now, attached_by=by)
    db.session.add(certificate)
    return certificate
