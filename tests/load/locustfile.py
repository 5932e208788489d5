"""Clerks for locust: `tests/load/run.py` starts it with the address, and reads what it writes at the end."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import gevent
import routine
from desk import Answer, Desk, Wrong
from locust import FastHttpUser, events, task

CLERKS = json.loads(os.environ["PORTAL_LOAD_CLERKS"])  # {user name: [post, number, of how many alike]}
OUT = Path(os.environ["PORTAL_LOAD_OUT"])
_waiting = list(CLERKS)
_desks: list[Desk] = []
_times: dict[tuple[str, str], list[float]] = defaultdict(list)
_faults: dict[str, int] = defaultdict(int)


class Clerk(FastHttpUser):
    """One person of the county, with a session of their own."""

    connection_timeout = network_timeout = 60.0

    def wait_time(self) -> float:
        return self.desk.dice.uniform(*routine.THINK)

    def on_start(self) -> None:
        name = _waiting.pop(0)
        self.post, number, of = CLERKS[name]
        self.desk = Desk(self._send, name, number, of, gevent.sleep)
        _desks.append(self.desk)
        self.try_to(self.desk.sign_in)

    @task
    def work(self) -> None:
        self.try_to(lambda: routine.work(self.desk, self.post))

    def try_to(self, act) -> None:
        try:
            act()
        except Wrong as wrong:
            _faults[f"{self.desk.username}: {wrong}"] += 1

    def _send(self, method: str, path: str, name: str, judge, body: bytes | None = None, kind: str = "") -> Answer:
        headers = {"Content-Type": kind} if kind else {}
        with self.client.request(method, path, name=name, data=body, headers=headers, allow_redirects=False,
                                 catch_response=True) as got:
            answer = Answer(got.status_code or 0, (got.headers or {}).get("Location", ""), got.content or b"")
            try:
                judge(answer)
            except Wrong as wrong:
                got.failure(f"{wrong}")
                raise
        return answer


@events.request.add_listener
def _note(request_type: str, name: str, response_time: float, exception: BaseException | None, **_more) -> None:
    _times[request_type, name].append(response_time)
    if exception:
        _faults[f"{request_type} {name}: {exception}"] += 1


@events.reset_stats.add_listener
def _forget() -> None:
    _times.clear()


@events.quitting.add_listener
def _write(**_more) -> None:
    done: dict[str, int] = defaultdict(int)
    for desk in _desks:
        for act, times in desk.done.items():
            done[act] += times
    OUT.write_text(json.dumps({"times": [[method, name, times] for (method, name), times in _times.items()],
                               "faults": _faults, "done": done}, ensure_ascii=False))
