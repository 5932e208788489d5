"""The soak in short: each kind of process is killed once while clerks and processes write (make soak: hundreds of times)."""

from datetime import UTC, datetime, timedelta

import pytest
import tally
from running import until
from soaking import KILLED, Soak

from portal import jobs

WRITES, FORMS = 500, 10


@pytest.fixture
def soak(tmp_path):
    soak = Soak(tmp_path, len(KILLED), WRITES)
    yield soak
    soak.abandon()


def test_kills_lose_no_write_and_repeat_none(soak, monkeypatch):
    soak.begin()
    until(lambda: soak.tasks() and any(clerk.acknowledged for clerk in soak.clerks), 120)
    for kind in KILLED:
        until(lambda kind=kind: soak.kill(kind), 120)
        soak.flush()
        until(soak.served, 120)
    until(lambda: soak.whole() and len(soak.written()) >= WRITES and soak.forms() >= FORMS, 300)
    soak.end(patience=0)
    # Whoever was killed has a lease of another half a minute: it is over an hour later.
    monkeypatch.setattr(jobs, "real_now", lambda: datetime.now(UTC) + timedelta(hours=1))
    until(lambda: not jobs.run_waiting(soak.app), 120)
    soak.check()
    tally.tell("soak: {} kills, {:,} writes acknowledged ({} by forms), {} lost, {} doubled, {} papers drawn and numbered once"
               .format(soak.killed, *(soak.counted[what] for what in (
                   "writes acknowledged", "of these by a form", "lost", "doubled", "papers ordered, drawn and numbered once"))))

    # The control: a write that was never made, and that somebody says was acknowledged.
    soak.clerks[0].acknowledged.append("王无")
    with pytest.raises(AssertionError):
        soak.check()
