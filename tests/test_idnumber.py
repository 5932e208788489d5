"""ID numbers: one person however the number is spelled; every single slip of the pen found."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from factories import id_number
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn.ric import calc_check_digit

from models.idnumber import IdRefusal, birth_date, canonical, masked, sex, tidy

NUMBER = id_number(date(1950, 3, 12), 1, "女")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

numbers = st.builds(id_number, st.dates(date(1900, 1, 1), date(2010, 12, 31)), st.integers(0, 999),
                    st.sampled_from(["男", "女"]))


def with_x() -> str:
    return next(number for number in (id_number(n=n) for n in range(1000)) if number.endswith("X"))


@pytest.mark.parametrize("spelled", [
    NUMBER, f" {NUMBER} ", f"'{NUMBER}", f"‘{NUMBER}", f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}",
    f"\u200b{NUMBER}\ufeff", f"{NUMBER}\u3000", f"{NUMBER}\n", "\u202a" + NUMBER + "\u202c",
    NUMBER.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})])
def test_one_number_however_it_is_spelled(spelled):
    assert canonical(spelled) == NUMBER


@pytest.mark.parametrize("x", ["x", "X", "ｘ", "Ｘ"])
def test_the_x_of_every_keyboard(x):
    assert canonical(with_x()[:-1] + x) == with_x()


def test_the_sample_of_the_standard():
    assert canonical("34052419800101001x") == "34052419800101001X"


def test_an_old_number_is_upgraded():
    old = NUMBER[:6] + NUMBER[8:17]

    assert canonical(old) == NUMBER


@pytest.mark.parametrize(("text", "code"), [
    ("", "missing"), ("   ", "missing"), ("\u200b", "missing"), ("'", "missing"),
    (NUMBER[:-1], "id_format"), (NUMBER + "1", "id_format"), (NUMBER[:-1] + "Y", "id_format"),
    ("X" + NUMBER[1:], "id_format"), ("1.4112E+17", "id_format"), ("14112219500230001X", "id_format"),
    ("141122195013010012", "id_format"), ("141122185002300012", "id_format"), ("141122000001010012", "id_format"),
    ("王秀英", "id_format"), ("141122" + "9" * 9, "id_format"), ("１２３", "id_format"), ("٠" * 18, "id_format"),
    (NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2"), "id_checksum")])
def test_a_number_that_cannot_be_says_why(text, code):
    with pytest.raises(IdRefusal) as refusal:
        canonical(text)
    assert refusal.value.code == code


@pytest.mark.parametrize("region", ["110228", "142320", "141120", "999999", "000000"])
def test_the_region_is_never_checked(region):
    front = region + NUMBER[6:17]

    assert canonical(front + calc_check_digit(front + "0"))[:6] == region


@given(numbers)
def test_the_check_digit_is_the_standards(number):
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=False))

    assert number[-1] == "10X98765432"[total % 11]
    assert canonical(number) == number


@given(numbers, st.integers(0, 16), st.integers(1, 9))
def test_every_wrong_digit_is_found(number, place, more):
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1:]

    with pytest.raises(IdRefusal):
        canonical(wrong)


@given(numbers, st.integers(0, 15))
def test_every_swap_of_neighbours_is_found(number, place):
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2:]

    if wrong != number:
        with pytest.raises(IdRefusal):
            canonical(wrong)


@given(st.dates(date(1900, 1, 1), date(2010, 12, 31)), st.integers(0, 999), st.sampled_from(["男", "女"]))
def test_birth_and_sex_are_inside(born, n, which):
    number = id_number(born, n, which)

    assert (birth_date(number), sex(number)) == (born, which)


@given(st.text())
def test_any_text_is_a_number_or_refused(text):
    with suppress(IdRefusal):
        assert canonical(canonical(text)) == canonical(text)


@given(st.text("0123456789xXｘ０１２３４５６７８９ '\u200b\u3000\ufeff"))
def test_tidying_twice_changes_nothing(text):
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize(("number", "shown"), [
    (NUMBER, "•" * 14 + NUMBER[-4:]), ("13900001234", "•••••••1234"), ("1234567", "•••••••"), ("1234", "••••"), ("", "")])
def test_a_page_shows_the_last_four(number, shown):
    assert masked(number) == shown
