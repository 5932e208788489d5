"""What holds for every settlement, and a second calculator, written the other way round, that must agree with it."""

import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.money import fen, yuan
from models.settlement import settle, settle_document
from models.words import Refusal

ITEMS = ["basic", "age", "years", "account", "supplement", "supplement_account"]
OWN = {"account", "supplement_account"}

slowly = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


# Months are counted here from January of year 0, so that the calculator below shares no code with the models.
def number(text):
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def month(count):
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def day(count, of_month):
    return f"{month(count)}-{of_month:02d}"


START = number("2012-01")
counts = st.integers(START, START + 100)
days = st.integers(1, 28)
money = st.integers(0, 300_00)


@st.composite
def rate_tables(draw):
    """Rates of which no settlement can be short: `basic` and `supplement` for every age from the very beginning."""
    always = 1900 * 12
    rates = {("basic", always, 0): draw(money), ("supplement", always, draw(st.sampled_from([0, 65]))): draw(money)}
    items = st.sampled_from(["basic", "age", "years", "supplement"])
    rates |= draw(st.dictionaries(st.tuples(items, counts, st.sampled_from([0, 60, 65, 80])), money, max_size=8))
    return [{"item": item, "from": month(start), "amount": yuan(amount), "min_age": age or None, "basis": "文件"}
            for (item, start, age), amount in rates.items()]


def facts(draw, category, begun, as_of):
    past = st.integers(begun - 6, as_of)
    first, last = sorted((draw(past), draw(past)))
    grant = yuan(draw(money))
    died = day(draw(past), draw(days))
    return {
        "uncertified": lambda: {"certified_on": day(as_of, 1)},
        "no_card": lambda: {"card_bound_on": day(as_of, 28)},
        "duplicate": lambda: {"other_from": month(first), "other_to": draw(st.sampled_from([month(last), None])),
                              "other_kind": draw(st.sampled_from(["employee", "resident"]))},
        "dual_household": lambda: draw(st.sampled_from([
            {"other_from": month(first), "other_to": month(last)}, {"other_from": month(first), "other_to": None},
            {"other_from": None, "other_to": None}])),
        "imprisoned": lambda: {"custody_from": day(first, 10),
                               "released_on": draw(st.sampled_from([day(last, 20), None])),
                               "outcome": draw(st.sampled_from(["sentenced", "sentenced", "acquitted"]))},
        "deceased": lambda: {"died_on": died, "funeral_grant": grant},
        "impostor": lambda: {"impostor_from": month(first), "impostor_to": month(last), "funeral_grant": grant}
        | draw(st.sampled_from([{"alive": True, "died_on": None}, {"alive": False, "died_on": died}])),
    }[category]()


CATEGORIES = ["uncertified", "no_card", "duplicate", "dual_household", "imprisoned", "deceased", "impostor"]


@st.composite
def documents(draw, categories=CATEGORIES):
    """Documents in which only `resumes` may be wrong: it may fall into a month without entitlement."""
    begun = draw(counts)
    paused = begun + draw(st.integers(0, 30))
    as_of = paused + draw(st.integers(0, 30))
    category = draw(st.sampled_from(categories))
    balance = draw(money)
    payment = st.builds(lambda at, item, amount: {"month": month(at), "item": item, "amount": yuan(amount)},
                        st.integers(begun - 2, as_of + 2), st.sampled_from(ITEMS), st.integers(-50_00, 300_00))
    return {
        "as_of": month(as_of),
        "person": {
            "born": f"{draw(st.integers(1930, 1956))}-{draw(st.integers(1, 12)):02d}-{draw(days):02d}",
            "basic_from": month(begun),
            "supplement_from": draw(st.none() | st.integers(begun - 5, as_of).map(month)),
            "years_paid": draw(st.integers(0, 30)),
            "account_pension": yuan(draw(st.integers(0, 30_00))),
            "account_balance": yuan(balance),
            "government_subsidy": yuan(draw(st.integers(0, balance))),
            "supplement_account_pension": yuan(draw(st.integers(0, 30_00))),
            "supplement_account_balance": yuan(draw(money)),
        },
        "paused_from": month(paused),
        "resumes": draw(st.none() | st.integers(paused, as_of + 1).map(month)),
        "payments": draw(st.none() | st.lists(payment, max_size=12)),
        "category": category,
        "facts": facts(draw, category, begun, as_of),
        "rates": draw(rate_tables()),
    }


def try_to_settle(document):
    try:
        return settle(document)
    except Refusal as refusal:
        return str(refusal)


# The second calculator: differences by (month, party, item), one dictionary, no classes.
def due(document, item, at):
    person = document["person"]
    born = date.fromisoformat(person["born"])
    age = (at - (born.year * 12 + born.month - 1) - 1) // 12

    def row(name):
        fits = [(rate["min_age"] or 0, number(rate["from"]), fen(rate["amount"])) for rate in document["rates"]
                if rate["item"] == name and number(rate["from"]) <= at and (rate["min_age"] or 0) <= age]
        return max(fits)[2] if fits else None

    if item.startswith("supplement"):
        running = person["supplement_from"] is not None and number(person["supplement_from"]) <= at
        if not running or row("supplement") is None:
            return 0
        return row("supplement") if item == "supplement" else fen(person["supplement_account_pension"])
    if item == "account":
        return fen(person["account_pension"])
    return (row(item) or 0) * (max(person["years_paid"] - 15, 0) if item == "years" else 1)


def months_lost(document, months):
    """The months without entitlement, one by one."""
    known = document["facts"]
    if document["category"] in ("duplicate", "dual_household") and known["other_from"]:
        return {at for at in months if at >= number(known["other_from"])
                and (known["other_to"] is None or at <= number(known["other_to"]))}
    if document["category"] == "imprisoned" and known["outcome"] == "sentenced":
        return {at for at in months if at > number(known["custody_from"])
                and (known["released_on"] is None or at <= number(known["released_on"]))}
    if document["category"] == "deceased" or known.get("alive") is False:
        return {at for at in months if at > number(known["died_on"])}
    return set()


def second_opinion(document):
    """The differences {(month, party, item): 分} of a document, or None where it resumes without entitlement."""
    begun, paused = number(document["person"]["basic_from"]), number(document["paused_from"])
    end = number(document["resumes"]) if document["resumes"] else number(document["as_of"]) + 1
    months = list(range(begun, end))
    if document["resumes"] and months_lost(document, [end]):
        return None

    paid = {}
    if document["payments"] is None:
        paid = {(at, item): due(document, item, at) for at in months if at < paused for item in ITEMS}
    elif document["payments"]:
        months = [at for at in months if at >= min(number(entry["month"]) for entry in document["payments"])]
        for entry in document["payments"]:
            key = number(entry["month"]), entry["item"]
            paid[key] = paid.get(key, 0) + fen(entry["amount"])

    thief = set()
    if document["category"] == "impostor":
        thief = set(range(number(document["facts"]["impostor_from"]), number(document["facts"]["impostor_to"]) + 1))
    lost = months_lost(document, months)

    found = {}
    for at in months:
        for item in ITEMS:
            sum_paid = paid.get((at, item), 0)
            if at in thief:
                found[at, "impostor", item] = -sum_paid
                sum_paid = 0
            if at not in lost:
                found[at, "person", item] = due(document, item, at) - sum_paid
            elif item not in OWN:
                found[at, "person", item] = -sum_paid
    return {key: value for key, value in found.items() if value}


def second_totals(document, found):
    person, known, category = document["person"], document["facts"], document["category"]

    def after(field, item):
        return max(0, fen(person[field]) - sum(value for key, value in found.items() if key[2] == item))

    account = after("account_balance", "account")
    supplement = after("supplement_account_balance", "supplement_account")
    back_pay = sum(max(value, 0) for value in found.values())
    recover = back_pay - sum(found.values())
    grant = fen(known.get("funeral_grant", "0.00"))
    closing = document["resumes"] is None
    if category == "deceased":
        pool = account + supplement + grant + back_pay
        refund = pool - min(recover, pool)
    elif category in ("duplicate", "dual_household") and closing:
        subsidy = fen(person["government_subsidy"]) if known.get("other_kind") == "employee" else 0
        pool = max(account - subsidy, 0) + supplement
        refund = pool - min(recover, pool) + back_pay
    else:
        pool = 0
        refund = back_pay + (account + supplement + grant if known.get("alive") is False else 0)
    offset = min(recover, pool)
    return {"back_pay": yuan(back_pay), "recover": yuan(recover), "account_balance_after": yuan(account),
            "supplement_account_balance_after": yuan(supplement), "offset": yuan(offset),
            "still_to_refund": yuan(recover - offset), "refund_to_person_or_heirs": yuan(refund),
            "may_seal": offset == recover if category == "deceased" else None}


@settings(slowly, max_examples=400)
@given(documents())
def test_two_calculators_agree(document):
    result, opinion = try_to_settle(document), second_opinion(document)

    if opinion is None:
        assert "carries no entitlement" in result
    else:
        differences = {(number(line["month"]), line["party"], line["item"]): fen(line["difference"])
                       for line in result["lines"]}
        assert differences == opinion
        assert {key: result[key] for key in second_totals(document, opinion)} == second_totals(document, opinion)


@slowly
@given(documents(["uncertified", "no_card"]))
def test_a_living_person_without_records_is_owed_every_month_since_the_suspension(document):
    document["payments"] = None
    end = number(document["resumes"]) if document["resumes"] else number(document["as_of"]) + 1

    owed = sum(due(document, item, at) for at in range(number(document["paused_from"]), end) for item in ITEMS)

    result = settle(document)
    assert result["back_pay"] == result["refund_to_person_or_heirs"] == yuan(owed)
    assert result["recover"] == "0.00"


@slowly
@given(documents())
def test_sums_add_up(document):
    result = try_to_settle(document)
    if isinstance(result, str):
        return

    differences = [fen(line["difference"]) for line in result["lines"]]
    assert sum(differences) == fen(result["back_pay"]) - fen(result["recover"])
    for total in ("back_pay", "recover"):
        assert fen(result[total]) == sum(fen(item[total]) for item in result["by_item"].values())
    assert fen(result["offset"]) + fen(result["still_to_refund"]) == fen(result["recover"])
    assert 0 <= fen(result["offset"]) <= fen(result["recover"])
    assert fen(result["still_to_refund"]) >= 0
    assert fen(result["refund_to_person_or_heirs"]) >= 0
    assert fen(result["account_balance_after"]) >= 0
    assert fen(result["supplement_account_balance_after"]) >= 0


@slowly
@given(documents())
def test_every_line_is_complete_and_in_its_place(document):
    result = try_to_settle(document)
    if isinstance(result, str):
        return

    lines = result["lines"]
    places = [(line["month"], ["person", "impostor"].index(line["party"]), ITEMS.index(line["item"])) for line in lines]
    assert places == sorted(set(places))
    assert all(fen(line["difference"]) == fen(line["entitled"]) - fen(line["paid"]) != 0 for line in lines)
    assert all(line["basis"] for line in lines)
    assert all(line["entitled"] == "0.00" for line in lines if line["party"] == "impostor")
    assert list(result["by_item"]) == [item for item in ITEMS if item in {line["item"] for line in lines}]
    assert all(result["why"])


@slowly
@given(documents())
def test_the_same_document_settles_alike_and_is_left_as_it_was(document):
    before = json.dumps(document)

    assert try_to_settle(document) == try_to_settle(json.loads(before))
    assert json.dumps(document) == before


@slowly
@given(documents(["uncertified"]), st.integers(0, 12))
def test_a_longer_suspension_never_owes_less(document, longer):
    document |= {"payments": None, "resumes": month(number(document["paused_from"]) + 1)}
    later = document | {"resumes": month(number(document["resumes"]) + longer)}

    assert fen(settle(later)["back_pay"]) >= fen(settle(document)["back_pay"])


@slowly
@given(documents(["deceased"]), st.integers(1, 6))
def test_a_later_death_never_raises_what_is_to_be_recovered(document, later):
    document |= {"payments": None, "resumes": None}
    died = number(document["facts"]["died_on"])
    as_of = number(document["as_of"])
    after = document | {"facts": document["facts"] | {"died_on": day(min(died + later, as_of), 28)}}

    assert fen(settle(after)["recover"]) <= fen(settle(document)["recover"])


@slowly
@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_payments_and_rates_does_not_matter(document, random):
    shuffled = json.loads(json.dumps(document))
    random.shuffle(shuffled["rates"])
    random.shuffle(shuffled["payments"] or [])

    assert try_to_settle(shuffled) == try_to_settle(document)


@slowly
@given(documents())
def test_what_was_settled_and_paid_out_settles_to_nothing(document):
    document |= {"payments": [], "resumes": None, "category": "uncertified",
                 "facts": {"certified_on": day(number(document["as_of"]), 1)}}
    lines = settle(document)["lines"]

    document["payments"] = [{"month": line["month"], "item": line["item"], "amount": line["difference"]}
                            for line in lines]

    assert settle(document)["lines"] == []


# Strangers: documents with one to three wrong places, and plain junk.
strays = st.sampled_from(["2021-01", "2021-13", "1950-03-12", "9999-12-31", "0001-01-01", "103.00", "-1.00", "",
                          "basic", "deceased", "employee", "impostor"])
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | strays,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strays | st.text(max_size=8), inner, max_size=3),
    max_leaves=6)


def places(value, path=()):
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


@settings(slowly, max_examples=400)
@given(documents(), st.data())
def test_a_spoilt_document_is_settled_or_refused_and_nothing_else(document, data):
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from([place for place in places(document) if place]))
        inner = document
        for key in path:
            inner = inner[key]
        if isinstance(inner, dict) and data.draw(st.booleans()):
            del inner[last]
        else:
            inner[last] = data.draw(junk)

    result = try_to_settle(document)

    assert isinstance(result, str) or set(result) >= {"lines", "back_pay", "why"}


@slowly
@given(junk)
def test_junk_is_refused(document):
    with pytest.raises(Refusal):
        settle(document)


@slowly
@given(st.text(max_size=40), st.none() | st.text(max_size=40) | st.just("item,from,amount,min_age,basis\n") | st.text(
    alphabet='item,from\n"\r\x00', max_size=40))
def test_junk_text_is_refused(text, rates):
    with pytest.raises(Refusal):
        settle_document(text, rates)
