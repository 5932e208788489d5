"""The list of one village for its agent (村级表册): who, since when, why, and room to write by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from exports.workbook import Column, Sheet, write
from models.area import Names
from models.base import db
from models.campaign import Campaign
from models.case import Case

COLUMNS = (
    Column("序号", 6, "number"), Column("姓名", 10), Column("身份证号（尾号）", 12, "id"), Column("性别", 6),
    Column("暂停起始年月", 12, "month"), Column("暂停原因", 22), Column("备注", 18),
    Column("核实情况（手填）", 20), Column("日期（手填）", 14), Column("联系人和电话（手填）", 20), Column("核实人签字", 14))
NOTES = ("核实情况写：未认证、重复领取、服刑、死亡、冒领、无社保卡、双重户籍、其他；死亡的写死亡日期，服刑的写入狱日期。",
         "本表含个人信息，只供本村核实使用，用后交回乡（镇），不得拍照外传。")


def village_list(campaign: Campaign, village: str, names: Names, leaving: str) -> bytes:
    """The workbook of one village; only the tail of ID numbers, since the sheet travels. *leaving*: its last line."""
    return _book(campaign, names.full(village), _people(campaign, [village]).get(village, []), leaving)


def village_lists(campaign: Campaign, villages: Iterable[str], names: Names, leaving: str,
                  tell: Callable[[int], None] = lambda finished: None) -> bytes:
    """Every village's workbook in one archive; *tell* is called with how many are finished."""
    villages = list(villages)
    people, out = _people(campaign, villages), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, village in enumerate(villages, 1):
            place = names.full(village)
            archive.writestr(file_name(place), _book(campaign, place, people.get(village, []), leaving))
            tell(number)
    return out.getvalue()


def file_name(place: str) -> str:
    return f"{place}暂停待遇人员名单.xlsx"


def _people(campaign: Campaign, villages: list[str]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in db.session.scalars(
            select(Case).where(Case.campaign_id == campaign.id, Case.area_code.in_(villages))
            .options(joinedload(Case.person)).order_by(Case.area_code, Case.paused_from, Case.id)):
        found.setdefault(case.area_code, []).append(case)
    return found


def _book(campaign: Campaign, place: str, cases: list[Case], leaving: str) -> bytes:
    rows = [(number, case.person.name, case.person.id_tail, case.person.sex, case.paused_from, case.pause_reason,
             case.remark, None, None, None, None) for number, case in enumerate(cases, 1)]
    out = io.BytesIO()
    write(Sheet(place, COLUMNS, rows, lines=[f"{place}暂停领取待遇人员名单", f"{campaign.title}　共{len(rows)}人　"
                f"请于{campaign.verify_by.isoformat()}前核实"], notes=NOTES, watermark=place, leaving=leaving), out)
    return out.getvalue()
