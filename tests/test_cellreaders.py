"""Single cells: every habit is read right or refused with its code, and never silently wrong."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn.ric import calc_check_digit

from models.cellreaders import Complaint, read_amount, read_count, read_date, read_id, read_month, read_text
from models.cells import BLANK, BOOL, DATE, ERROR, FORMULA, NUMBER, TEXT, Cell
from models.months import Month
from models.roster_columns import read_birth, read_category, read_sex


def cell(value):
    """A cell of the kind that a spreadsheet would hold the value in."""
    if isinstance(value, Cell):
        return value
    kinds = {str: TEXT, bool: BOOL, int: NUMBER, float: NUMBER, datetime: DATE, type(None): "empty"}
    return Cell(kinds[type(value)], value)


def outcome(reader, value):
    try:
        return reader(cell(value))
    except Complaint as complaint:
        return complaint.code if str(complaint) else "no sentence"


NO_RESULT, SHOWN_ERROR = Cell(FORMULA), Cell(ERROR, "#N/A")


def with_check_digit(number):
    return number[:17] + calc_check_digit(number[:17] + "0")


PLAIN = with_check_digit("14112019410420265")
X = next(number for number in (with_check_digit(f"1411201941042{tail:04d}") for tail in range(2001, 2999))
         if number.endswith("X"))
OTHER_REGION = with_check_digit("142320" + PLAIN[6:17])
OLD = PLAIN[:6] + PLAIN[8:17]


@pytest.mark.parametrize(("value", "expected"), [
    (PLAIN, PLAIN), (f"'{PLAIN}", PLAIN), (f" {PLAIN}", PLAIN), (f"{PLAIN} ", PLAIN), (f"{PLAIN}\n", PLAIN),
    (f"{PLAIN[:6]} {PLAIN[6:14]} {PLAIN[14:]}", PLAIN), (f"{PLAIN}\u00a0", PLAIN), (f"\u3000{PLAIN}", PLAIN),
    (f"{PLAIN[:9]}\u200b{PLAIN[9:]}", PLAIN), (f"\ufeff{PLAIN}", PLAIN), (f"‘{PLAIN}", PLAIN), (f"{PLAIN}\t", PLAIN),
    (PLAIN.translate({48 + n: 0xFF10 + n for n in range(10)}), PLAIN), (X, X), (X.lower(), X), (X[:17] + "Ｘ", X),
    (X[:17] + "ｘ", X), (OLD, PLAIN), (f" {OLD} ", PLAIN), (int(OLD), PLAIN), (float(OLD), PLAIN),
    (OTHER_REGION, OTHER_REGION), (PLAIN[:17] + str((int(PLAIN[17]) + 1) % 10), "id_checksum"),
    (X[:17] + "1", "id_checksum"), (PLAIN[:10] + "13" + PLAIN[12:], "id_format"),
    (PLAIN[:10] + "0230" + PLAIN[14:], "id_format"), (PLAIN[:17], "id_format"), (PLAIN + "1", "id_format"),
    (PLAIN[:16], "id_format"), ("不详", "id_format"), ("无", "id_format"), (PLAIN[:17] + "Y", "id_format"),
    (OLD[:8] + "13" + OLD[10:], "id_format"), (PLAIN.replace("1", "l"), "id_format"), ("0", "id_format"),
    (PLAIN[:6] + "********" + PLAIN[14:], "id_format"), (True, "id_format"), (12345, "id_format"),
    (datetime(1941, 4, 20), "id_format"),
    (1.41120194104202e17, "id_precision_lost"), (float(PLAIN), "id_precision_lost"), (int(PLAIN), "id_precision_lost"),
    ("1.41120194104202E+17", "id_precision_lost"), ("1.4112E+17", "id_precision_lost"), (1e15, "id_precision_lost"),
    (BLANK, None), ("", None), ("  ", None), (NO_RESULT, "formula"), (SHOWN_ERROR, "formula"),
])
def test_id_numbers(value, expected):
    assert outcome(read_id, value) == expected


@pytest.mark.parametrize(("value", "expected"), [
    ("202001", Month(2020, 1)), (202001, Month(2020, 1)), (202001.0, Month(2020, 1)), ("2020-01", Month(2020, 1)),
    ("2020-1", Month(2020, 1)), ("2020/1", Month(2020, 1)), ("2020/01", Month(2020, 1)), ("2020.1", Month(2020, 1)),
    ("2020.10", Month(2020, 10)), ("2020.01", Month(2020, 1)), ("2020年1月", Month(2020, 1)),
    ("2020年01月", Month(2020, 1)), ("2020年1月份", Month(2020, 1)), ("2020 年 1 月", Month(2020, 1)),
    ("２０２００１", Month(2020, 1)), ("2020－01", Month(2020, 1)), ("2020—01", Month(2020, 1)),
    (" 202012 ", Month(2020, 12)),
    ("'202012", Month(2020, 12)), (datetime(2020, 1, 1), Month(2020, 1)), (datetime(2020, 1, 31, 12), Month(2020, 1)),
    ("2020-01-15", Month(2020, 1)), ("20200115", Month(2020, 1)), (20200115, Month(2020, 1)),
    ("2020年1月15日", Month(2020, 1)), ("2020-01-01 00:00:00", Month(2020, 1)),
    (2020.1, "month_format"), (2020.01, "month_format"), (2020.12, "month_format"), ("202013", "month_format"),
    (202013, "month_format"), ("202000", "month_format"), ("2020", "month_format"), (2020, "month_format"),
    (43831, "month_format"), ("20.1", "month_format"), ("1-2020", "month_format"), ("2020-13", "month_format"),
    ("不详", "month_format"), ("二〇二〇年一月", "month_format"), ("2020年", "month_format"),
    ("0000-00", "month_format"),
    ("2020-01至2020-05", "month_format"), ("187001", "month_format"), ("2020-02-30", "month_format"),
    (True, "month_format"), (-202001, "month_format"), ("202001.0", "month_format"),
    (datetime(9999, 1, 1), "month_format"),
    (BLANK, None), ("　", None), (NO_RESULT, "formula"), (SHOWN_ERROR, "formula"),
])
def test_months(value, expected):
    assert outcome(read_month, value) == expected


@pytest.mark.parametrize(("value", "expected"), [
    ("2021-08-01", date(2021, 8, 1)), ("2021-8-1", date(2021, 8, 1)), ("2021/8/1", date(2021, 8, 1)),
    ("2021.8.1", date(2021, 8, 1)), ("2021.08.01", date(2021, 8, 1)), ("20210801", date(2021, 8, 1)),
    (20210801, date(2021, 8, 1)), ("2021年8月1日", date(2021, 8, 1)), ("2021年08月01号", date(2021, 8, 1)),
    ("２０２１年８月１日", date(2021, 8, 1)), (" 2021-08-01 ", date(2021, 8, 1)),
    ("2021-08-01 00:00:00", date(2021, 8, 1)),
    ("2021-08-01T00:00:00", date(2021, 8, 1)), (datetime(2021, 8, 1), date(2021, 8, 1)),
    ("2020-02-29", date(2020, 2, 29)),
    ("2021-02-29", "date_format"), ("2021-02-30", "date_format"), ("2021-13-01", "date_format"),
    ("0000-00-00", "date_format"),
    ("不详", "date_format"), ("2021-08", "date_format"), ("2021年8月", "date_format"), ("202108", "date_format"),
    (44409, "date_format"), (2021.8, "date_format"), ("8/1/2021", "date_format"), ("2021-8/1", "date_format"),
    ("21-08-01", "date_format"), ("2021.8.1.", "date_format"), (True, "date_format"), ("99990101", "date_format"),
    (BLANK, None), (NO_RESULT, "formula"),
])
def test_dates(value, expected):
    assert outcome(read_date, value) == expected


@pytest.mark.parametrize(("value", "expected"), [
    ("1234.50", 123450), ("1,234.50", 123450), ("￥1234.5", 123450), ("¥1,234.5", 123450), ("1234.5元", 123450),
    ("１２３４．５", 123450), ("1，234.5", 123450), ("1234", 123400), ("0", 0), ("0.00", 0), ("103元整", 10300),
    (" 103 ", 10300),
    (15.0, 1500), (15, 1500), (2.16, 216), (0.1 + 0.2, 30), (103, 10300), (1234567.89, 123456789), ("-5.00", -500),
    (-5, -500), ("￥-5", -500), ("-￥5", -500), (0.07, 7), (1.1 * 3, 330),
    ("1.005", "amount_format"), (1.005, "amount_format"), (100.001, "amount_format"), ("12,34", "amount_format"),
    ("1.234,50", "amount_format"), ("一百元", "amount_format"), ("1.2万", "amount_format"), ("-", "amount_format"),
    ("(5.00)", "amount_format"), ("5%", "amount_format"), ("5-6", "amount_format"), ("=1+1", "amount_format"),
    ("1e3", "amount_format"), (1e20, "amount_format"), ("NaN", "amount_format"), ("元", "amount_format"),
    (True, "amount_format"), (datetime(1900, 1, 15), "amount_format"), ("1.00.00", "amount_format"),
    ("--5", "amount_format"),
    (BLANK, None), ("", None), (NO_RESULT, "formula"), (SHOWN_ERROR, "formula"),
])
def test_amounts(value, expected):
    assert outcome(read_amount, value) == expected


@pytest.mark.parametrize(("value", "expected"), [
    ("张三", "张三"), (" 张 三 ", "张三"), ("张\u3000三", "张三"), ("阿不都·买买提", "阿不都·买买提"),
    ("𬴂 明", "𬴂明"),
    ("Anna  Maria", "Anna Maria"), ("张\u200b三", "张三"), ("'张三", "张三"), ("张\n三", "张三"), (123, "123"),
    (BLANK, None), (" \u3000", None), (NO_RESULT, "formula"), (SHOWN_ERROR, "formula"),
])
def test_texts(value, expected):
    assert outcome(read_text, value) == expected


@pytest.mark.parametrize(("value", "expected"), [
    (15, 15), (15.0, 15), ("15", 15), ("15年", 15), ("0", 0), (15.5, "amount_format"), ("十五", "amount_format"),
    (-1, "amount_format"), (True, "amount_format"), (BLANK, None),
])
def test_counts(value, expected):
    assert outcome(read_count, value) == expected


@pytest.mark.parametrize(("reader", "value", "expected"), [
    (read_sex, "男", "男"), (read_sex, "女性", "女"), (read_sex, " 男 ", "男"), (read_sex, "不详", None),
    (read_birth, "不详", None), (read_birth, NO_RESULT, "formula"), (read_category, "死亡", "deceased"),
    (read_category, "第三类", "unknown_category"), (read_category, BLANK, None),
])
def test_columns_that_only_help(reader, value, expected):
    assert outcome(reader, value) == expected


numbers = st.builds(
    lambda region, born, serial: with_check_digit(f"{region}{born:%Y%m%d}{serial:03d}"),
    st.sampled_from(["141120", "142320"]), st.dates(date(1921, 1, 1), date(1961, 12, 31)), st.integers(0, 999))
noise = st.sampled_from(["", " ", "\u3000", "\u00a0", "\u200b", "\t", "\n", "'", "\ufeff"])


@given(numbers, st.lists(noise, min_size=19, max_size=19), st.booleans(), st.booleans())
def test_any_spelling_is_the_same_person(number, marks, wide, lower):
    text = number.lower() if lower else number
    text = "".join(chr(ord(sign) + 0xFEE0) for sign in text) if wide else text
    assert read_id(cell(marks[18] + "".join(a + b for a, b in zip(text, marks, strict=False)))) == number


@given(numbers)
def test_a_15_digit_number_is_the_same_person(number):
    assert read_id(cell(number[:6] + number[8:17])) == number


@given(numbers, st.integers(0, 17), st.integers(1, 9))
def test_one_digit_changed_is_never_the_same_person(number, place, by):
    if number[place] == "X":
        changed = number[:17] + str(by)
    else:
        changed = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1:]
    assert outcome(read_id, changed) in ("id_checksum", "id_format")


@given(numbers)
def test_a_number_cell_is_never_taken_for_a_person(number):
    assert outcome(read_id, float(number.replace("X", "0"))) == "id_precision_lost"


@given(st.integers(1900, 2099), st.integers(1, 12))
def test_every_spelling_of_a_month(year, month):
    for text in ("{0}{1:02d}", "{0}-{1:02d}", "{0}-{1}", "{0}/{1}", "{0}.{1}", "{0}年{1}月", "{0}.{1:02d}",
    "{0}{1:02d}01"):
        assert read_month(cell(text.format(year, month))) == Month(year, month)
    assert read_month(cell(year * 100 + month)) == read_month(cell(datetime(year, month, 28))) == Month(year, month)


@given(st.integers(1900, 2099), st.integers(1, 12))
def test_a_fractional_number_is_never_a_month(year, month):
    number = float(f"{year}.{month}")
    assert outcome(read_month, number) == "month_format"


@given(st.integers(-10**11, 10**11))
def test_amounts_are_exact(amount):
    yuan = Decimal(amount) / 100
    for written in (f"{yuan:.2f}", f"{yuan:,.2f}", float(yuan)):
        assert read_amount(cell(written)) == amount


@given(st.text())
def test_no_text_breaks_a_reader(text):
    for reader in (read_id, read_month, read_date, read_amount, read_count, read_text):
        outcome(reader, text)
