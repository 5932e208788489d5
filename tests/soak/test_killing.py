"""The portal is killed at random hundreds of times while a hundred thousand writes are acknowledged: none is lost.

`make soak`; PORTAL_SOAK_KILLS and PORTAL_SOAK_WRITES say how many (200 and 100,000), PORTAL_SOAK_SEED repeats the order.
"""

import os
import random

import pytest
from soaking import Soak

KILLS = int(os.environ.get("PORTAL_SOAK_KILLS", "200"))
WRITES = int(os.environ.get("PORTAL_SOAK_WRITES", "100000"))
SEED = int(os.environ.get("PORTAL_SOAK_SEED", random.randrange(10 ** 6)))
CALMS = 4          # stretches in which all may come back
REDIS_GONE = 120   # seconds


@pytest.fixture
def soak(tmp_path):
    soak = Soak(tmp_path, KILLS, WRITES, seed=SEED)
    yield soak
    soak.abandon()


def test_kills_lose_no_write_and_repeat_none(soak):
    soak.begin()
    calms = [KILLS * (n + 1) // CALMS for n in range(CALMS)]
    while soak.killed < KILLS or len(soak.written()) < WRITES:
        soak.trouble()
        if calms and soak.killed >= calms[0]:
            calms.pop(0)
            if len(calms) == CALMS // 2:
                soak.stop_redis(min(REDIS_GONE, KILLS))
            soak.calm()
            print(f"\n{soak.killed} kills, {len(soak.written()):,} writes, in hand again after {soak.resumes[-1]:.1f} s", end="")
    soak.end(patience=300)
    soak.check()
    print("\n" + "\n".join(soak.report()))
