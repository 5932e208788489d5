"""Names of villages as lists write them, against 交城县's table."""

import csv
from pathlib import Path

import pytest

import models
from models.areanames import AreaIndex, stem
from models.categories import CATEGORIES
from models.cellreaders import Complaint
from models.proposals import named, propose

DATA = Path(models.__file__).parent / "data" / "areas_141122.csv"


def table():
    with DATA.open(encoding="utf-8") as file:
        return [(row["code"], row["name"]) for row in csv.DictReader(file)]


AREAS = table()
INDEX = AreaIndex(AREAS, {"洪相乡": "141122106", "会立乡": "141122", "岭底乡": "141122"})


def find(text, index=INDEX):
    try:
        return index.find(text)
    except Complaint as complaint:
        return complaint.code if str(complaint) else "no sentence"


def test_the_county_is_whole():
    lengths = [len(code) for code, _ in AREAS]
    assert [lengths.count(length) for length in (6, 9, 12)] == [1, 9, 111]


@pytest.mark.parametrize(("text", "code"), [
    ("天宁镇磁窑村", "141122100201"), ("天宁镇磁窑村二组", "141122100201"), ("天宁镇磁窑村第二组", "141122100201"),
    ("天宁镇磁窑村2组", "141122100201"), ("天宁镇磁窑村２组", "141122100201"), ("天宁镇磁窑村二小队", "141122100201"),
    ("天宁镇磁窑村（二组）", "141122100201"), ("天宁镇磁窑村十二村民小组", "141122100201"),
    ("天宁镇磁窑村东头组", "141122100201"),
    ("天宁镇磁窑村3组12号", "141122100201"), ("天宁镇磁窑二组", "141122100201"), ("天宁镇磁窑", "141122100201"),
    ("天宁镇磁窑村委会", "141122100201"), ("天宁镇磁窑村民委员会", "141122100201"), ("天宁镇磁窑村委", "141122100201"),
    ("天宁镇 磁窑村", "141122100201"), ("天宁镇　磁窑村", "141122100201"), ("天宁镇-磁窑村", "141122100201"),
    ("天宁镇/磁窑村", "141122100201"), ("交城县天宁镇磁窑村委会", "141122100201"), ("交城天宁镇磁窑村", "141122100201"),
    ("山西省吕梁市交城县天宁镇磁窑村", "141122100201"), ("山西省交城县天宁镇磁窑村", "141122100201"),
    ("吕梁市交城县天宁镇磁窑村", "141122100201"), ("交城县磁窑村", "141122100201"),
    ("山西交城县磁窑村", "141122100201"),
    ("山西吕梁交城县天宁镇磁窑村", "141122100201"), ("磁窑村", "141122100201"),
    ("磁窑", "141122100201"), ("天宁磁窑村", "141122100201"), ("141122100201", "141122100201"),
    ("天宁镇西街社区", "141122100001"), ("天宁镇西街居委会", "141122100001"), ("天宁镇西街居民委员会", "141122100001"),
    ("天宁镇西街社区居委会", "141122100001"), ("天宁镇西街", "141122100001"), ("龙门社区居民委员会", "141122100007"),
    ("天宁镇龙门社区", "141122100007"), ("天宁镇龙门居委会", "141122100007"),
    ("成村", "141122106200"), ("成村村", "141122106200"), ("成村村委会", "141122106200"),
    ("洪相镇成村", "141122106200"),
    ("洪相镇成村村三组", "141122106200"), ("成村村民委员会", "141122106200"), ("夏家营镇段村村", "141122101200"),
    ("段村", "141122101200"),
    ("夏家营镇王村村", "141122101210"), ("夏家营镇覃村村委会", "141122101209"), ("夏家营镇郑村", "141122101201"),
    ("天宁镇青村村", "141122100212"), ("天宁镇青村", "141122100212"), ("天宁镇青村组", "141122100212"),
    ("夏家营镇夏家营村", "141122101211"), ("夏家营村", "141122101211"), ("西社村", "141122104205"),
    ("西营镇西营村", "141122102200"),
    ("东坡底乡东坡底村", "141122202207"), ("坡底村", "141122100202"), ("庞泉沟镇市庄村", "141122105209"),
    ("吕梁市庞泉沟镇市庄村", "141122105209"), ("夏家营生态工业园区虚拟社区", "141122400498"),
    ("天宁镇", "141122100"), ("交城县天宁镇", "141122100"), ("夏家营生态工业园区", "141122400"),
    ("东坡底乡", "141122202"),
    ("洪相乡成村村", "141122106200"), ("洪相乡", "141122106"), ("会立乡会立村", "141122202215"),
    ("岭底乡岭底村", "141122100213"),
    ("天宁镇不存在的村", "unknown_area"), ("天宁镇成村", "unknown_area"), ("成", "unknown_area"),
    ("交城县", "unknown_area"),
    ("文水县天宁镇磁窑村", "unknown_area"), ("文水县磁窑村", "unknown_area"), ("不存在镇磁窑村", "unknown_area"),
    ("天宁镇村", "unknown_area"),
    ("天宁镇二组", "unknown_area"), ("会立乡", "unknown_area"), ("天宁镇磁窑村坡底村", "unknown_area"),
    ("二组", "unknown_area"),
    ("141122100999", "unknown_area"), ("", "missing"), (" ", "missing"), (None, "missing"),
])
def test_names(text, code):
    assert find(text) == code


@pytest.mark.parametrize(("code", "name"), [each for each in AREAS if len(each[0]) == 12])
def test_every_village_is_met_under_all_its_names(code, name):
    township, base = INDEX.names[code[:9]], stem(name)[0].removeprefix(INDEX.names[code[:9]])
    for form in (name, base, f"{base}村", f"{base}村委会", f"{base}社区", f"{base}居委会", f"{base}村三组"):
        assert find(township + form) == find(f"山西省吕梁市交城县{township}{form}") == code
    assert INDEX.full_name(code).startswith(township)


def test_an_unknown_village_is_told_its_nearest_names():
    with pytest.raises(Complaint, match="天宁镇磁窑村委会"):
        INDEX.find("天宁镇磁瑶村")


def test_a_village_in_another_township_is_shown_where_it_is():
    with pytest.raises(Complaint, match="洪相镇成村村委会"):
        INDEX.find("天宁镇成村")


TWINS = AreaIndex([("999901", "甲县"), ("999902", "乙县"), ("999901100", "城关镇"), ("999902100", "城关镇"),
                   ("999901100200", "王村委会"), ("999901100201", "王村村委会"), ("999901100001", "东街居委会"),
                   ("999901100202", "东街村委会"), ("999901101", "河口镇"), ("999901101200", "东街村委会"),
                   ("999902100200", "东街村委会")])


@pytest.mark.parametrize(("text", "code"), [
    ("甲县城关镇王村村委会", "999901100201"), ("甲县城关镇王村委会", "999901100200"),
    ("甲县城关镇王村", "unknown_area"),
    ("甲县城关镇东街社区", "999901100001"), ("甲县城关镇东街村", "999901100202"), ("甲县城关镇东街", "unknown_area"),
    ("城关镇", "unknown_area"), ("乙县城关镇", "999902100"), ("乙县城关镇东街", "999902100200"),
    ("东街村", "unknown_area"),
    ("河口镇东街", "999901101200"),
])
def test_what_may_be_two_places_is_refused(text, code):
    assert find(text, TWINS) == code


@pytest.mark.parametrize(("reason", "remark", "category"), [
    ("未提供生存证明", None, "uncertified"), ("被判刑收监执行", "", "imprisoned"), ("其他原因", "疑似死亡", "deceased"),
    ("其他原因", "村报已死亡", "deceased"), ("其他原因", "户籍注销", "deceased"), ("其他原因", "疑似冒领", "impostor"),
    ("其他原因", "死亡后冒领", "impostor"), ("其他原因", "无社保卡", "no_card"),
    ("其他原因", "未激活社保卡,发放失败", "no_card"),
    ("其他原因", "双重户籍", "dual_household"), ("其他原因", "两个身份证", "dual_household"),
    ("其他原因", "重复领取职保", "duplicate"),
    ("其他原因", "职保比对重复", "duplicate"), ("其他原因", "不明", "unknown"), ("其他原因", "原因待查", "unknown"),
    ("其他原因", None, "unknown"), ("其他原因", "张村", "unknown"), ("未提供生存证明", "死亡", "deceased"),
    ("未提供生存证明", "电话13", "uncertified"), ("其他原因", "未死亡", "unknown"),
    ("其他原因", "未提供生存证明 ", "uncertified"),
    (None, None, None), ("", " ", None),
])
def test_a_category_is_proposed(reason, remark, category):
    assert propose(reason, remark) == category


def test_every_category_can_be_proposed():
    assert all(category.hints for category in CATEGORIES.values())
    assert named("张三") is None
