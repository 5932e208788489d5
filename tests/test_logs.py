"""No number of a person in a log: the formatter masks it, and the watch over the whole suite would find it."""

from __future__ import annotations

import logging

import pytest
from factories import id_number
from logwatch import Watch

from portal.logs import Masking

NUMBER = id_number()


def record(message: str, *values: object, error: BaseException | None = None) -> logging.LogRecord:
    return logging.LogRecord("portal", logging.INFO, __file__, 1, message, values, error and (type(error), error, None))


@pytest.mark.parametrize("told", [
    record(f"person {NUMBER}"), record("person %s", NUMBER), record("person %s", NUMBER.lower()),
    record("card %s", "6217000012345678"),
    record("failed", error=ValueError(f"no {NUMBER} here")), record(f"身份证{NUMBER}查无此人")], ids=range(6))
def test_the_watch_finds_a_number_and_the_mask_hides_it(told):
    watch = Watch()
    watch.handle(told)
    assert len(watch.found) == 1
    assert NUMBER not in watch.found[0]

    hidden = Masking("%(message)s").format(told)
    masked = Watch()
    masked.handle(record(hidden.replace("%", "%%")))
    assert masked.found == []
    assert NUMBER[:14] not in hidden


@pytest.mark.parametrize("told", [record("task 141122100 took 0.123456789012345678 s"), record("a" * 20 + "1" * 30),
                                  record("case 12345678901234")])
def test_the_watch_lets_other_figures_pass(told):
    watch = Watch()
    watch.handle(told)
    assert (watch.found, watch.records) == ([], 1)
