"""What each process of the portal does: web server, worker, schedule.

`python -m portal.processes web|worker|schedule` is how the supervisor starts them.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

import redis

from models.words import N_, Refusal
from portal import bell, drawing, logs, schedule, scratch
from portal.machine_faults import fault_of, note
from portal.settings import Settings

log = logging.getLogger("portal")

ANEW = 5  # seconds
SHARES = 0.001  # seconds that one thread computes before others get their turn: a workbook of thousands takes many
YIELDS = 5  # how far those who work in the background step back from those whom somebody waits for (nice)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0: any free one. Raises Refusal if the port is taken or not ours to take."""
    listener = None
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(256)
    except (OSError, OverflowError) as error:
        if listener is not None:
            listener.close()
        raise _cannot_listen(error, host, port) from None
    return listener


def _cannot_listen(error: Exception, host: str, port: int) -> Refusal:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return Refusal(N_("Port {port} is taken by another program: choose another with --port."), port=port)
    if getattr(error, "errno", None) == errno.EACCES:
        return Refusal(N_("Port {port} is open to the system administrator only: choose one above 1023 with --port."),
                       port=port)
    return Refusal(N_("Nobody can be served at {host}, port {port}: {reason}."), host=host, port=port,
                   reason=str(error))


def web(settings: Settings, host: str = "127.0.0.1", port: int = 8000, listener: socket.socket | None = None) -> None:
    """Serve the screens until told to stop. Raises Refusal if the port is taken."""
    from portal import create_app, refusals, server
    listener = listener or listen(host, port)
    app = create_app(settings)
    refusals.warm_up(app)
    sys.setswitchinterval(SHARES)
    server.run(server.built(app, listener, settings.https, settings.proxies))


def work(settings: Settings) -> None:
    """Carry out what the bell rings for until told to stop. Raises Refusal if no Redis is known."""
    from portal import create_app
    app = create_app(settings)
    drawing.warm_up()
    with app.app_context():
        while not _work_once(settings):
            pass


def _work_once(settings: Settings) -> bool:
    """Work until told to stop (True) or until Redis was lost (False)."""
    _stop_at_once()
    worker = bell.worker(settings, _patiently(settings))
    worker.work(logging_level="WARNING")
    return worker.stopping


def _patiently(settings: Settings) -> redis.Redis:
    """A connection to Redis, waited for while it is known and does not answer."""
    told = False
    while True:
        connection = _redis(settings)
        try:
            connection.ping()
            return connection
        except redis.RedisError as error:
            if not told:
                log.warning("waiting for Redis (%s)", type(error).__name__)
            told = True
            time.sleep(1)


def _redis(settings: Settings) -> redis.Redis:
    where = bell.address(settings)
    if where is None:
        raise Refusal(N_("There is no Redis to work for: set PORTAL_REDIS_URL, or run `portal serve`, which brings "
                         "its own."))
    return redis.Redis.from_url(where, socket_connect_timeout=5)


def keep_schedule(settings: Settings) -> None:
    """Sweep, and have the week's bulletin made, until told to stop."""
    from portal import create_app
    schedule.keep(create_app(settings))


def _run_web(settings: Settings, descriptor: int | None) -> None:
    web(settings, listener=socket.socket(fileno=os.dup(descriptor)) if descriptor is not None else None)


def _stop_at_once() -> None:
    """End by an exception where the process is, so that a transaction under way is rolled back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _outlasting(run: Callable[[], None]) -> None:
    """Begin again, after a while, what a fault of the machine has ended: it is over one day, and nobody starts us then."""
    while True:
        try:
            scratch.clear()
            with scratch.folder():
                return run()
        except Exception as error:
            if fault_of(error) is None:
                raise
            note(log, error, "this process begins anew")
        time.sleep(ANEW)


def main(arguments: list[str] | None = None) -> int:
    """One process of the supervisor's group."""
    parser = argparse.ArgumentParser(prog="python -m portal.processes")
    parser.add_argument("what", choices=("web", "worker", "schedule"))
    parser.add_argument("--descriptor", type=int, help="of the socket the supervisor listens on")
    parser.add_argument("--demo", action="store_true")
    given = parser.parse_args(arguments)
    logs.set_up(given.what)
    _stop_at_once()
    try:
        settings = Settings.from_env(demo=given.demo)
        if given.what != "web":
            os.nice(YIELDS)
        _outlasting({"web": lambda: _run_web(settings, given.descriptor), "worker": lambda: work(settings),
                     "schedule": lambda: keep_schedule(settings)}[given.what])
    except Refusal as refusal:
        log.error("%s", refusal)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
