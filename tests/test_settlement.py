"""Settlements checked by hand (settlement_cases.yaml, which a pension officer can read), and shapes of documents."""

import json
import re
from decimal import Decimal
from math import prod
from pathlib import Path

import pytest
import yaml

from models.months import Month
from models.settlement import settle, settle_document
from models.words import Refusal


class Table(yaml.SafeLoader):
    """YAML in which 2021-09-19 and 103.00 stay what they look like: text."""


Table.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

TABLE = yaml.load(Path(__file__).with_name("settlement_cases.yaml").read_text("utf-8"), Table)
CASES = {case["case"]: case for case in TABLE["cases"]}
SETTLED = [name for name, case in CASES.items() if "refused" not in case]
REFUSED = [name for name, case in CASES.items() if "refused" in case]
FIGURES = ("back_pay", "recover", "account_balance_after", "supplement_account_balance_after", "offset",
           "still_to_refund", "refund_to_person_or_heirs")
EXPECTED = {"case", "without", "refused", "lines", "may_seal", "why", *FIGURES}


def document(name=None):
    """The document of a case and its rates as CSV: the common case with the case's own words over it."""
    case = CASES[name] if name else {}
    own = {key: value for key, value in case.items() if key not in EXPECTED}
    found = TABLE["default"] | own
    found["person"] = TABLE["default"]["person"] | own.get("person", {})
    for key in case.get("without", ()):
        del found[key]
    return found, found.pop("rates")


def settled(name=None, **changes):
    found, rates = document(name)
    return settle_document(json.dumps(found | changes), rates)


def worked_out(arithmetic):
    """The amount of '103.00×6 + 108.00×15 = 2238.00'; both sides must agree."""
    sides = {sum(_term(term) for term in re.findall(r"[+-]?[^+-]+", side.replace(" ", "")))
             for side in str(arithmetic).split("=")}
    assert len(sides) == 1, f"the sides of {arithmetic} differ: {sides}"
    return sides.pop()


def _term(term):
    return prod(Decimal(factor) for factor in term.split("×"))


def months_of(line):
    span, party, item, entitled, paid = line.split()
    first, last = map(Month.parse, span.split(".."))
    return [(str(month), party, item, entitled, paid) for month in first.through(last)]


@pytest.mark.parametrize("name", SETTLED)
def test_a_case_comes_out_as_worked_out_by_hand(name):
    case, result = CASES[name], settled(name)

    for figure in FIGURES:
        if figure in case:
            assert Decimal(result[figure]) == worked_out(case[figure]), figure
    if "lines" in case:
        expected = [month for line in case["lines"] for month in months_of(line)]
        found = [(line["month"], line["party"], line["item"], line["entitled"], line["paid"])
                 for line in result["lines"]]
        assert sorted(found) == sorted(expected)
    if "may_seal" in case:
        assert result["may_seal"] is case["may_seal"]
    assert case.get("why", "") in " ".join(result["why"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_case_that_cannot_be_settled_is_refused_by_its_reason(name):
    with pytest.raises(Refusal, match=re.escape(CASES[name]["refused"])):
        settled(name)


def test_every_case_says_what_is_expected():
    assert len(CASES) == len(TABLE["cases"])
    assert not [name for name, case in CASES.items() if not EXPECTED - {"case", "without"} & case.keys()]


def test_lines_run_by_month_then_person_before_impostor_then_item():
    lines = settled("两险都被冒领")["lines"]

    assert [(line["party"], line["item"]) for line in lines] == [
        (party, item) for party in ("person", "impostor")
        for item in ("basic", "age", "years", "supplement", "supplement_account")]


def test_items_with_lines_have_totals_of_their_own():
    assert settled("刑满当月恢复，次月才行", resumes=None)["by_item"] == {}
    assert settled("2021年5月刑满，6月起应发，服刑期间不补")["by_item"] == {
        "basic": {"back_pay": "432.00", "recover": "206.00"}}


def bases(name):
    return {(line["party"], line["item"]): line["basis"] for line in settled(name)["lines"]}


def test_a_line_rests_on_the_document_of_its_rate():
    assert bases("郝大山，未认证，71岁，两险都领（合同所附算例）") == {
        ("person", "basic"): "基础108元文件", ("person", "age"): "高龄文件", ("person", "supplement"): "补充20元文件"}


def test_an_overpayment_without_records_rests_on_the_rate_that_was_paid():
    assert bases("领取之前就已去世，领到的都要退") == {("person", "basic"): "基础103元文件"}


def test_own_money_rests_on_the_persons_record_and_recorded_payments_on_the_records():
    assert bases("有记录时也要个人账户，少发的从余额中出") == {("person", "account"): "个人账户养老金"}
    assert bases("全是死后的发放记录，用不着标准") == {("person", "basic"): "实际发放记录"}
    assert bases("未满65岁却发了高龄5元，应退") == {("person", "age"): "当月无适用此年龄的标准"}


def test_reasons_are_said_in_the_readers_language():
    words = {"Settled through {last}; from {resumes} the ordinary run pays.": "核算至{last}，{resumes}起正常发放。"}
    found, rates = document()

    why = settle_document(json.dumps(found), rates, say=lambda text: words.get(text, text))["why"]

    assert "核算至2021-09，2021-10起正常发放。" in why


def test_sealing_is_explained():
    assert "must not be sealed: 0.01 yuan" in " ".join(settled("差一分钱也不得封存")["why"])
    assert "may be sealed" in " ".join(settled("多发6个月，余额加丧葬补助金正好够抵")["why"])


def test_rates_in_the_document_and_in_a_file_are_one_table():
    found, rates = document()
    basic = [{"item": "basic", "from": "2018-01", "amount": "103.00", "min_age": None, "basis": "基础103元文件"}]

    assert settle_document(json.dumps(found | {"rates": basic}), rates)["back_pay"] == "2238.00"
    basic[0]["amount"] = "104.00"
    with pytest.raises(Refusal, match="Two rates"):
        settle_document(json.dumps(found | {"rates": basic}), rates)


def test_a_document_without_rates_is_settled_where_none_is_needed():
    found, _ = document("全是死后的发放记录，用不着标准")

    assert settle(found)["recover"] == "216.00"


WRONG_SHAPES = {
    "not an object": lambda d: [d],
    "nothing": lambda d: None,
    "person is a list": lambda d: d | {"person": []},
    "person is null": lambda d: d | {"person": None},
    "facts are text": lambda d: d | {"facts": "certified"},
    "facts are null": lambda d: d | {"facts": None},
    "payments are an object": lambda d: d | {"payments": {"month": "2021-01"}},
    "a payment is text": lambda d: d | {"payments": ["2021-01"]},
    "a payment is null": lambda d: d | {"payments": [None]},
    "a payment lacks its month": lambda d: d | {"payments": [{"item": "basic", "amount": "1.00"}]},
    "a payment has a remark": lambda d: d | {"payments": [{"month": "2021-01", "item": "basic", "amount": "1.00",
                                                           "remark": ""}]},
    "a month is a number": lambda d: d | {"as_of": 202110},
    "a month is null": lambda d: d | {"paused_from": None},
    "a month is a list": lambda d: d | {"resumes": ["2021-10"]},
    "category is null": lambda d: d | {"category": None},
    "category is a list": lambda d: d | {"category": ["deceased"]},
    "money is a number": lambda d: d | {"person": d["person"] | {"account_balance": 103.00}},
    "money is not a number": lambda d: d | {"person": d["person"] | {"account_balance": float("nan")}},
    "money has a plus": lambda d: d | {"person": d["person"] | {"account_balance": "+1.00"}},
    "money has full-width digits": lambda d: d | {"person": d["person"] | {"account_balance": "１.00"}},
    "years are true": lambda d: d | {"person": d["person"] | {"years_paid": True}},
    "years are text": lambda d: d | {"person": d["person"] | {"years_paid": "18"}},
    "years are broken": lambda d: d | {"person": d["person"] | {"years_paid": 18.0}},
    "years are below zero": lambda d: d | {"person": d["person"] | {"years_paid": -1}},
    "years are too many": lambda d: d | {"person": d["person"] | {"years_paid": 10 ** 30}},
    "born is null": lambda d: d | {"person": d["person"] | {"born": None}},
    "alive is 1": lambda d: d | {"category": "impostor", "facts": {
        "impostor_from": "2019-07", "impostor_to": "2019-12", "alive": 1, "died_on": None, "funeral_grant": "0.00"}},
    "alive is text": lambda d: d | {"category": "impostor", "facts": {
        "impostor_from": "2019-07", "impostor_to": "2019-12", "alive": "yes", "died_on": None,
        "funeral_grant": "0.00"}},
    "rates are text": lambda d: d | {"rates": "basic"},
    "a rate is text": lambda d: d | {"rates": ["basic"]},
    "a rate's age is true": lambda d: d | {"rates": [{"item": "age", "from": "2018-01", "amount": "5.00",
                                                      "min_age": True, "basis": ""}]},
    "a name is a number": lambda d: d | {1: 2},
}


@pytest.mark.parametrize("shape", WRONG_SHAPES)
def test_a_document_of_the_wrong_shape_is_refused(shape):
    found, _ = document()
    found["rates"] = [{"item": "basic", "from": "2018-01", "amount": "103.00", "min_age": None, "basis": ""}]
    assert settle(found)["back_pay"] == "2163.00"

    with pytest.raises(Refusal, match="must |not an amount|there is no field|is missing"):
        settle(WRONG_SHAPES[shape](found))


@pytest.mark.parametrize("text", [
    "", "{", "nonsense", "{'as_of': 1}", "[" * 100_000, "9" * 10_000, '{"as_of": "\\ud800"}', "\x00", "null", "[]",
    "NaN"], ids=range(11))
def test_text_that_is_no_document_is_refused(text):
    with pytest.raises(Refusal, match="^document"):
        settle_document(text)


def test_a_fact_given_twice_is_refused():
    found, rates = document()
    text = json.dumps(found).replace('"paused_from"', '"paused_from": "2019-01", "paused_from"')

    with pytest.raises(Refusal, match="“paused_from” is given twice"):
        settle_document(text, rates)


def test_a_byte_order_mark_does_no_harm():
    found, rates = document()

    assert settle_document("\ufeff" + json.dumps(found), "\ufeff" + rates)["back_pay"] == "2238.00"
