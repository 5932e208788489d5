"""Columns of the suspension list and of the benefits list: headings they are known by, and how a cell is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from models import idnumber
from models.cellreaders import Complaint, read_count, read_date, read_id, read_month, read_owed, read_text
from models.cells import Cell
from models.listing import Layout, ListColumn
from models.proposals import named
from models.words import N_


def read_sex(cell: Cell) -> str | None:
    """男, 女 or, for anything else, None: the number tells the sex, the column only warns."""
    text = idnumber.tidy(read_text(cell) or "")
    return {"男": "男", "女": "女", "男性": "男", "女性": "女", "1": "男", "2": "女"}.get(text)


def read_age(cell: Cell) -> int | None:
    """An age in years, or None for what is none: the column only warns."""
    return _or_none(read_count, cell)


def read_birth(cell: Cell) -> date | None:
    """A birth date, or None for what is none: the number tells it, the column only warns."""
    return _or_none(read_date, cell)


def _or_none(reader: Callable[[Cell], object], cell: Cell) -> object:
    try:
        return reader(cell)
    except Complaint as complaint:
        if complaint.code == "formula":
            raise
        return None


def read_category(cell: Cell) -> str | None:
    """A category's key. Complaint `unknown_category` for words that name none."""
    text = read_text(cell)
    if text and not named(text):
        raise Complaint("unknown_category", N_("“{shown}” names no category: leave the cell empty or write a word "
                                               "such as 死亡, 服刑, 重复领取, 未认证."), shown=text)
    return named(text)


ID = ListColumn(
    "id_number",
    "证件号码 公民身份号码 身份证号码 身份证号 公民身份证号码 公民身份证号 居民身份证号码 居民身份证号 身份号码 "
    "有效证件号码 证件号 社会保障号码 社会保障号 身份证",
    read_id, needed=True, filled=True)
NAME = ListColumn("name", "姓名 参保人姓名 人员姓名 待遇人员姓名 领取人姓名 参保人员姓名 名字 参保人",
                  needed=True, filled=True)

ROSTER = Layout(
    ListColumn("township", "乡镇 乡镇街道 所属乡镇 所在乡镇 镇乡 乡镇名称 街道乡镇"),
    ListColumn("village",
               "所在村组 村组 村社区 村居 村组名称 所在村 所属村 行政村 村名 村委会 社区村 村 所在村社区 所属村组 "
               "村居社区 行政区划 所属区划 户籍地址 住址 地址", needed=True, filled=True),
    ListColumn("hukou", "户籍性质 户口性质 户籍类型 户口类型"),
    ID, NAME,
    ListColumn("sex", "性别", read_sex),
    ListColumn("born", "出生日期 出生年月日", read_birth),
    ListColumn("age", "年龄 周岁 年龄周岁", read_age),
    ListColumn("paused_from",
               "暂停年月 暂停时间 暂停月份 暂停待遇年月 待遇暂停年月 待遇暂停时间 暂停发放年月 暂停发放时间 停发年月 "
               "停发时间 暂停待遇时间 待遇终止或暂停年月 暂停日期 停发月份 暂停起始年月 暂停开始年月",
               read_month, needed=True, filled=True),
    ListColumn("reason", "暂停原因 系统暂停原因 待遇暂停原因 停发原因 暂停发放原因 原因"),
    ListColumn("remark", "暂停备注 备注 备注说明 情况说明 说明"),
    ListColumn("category", "核实分类 核实类别 清理分类 暂停分类 分类", read_category),
)

BENEFITS = Layout(
    ID, NAME,
    ListColumn("basic_from",
               "待遇开始年月 待遇开始时间 待遇领取开始年月 领取起始年月 待遇起始年月 开始领取年月 享受待遇年月 "
               "待遇享受开始年月", read_month, needed=True, filled=True),
    ListColumn("supplement_from",
               "补充养老保险开始年月 补充养老开始年月 补充待遇开始年月 补充保险开始年月 补充养老保险待遇开始年月",
               read_month, needed=True),
    ListColumn("years_paid", "缴费年限 累计缴费年限 实际缴费年限 缴费年数", read_count, needed=True, filled=True),
    ListColumn("account_pension", "个人账户月标准 个人账户养老金 个人账户养老金月标准 账户养老金 个账养老金",
               read_owed, needed=True, filled=True),
    ListColumn("account_balance", "个人账户余额 账户余额 个账余额 个人账户储存额",
               read_owed, needed=True, filled=True),
    ListColumn("government_subsidy", "其中政府补贴 政府补贴 政府补贴余额 其中政府补贴余额",
               read_owed, needed=True, filled=True),
    ListColumn("supplement_account_pension",
               "补充账户月标准 补充个人账户月标准 补充账户养老金 补充个人账户养老金", read_owed, needed=True),
    ListColumn("supplement_account_balance", "补充账户余额 补充个人账户余额", read_owed, needed=True),
)
