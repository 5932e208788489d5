"""The campaign: its order, dates and office; how the list was handed out; what each township prepared."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import AreaCode, BigId, Editable, Instant, MonthText, db
from models.months import Month
from models.scope import Placed, Shared
from models.words import N_, Refusal


class Campaign(db.Model, Editable, Shared):
    """One clean-up (方案): stock is who was suspended before `cutoff`; two deadlines; the office that runs it."""

    __tablename__ = "campaign"
    __administrative__ = True

    key: Mapped[str] = mapped_column(String(40), nullable=False, unique=True)
    title: Mapped[str] = mapped_column(String(120), nullable=False)
    document_no: Mapped[str] = mapped_column(String(60), nullable=False)
    county_code: Mapped[str] = mapped_column(AreaCode, nullable=False)
    county_name: Mapped[str] = mapped_column(String(60), nullable=False)
    cutoff: Mapped[Month] = mapped_column(MonthText, nullable=False)  # stock: paused before this month
    verify_by: Mapped[date] = mapped_column(Date, nullable=False)
    clear_by: Mapped[date] = mapped_column(Date, nullable=False)
    handed_out_at: Mapped[datetime | None] = mapped_column(Instant)
    bureau: Mapped[str] = mapped_column(String(80), nullable=False)  # signs the circulated report
    office: Mapped[str] = mapped_column(String(80), nullable=False)  # handles the cases
    address: Mapped[str] = mapped_column(String(120), nullable=False)
    phone: Mapped[str] = mapped_column(String(40), nullable=False)
    bank_account: Mapped[str | None] = mapped_column(String(120))  # where refunds are paid to
    refund_days: Mapped[int] = mapped_column(nullable=False, default=30)

    def __str__(self) -> str:
        return self.title


class Handout(db.Model, Editable, Placed):
    """The list as handed to one township or one village, and its receipt."""

    __tablename__ = "handout"
    __table_args__ = (UniqueConstraint("campaign_id", "area_code"), {"sqlite_autoincrement": True})

    campaign_id: Mapped[int] = mapped_column(BigId, ForeignKey("campaign.id"), nullable=False)
    campaign: Mapped[Campaign] = relationship()
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    people: Mapped[int] = mapped_column(nullable=False)
    handed_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    handed_by: Mapped[str] = mapped_column(String(64), nullable=False)
    received_at: Mapped[datetime | None] = mapped_column(Instant)
    received_by: Mapped[str | None] = mapped_column(String(60))  # the person's name, as signed


class Preparation(db.Model, Editable, Placed):
    """A township's leading group and its own plan (方案三（二）)."""

    __tablename__ = "preparation"
    __table_args__ = (UniqueConstraint("campaign_id", "area_code"), {"sqlite_autoincrement": True})

    campaign_id: Mapped[int] = mapped_column(BigId, ForeignKey("campaign.id"), nullable=False)
    campaign: Mapped[Campaign] = relationship()
    area_code: Mapped[str] = mapped_column(AreaCode, nullable=False, index=True)
    leader: Mapped[str] = mapped_column(String(60), nullable=False)
    members: Mapped[str] = mapped_column(Text, nullable=False)
    plan_name: Mapped[str] = mapped_column(String(200), nullable=False)
    plan_sha256: Mapped[str] = mapped_column(String(64), nullable=False)
    recorded_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    recorded_by: Mapped[str] = mapped_column(String(64), nullable=False)


def the_campaign(key: str | None = None) -> Campaign:
    """The campaign with *key*, or the newest. Raises Refusal if there is none."""
    statement = select(Campaign).order_by(Campaign.id.desc())
    campaign = db.session.scalars(statement.where(Campaign.key == key) if key else statement).first()
    if campaign is None:
        raise Refusal(N_("There is no campaign {key}: run `portal init` first."), key=key or "")
    return campaign


def campaign_of_2021(county_code: str, county_name: str) -> Campaign:
    """交人社字〔2021〕82号 with its dates; other counties get the same dates and change them."""
    return Campaign(
        key="2021", title="城乡居民养老保险暂停领取待遇人员专项清理",
        document_no="交人社字〔2021〕82号" if county_code == "141122" else "（文号待填）",
        county_code=county_code, county_name=county_name, cutoff=Month(2021, 8),
        verify_by=date(2021, 9, 20), clear_by=date(2021, 10, 31),
        bureau=f"{county_name}人力资源和社会保障局", office=f"{county_name}城乡居民养老保险服务中心",
        address=f"{county_name}人力资源和社会保障局一楼大厅", phone="（电话待填）")
