"""Months and money: read strictly, counted exactly, written as read."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.money import fen, rounded, yuan
from models.months import Month, parse_date
from models.words import Message, Refusal

months = st.builds(Month, st.integers(1900, 2999), st.integers(1, 12))


@pytest.mark.parametrize("text", [
    "202108", "2021-8", "2021-13", "2021-00", "2021/08", "21-08", "2021-08-01", " 2021-08", "2021-08\n", "1899-12",
    "3000-01", "２０２１-08", "", "二〇二一", None, 202108])
def test_only_a_month_is_a_month(text):
    with pytest.raises(Refusal, match="is not a month"):
        Month.parse(text)


@given(months)
def test_a_month_is_read_as_it_is_written(month):
    assert Month.parse(str(month)) == month
    assert Month.of(month.first_day) == month


@given(months, months)
def test_months_sort_by_time_as_their_texts_do(one, other):
    assert (one < other) == (str(one) < str(other)) == (one.first_day < other.first_day)


@given(st.builds(Month, st.integers(1950, 2100), st.integers(1, 12)), st.integers(-500, 500), st.integers(-500, 500))
def test_months_add_up(month, one, other):
    assert month.plus(one).plus(other) == month.plus(one + other)
    assert month.plus(one).plus(-one) == month
    assert 1 <= month.plus(one).month <= 12


@given(months, st.integers(-24, 240))
def test_through_counts_both_ends(month, ahead):
    found = list(month.through(month.plus(ahead)))

    assert len(found) == max(ahead + 1, 0)
    assert found == [month.plus(n) for n in range(ahead + 1)]


@pytest.mark.parametrize(("start", "ahead", "end"), [
    ("2020-12", 1, "2021-01"), ("2021-01", -1, "2020-12"), ("2020-02", 12, "2021-02"), ("2021-08", 0, "2021-08")])
def test_years_turn(start, ahead, end):
    assert str(Month.parse(start).plus(ahead)) == end


@pytest.mark.parametrize("text", ["2021-9-19", "20210919", "2021-02-29", "2021-00-01", "2021-09-19 ", "19.09.2021", "", None,
                                  "２０２１-09-19", "2021-W01-1", "0001-01-01", "9999-12-31"])
def test_only_a_date_is_a_date(text):
    with pytest.raises(Refusal, match="is not a date"):
        parse_date(text)


@given(st.dates(date(1800, 1, 1), date(2999, 12, 31)))
def test_a_date_is_read_as_it_is_written(day):
    assert parse_date(day.isoformat()) == day


@pytest.mark.parametrize(("text", "amount"), [
    ("0.00", 0), ("0.01", 1), ("103.00", 10300), ("-5.10", -510), ("999999999999.99", 99999999999999)])
def test_yuan_are_read_to_the_fen(text, amount):
    assert fen(text) == amount
    assert yuan(amount) == text


@pytest.mark.parametrize("text", ["103", "103.0", "103.000", "1,030.00", "01.00", ".50", "103.00 ", "+1.00", "1e2", "１.００", "",
                                  None, 103, 103.0, "1000000000000.00", "¥1.00", "--1.00"])
def test_only_two_decimals_are_an_amount(text):
    with pytest.raises(Refusal, match="is not an amount"):
        fen(text)


@given(st.integers(-10**13, 10**13))
def test_money_is_read_as_it_is_written(amount):
    assert fen(yuan(amount)) == amount
    assert Decimal(yuan(amount)) * 100 == amount


@given(st.decimals(-10**9, 10**9, places=6))
def test_rounding_is_half_up_and_never_off_by_more_than_half(amount):
    exact = amount * 100

    assert abs(rounded(amount) - exact) <= Decimal("0.5")
    assert rounded(amount) == int(exact.to_integral_value(ROUND_HALF_UP))


@pytest.mark.parametrize(("amount", "kept"), [
    ("0.005", 1), ("0.004999", 0), ("-0.005", -1), ("1.994999", 199), ("71.942446", 7194)])
def test_half_a_fen_goes_up(amount, kept):
    assert rounded(Decimal(amount)) == kept


def test_a_message_says_its_values_in_the_readers_language():
    words = {"First: {step}.": "先办：{step}。", "Resume payment": "恢复发放"}
    message = Message("First: {step}.", {"step": Message("Resume payment")})

    assert message.say(words.get) == "先办：恢复发放。"
    assert str(message) == "First: Resume payment."


def test_a_refusal_is_its_sentence():
    refusal = Refusal("“{text}” is not a month.", text="2021")

    assert str(refusal) == "“2021” is not a month."
    assert refusal.say(lambda _: "“{text}”不是年月。") == "“2021”不是年月。"


def test_braces_typed_by_people_do_no_harm():
    assert str(Refusal("“{text}” is not a month.", text="{step}")) == "“{step}” is not a month."
    assert date(2021, 9, 19).isoformat() in str(Refusal("{day} is still to come.", day=date(2021, 9, 19)))
