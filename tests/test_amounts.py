"""Sums in words: the six examples of 支付结算办法 附一, and back again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.amounts import in_words
from models.money import yuan
from models.words import Refusal

EXAMPLES = [
    ("1409.50", {"壹仟肆佰零玖元伍角"}),
    ("6007.14", {"陆仟零柒元壹角肆分"}),
    ("1680.32", {"壹仟陆佰捌拾元零叁角贰分", "壹仟陆佰捌拾元叁角贰分"}),
    ("107000.53", {"壹拾万柒仟元零伍角叁分", "壹拾万零柒仟元伍角叁分", "壹拾万柒仟元伍角叁分"}),
    ("16409.02", {"壹万陆仟肆佰零玖元零贰分"}),
    ("325.04", {"叁佰贰拾伍元零肆分"}),
]


@pytest.mark.parametrize(("amount", "accepted"), EXAMPLES)
def test_the_regulation_s_examples(amount, accepted):
    assert in_words(amount) in accepted


@pytest.mark.parametrize(("amount", "words"), [
    ("0.00", "零元整"), ("0.05", "伍分"), ("0.50", "伍角"), ("10.00", "壹拾元整"), ("100000.00", "壹拾万元整"),
    ("1000.10", "壹仟元壹角"), ("20.05", "贰拾元零伍分"), ("2523.00", "贰仟伍佰贰拾叁元整")])
def test_edges(amount, words):
    assert in_words(amount) == words


def test_the_currency_goes_first_when_asked_for():
    assert in_words("216.00", "人民币") == "人民币贰佰壹拾陆元整"


@pytest.mark.parametrize("wrong", ["1", "1.5", "1.005", "1,000.00", "", "-1.00", "一元", None, 1])
def test_what_is_no_amount_is_refused(wrong):
    with pytest.raises(Refusal):
        in_words(wrong)


@given(st.integers(0, 10 ** 12 - 1))
def test_words_read_back_are_the_amount(amount):
    assert read_back(in_words(yuan(amount))) == amount


def read_back(words: str) -> int:
    """分 of a sum in words, by a reader that shares nothing with the writer."""
    whole, _, rest = words.removesuffix("整").rpartition("元") if "元" in words else ("", "", words)
    amount = 0
    for unit, size in (("亿", 10 ** 8), ("万", 10 ** 4), ("", 1)):
        part, found, after = whole.partition(unit) if unit else (whole, "", "")
        if unit and not found:
            continue
        amount += digits(part, {"仟": 1000, "佰": 100, "拾": 10, "": 1}) * size
        whole = after
    return amount * 100 + digits(rest, {"角": 10, "分": 1, "": 0})


def digits(words: str, units: dict[str, int]) -> int:
    total, pending = 0, 0
    for character in words:
        if character in units:
            total, pending = total + pending * units[character], 0
        else:
            pending = "零壹贰叁肆伍陆柒捌玖".index(character)
    return total + pending * units[""]
