"""A portal of this process behind the real web server, for tests that need a socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from flask import Flask

from portal import server


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address it answers at, host and port."""
    listener = socket.create_server(("127.0.0.1", 0))
    serving = server.built(app, listener)

    def run() -> None:
        with suppress(OSError):  # closing takes the socket away from under the loop
            serving.run()
    thread = Thread(target=run, daemon=True)
    thread.start()
    yield "{}:{}".format(*listener.getsockname())
    serving.close()
    serving.task_dispatcher.shutdown(timeout=1)
    thread.join(1)  # connections that a client left open keep the loop until they time out
