"""Empty lists to fill in (模板): the headings that are read, numbers as text, and what belongs into each column."""

from __future__ import annotations

import io

from exports.workbook import Column, Sheet, write
from models.listing import Layout

GUIDE = "填表说明"
ABOUT = (("列名", 22, "text"), ("必填", 8, "text"), ("怎么填", 70, "text"), ("示例", 26, "id"))

# heading -> (width, kind, choices, how to fill it in, an example)
HOW: dict[str, tuple[int, str, tuple[str, ...], str, str]] = {
    "乡镇": (14, "text", (), "乡（镇）全称。村名里已经写了乡镇的，本列可以不填。", "天宁镇"),
    "所在村组": (20, "text", (), "行政村或社区，写不写“村委会”、小组都可以。", "磁窑村"),
    "户籍性质": (12, "text", (), "照系统导出的写。", "农业户口"),
    "证件号码": (24, "id", (), "18位公民身份号码，本列已设为文本；从别处粘贴时选“只粘贴数值”。", "142320195003120429"),
    "姓名": (12, "text", (), "与身份证一致。", "王某某"),
    "性别": (8, "text", ("男", "女"), "可以不填，按身份证号码判断；填了不一致只提示。", "女"),
    "出生日期": (14, "text", (), "可以不填。写作1950-03-12。", "1950-03-12"),
    "年龄": (8, "text", (), "可以不填。", "71"),
    "暂停年月": (12, "month", (), "没有发放待遇的第一个月，写作202001。", "202001"),
    "暂停原因": (22, "text", (), "照系统导出的写。", "未进行资格认证"),
    "暂停备注": (22, "text", (), "可以不填。", ""),
    "核实分类": (14, "text", ("未认证", "重复领取", "服刑", "死亡", "冒领", "无社保卡", "双重户籍", "不明原因"),
                 "可以不填；不填时按原因和备注建议分类。", "死亡"),
    "待遇开始年月": (14, "month", (), "第一个领取基础养老金的月份，写作201004。", "201004"),
    "补充养老保险开始年月": (20, "month", (), "没有补充养老保险的不填。", "202101"),
    "缴费年限": (10, "text", (), "整年数，没有缴费的写0。", "15"),
    "个人账户月标准": (16, "text", (), "元，最多两位小数。", "12.50"),
    "个人账户余额": (14, "text", (), "元，现有余额，含政府补贴。", "1000.00"),
    "其中政府补贴": (14, "text", (), "元，余额中的政府补贴部分，不大于余额。", "300.00"),
    "补充账户月标准": (16, "text", (), "元；没有补充养老保险的不填。", "0.00"),
    "补充账户余额": (14, "text", (), "元；没有补充养老保险的不填。", "0.00"),
}


def blank(title: str, layout: Layout) -> bytes:
    """A workbook with the headings of *layout* and no row, and a second sheet that explains each column."""
    columns = [Column(name, width, kind, choices) for name, (width, kind, choices, _how, _example) in _known(layout)]
    guide = [(name, "是" if needed else "", how, example) for (name, (*_, how, example)), needed in zip(
        _known(layout), (column.filled for column in layout.columns), strict=True)]
    out = io.BytesIO()
    write([Sheet(title, columns, []), Sheet(GUIDE, [Column(*about) for about in ABOUT], guide)], out)
    return out.getvalue()


def _known(layout: Layout) -> list[tuple[str, tuple]]:
    return [(column.title, HOW[column.title]) for column in layout.columns]
