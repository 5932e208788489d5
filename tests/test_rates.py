"""The rate table: which row fits, which tables are refused, and what the portal ships."""

import pytest

from models.months import Month
from models.rates import OWN_MONEY, RATED, Rate, RateTable, read_rates, read_rates_csv, shipped_rates
from models.words import Refusal

HEADING = "item,from,amount,min_age,basis\n"


def rate(item="basic", start="2018-01", amount=10300, min_age=0):
    return Rate(item, Month.parse(start), amount, min_age, "文件")


def fitting(rates, month, age, item="basic"):
    found = RateTable(rates).fitting(item, Month.parse(month), age)
    return found and found.amount


RISES = [rate(start="2020-07", amount=10800), rate(start="2018-01", amount=10300)]
AGES = [rate("supplement", "2021-01", 2000, 65), rate("supplement", "2021-01", 3000, 80),
        rate("supplement", "2022-01", 2500, 65)]


@pytest.mark.parametrize(("rates", "item", "month", "age", "amount"), [
    (RISES, "basic", "2017-12", 70, None),          # not yet in force
    (RISES, "basic", "2018-01", 70, 10300),         # its first month
    (RISES, "basic", "2020-06", 70, 10300),
    (RISES, "basic", "2020-07", 70, 10800),         # the later one takes over
    (RISES, "basic", "2030-01", 70, 10800),
    (RISES, "age", "2020-07", 70, None),            # another item
    (RISES, "basic", "2020-07", -1, None),          # not born: even a rate for every age is for the living
    (AGES, "supplement", "2021-06", 64, None),
    (AGES, "supplement", "2021-06", 65, 2000),
    (AGES, "supplement", "2021-06", 79, 2000),
    (AGES, "supplement", "2021-06", 80, 3000),
    (AGES, "supplement", "2022-06", 79, 2500),
    (AGES, "supplement", "2022-06", 80, 3000),      # the greater age comes before the later month
])
def test_the_row_that_fits(rates, item, month, age, amount):
    assert fitting(rates, month, age, item) == amount


def test_the_order_of_rows_does_not_matter():
    assert fitting(RISES[::-1], "2020-07", 70) == fitting(RISES, "2020-07", 70)


def test_in_force_whatever_the_age():
    table = RateTable(AGES)

    assert table.in_force("supplement", Month(2021, 1))
    assert not table.in_force("supplement", Month(2020, 12))
    assert not table.in_force("age", Month(2021, 1))


def test_the_first_row_of_an_item():
    assert RateTable(RISES).first("basic") == RISES[1]
    assert RateTable(RISES).first("age") is None


def test_twins_are_refused_even_when_they_agree():
    with pytest.raises(Refusal, match="Two rates of “basic” from 2018-01 for age 0"):
        RateTable([rate(), rate()])


def test_an_age_of_null_is_zero_and_so_a_twin_of_it():
    rows = [{"item": "basic", "from": "2018-01", "amount": "103.00", "min_age": age, "basis": "文件"}
            for age in (None, 0)]

    with pytest.raises(Refusal, match="Two rates"):
        RateTable(read_rates(rows))


def test_rates_from_json():
    assert read_rates([{"item": "age", "from": "2018-01", "amount": "5.00", "min_age": 65, "basis": "文件"}]) == [
        rate("age", "2018-01", 500, 65)]


def test_a_rate_without_its_document_says_so():
    [found] = read_rates([{"item": "basic", "from": "2018-01", "amount": "103.00"}])

    assert found.basis == "基础养老金103.00元，2018-01起（未注明依据）"


def test_rates_from_csv_as_excel_saves_it():
    lines = ["\ufeff" + HEADING.strip(), "", 'age,2018-01,5.00, 65 ,"文件，""甲"""', "basic,2018-01,103.00,,乙", ",,,,"]

    assert read_rates_csv("\r\n".join(lines)) == [
        Rate("age", Month(2018, 1), 500, 65, '文件，"甲"'), Rate("basic", Month(2018, 1), 10300, 0, "乙")]


def test_columns_may_stand_in_any_order():
    assert read_rates_csv("basis,amount,item,min_age,from\n文件,103.00,basic,,2018-01\n") == [rate()]


@pytest.mark.parametrize(("text", "words"), [
    ("", "the file is empty"),
    ("\n\n", "the file is empty"),
    ("item,from,amount\n", "must name the columns"),
    ("basic,2018-01,103.00,,文件\n", "must name the columns"),
    (HEADING + "basic,2018-01,103.00,,甲\nbasic,2018-1,108.00,,乙\n", "line 3.from: “2018-1” is not a month"),
    (HEADING + "basic,2018-01,103,,甲\n", "line 2.amount: “103” is not an amount"),
    (HEADING + "basic,2018-01,-103.00,,甲\n", "line 2.amount: “-103.00” is below zero"),
    (HEADING + "heating,2018-01,103.00,,甲\n", "line 2.item: “heating” is not known"),
    (HEADING + "account,2018-01,103.00,,甲\n", "line 2.item: “account” is not known"),
    (HEADING + "age,2018-01,5.00,六十五,甲\n", "line 2.min_age: “六十五” is not an age"),
    (HEADING + "age,2018-01,5.00,65.0,甲\n", "line 2.min_age"),
    (HEADING + "age,2018-01,5.00,-1,甲\n", "line 2.min_age"),
    (HEADING + "age,2018-01,5.00,151,甲\n", "line 2.min_age: the number must lie between 0 and 150"),
    (HEADING + "basic,2018-01,103.00,,甲,乙\n", "line 2: 6 cells where 5 belong"),
    (HEADING + "basic,2018-01\n", "line 2: 2 cells where 5 belong"),
    (HEADING + 'basic,2018-01,103.00,,"甲\n', "line 2: this is not CSV"),
])
def test_a_wrong_line_is_refused_by_its_number(text, words):
    with pytest.raises(Refusal, match=words):
        read_rates_csv(text)


def test_own_money_has_no_rates():
    assert not set(OWN_MONEY) & set(RATED)


@pytest.mark.parametrize(("item", "month", "age", "amount"), [
    ("basic", "2014-06", 70, 6500),
    ("basic", "2014-07", 70, 8000),
    ("basic", "2019-12", 70, 10300),
    ("basic", "2021-09", 70, 10800),
    ("basic", "2023-01", 70, 12300),
    ("age", "2021-09", 64, None),
    ("age", "2021-09", 65, 500),
    ("years", "2021-09", 60, 100),
    ("supplement", "2020-12", 70, None),
    ("supplement", "2021-01", 65, 2000),
    ("supplement", "2021-01", 80, 3000),
])
def test_shipped_rates_are_shanxis(item, month, age, amount):
    assert fitting(shipped_rates(), month, age, item) == amount


def test_shipped_rates_name_their_source_and_what_nobody_verified():
    unverified = {(found.item, str(found.from_month)) for found in shipped_rates() if "未核实" in found.basis}

    assert unverified == {("basic", "2009-09"), ("basic", "2018-01"), ("basic", "2020-07"), ("basic", "2022-07"),
                          ("age", "2018-01"), ("years", "2018-01")}
    assert all("山西省" in found.basis for found in shipped_rates())
