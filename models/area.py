"""Townships and villages, by their statistical division codes (9 and 12 digits)."""

from __future__ import annotations

from collections.abc import Iterable

from pypinyin import Style, lazy_pinyin
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship, synonym

from models.base import AreaCode, BigId, Editable, by_bytes, db
from models.scope import Placed
from models.words import N_, Refusal


def sort_key(name: str) -> str:
    """What Chinese names sort by, the same on every database: pinyin with tone numbers, then the name."""
    return " ".join(lazy_pinyin(name, style=Style.TONE3, errors="default"))[:200]


class Township(db.Model, Editable, Placed):
    """A town or township, or a statistical unit without a government (never ranked, no login)."""

    __tablename__ = "township"
    __administrative__ = True

    area_code: Mapped[str] = mapped_column("code", AreaCode, nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(60), nullable=False)
    name_key: Mapped[str] = mapped_column(by_bytes(200), nullable=False)
    ranked: Mapped[bool] = mapped_column(nullable=False, default=True)
    contact: Mapped[str | None] = mapped_column(String(60))
    phone: Mapped[str | None] = mapped_column(String(40))
    villages: Mapped[list[Village]] = relationship(back_populates="township", order_by="Village.area_code")

    code = synonym("area_code")

    def __str__(self) -> str:
        return self.name


class Village(db.Model, Editable, Placed):
    """An administrative village or residents' committee."""

    __tablename__ = "village"
    __administrative__ = True

    area_code: Mapped[str] = mapped_column("code", AreaCode, nullable=False, unique=True)
    name: Mapped[str] = mapped_column(String(60), nullable=False)
    name_key: Mapped[str] = mapped_column(by_bytes(200), nullable=False)
    township_id: Mapped[int] = mapped_column(BigId, ForeignKey("township.id"), nullable=False, index=True)
    township: Mapped[Township] = relationship(back_populates="villages")
    contact: Mapped[str | None] = mapped_column(String(60))  # 村代办员
    phone: Mapped[str | None] = mapped_column(String(40))

    code = synonym("area_code")

    def __str__(self) -> str:
        return self.name


def short_name(official: str) -> str:
    """磁窑村 for 磁窑村委会, 西街社区 for 西街居委会: what people write and paper says."""
    for ending, said in (("社区居民委员会", "社区"), ("居民委员会", "社区"), ("居委会", "社区"),
                         ("村民委员会", "村"), ("村委会", "村")):
        if official.endswith(ending):
            return official.removesuffix(ending) + said
    return official


# 夏家营生态工业园区 and its like: codes x4xx belong to no township government.
def is_statistical(township_code: str) -> bool:
    return township_code[6] == "4"


def load(rows: Iterable[tuple[str, str]], county: str) -> int:
    """Add or rename the townships (9 digits) and villages (12) of *county* among (code, name) rows; how many changed."""
    rows = [(code.strip(), name.strip()) for code, name in rows if code.strip().startswith(county)]
    townships = [row for row in rows if len(row[0]) == 9]
    villages = [row for row in rows if len(row[0]) == 12]
    if not townships and not villages:
        raise Refusal(N_("The file holds no township and no village of county {code}."), code=county)
    for code, name in (*townships, *villages):
        _check(code, name)
    changed = sum(_put(Township, code, name, ranked=not is_statistical(code)) for code, name in townships)
    db.session.flush()
    return changed + sum(_put_village(code, name) for code, name in villages)


def _check(code: str, name: str) -> None:
    if not (code.isascii() and code.isdecimal()):
        raise Refusal(N_("“{code}” is not a division code: it has 9 digits for a township, 12 for a village."), code=code)
    if not (0 < len(name) <= 60 and name.isprintable()):
        raise Refusal(N_("The place with code {code} needs a name of 1 to 60 characters."), code=code)


def _put(cls: type, code: str, name: str, **values: object) -> bool:
    place = db.session.scalar(select(cls).where(cls.area_code == code))
    if place is None:
        db.session.add(cls(area_code=code, name=name, name_key=sort_key(name), **values))
        return True
    changed = place.name != name
    place.name, place.name_key = name, sort_key(name)
    return changed


def _put_village(code: str, name: str) -> bool:
    township = db.session.scalar(select(Township).where(Township.area_code == code[:9]))
    if township is None:
        raise Refusal(N_("Village {code} {name} comes before its township {township}: import the townships first."),
                      code=code, name=name, township=code[:9])
    return _put(Village, code, name, township_id=township.id)


class Names:
    """Area codes as people read them, read once: 141122100201 -> 天宁镇磁窑村."""

    def __init__(self) -> None:
        self.townships = dict(db.session.execute(select(Township.area_code, Township.name)).all())
        self.villages = {code: short_name(name)
                         for code, name in db.session.execute(select(Village.area_code, Village.name)).all()}

    def township(self, code: str) -> str:
        return self.townships.get(code[:9], code[:9])

    def village(self, code: str) -> str:
        return self.villages.get(code, "")

    def full(self, code: str) -> str:
        return self.township(code) + self.village(code)
