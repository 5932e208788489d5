"""A form as a browser holds it, which may be sent again and again, and by twenty at the same moment."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

from screening import Desk

TIMES = 20


@dataclass
class Form:
    """One form, ready to be sent: by whom, where to, and what, files as their bytes."""

    desk: Desk
    url: str
    fields: dict[str, Any]

    def send(self) -> tuple:
        """Send it as the browser of its desk would, on a connection of its own; all that is answered."""
        client = self.desk.client.application.test_client()
        client.set_cookie("session", self.desk.client.get_cookie("session").value)
        fields = {name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
                  for name, value in self.fields.items()}
        answer = client.post(self.url, data=fields, headers={"Referer": "http://localhost/admin/"})
        with client.session_transaction() as session:
            return answer.status_code, answer.location, session.get("_flashes"), answer.data

    def at_once(self, times: int = TIMES) -> list[tuple]:
        start = Barrier(times)

        def send(_: int) -> tuple:
            start.wait(10)
            return self.send()
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(send, range(times)))
