"""The supervisor: Redis, worker, schedule and web server as one process group that starts and ends together.

A child that ends is started again, a few times, Redis for ever, since all goes on
without it; at a signal all finish what they have in hand; kill -9 of the supervisor
ends all as well (portal.lifeline).
"""

from __future__ import annotations

import fcntl
import http.client
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import redis
from sqlalchemy.exc import SQLAlchemyError

from models.words import N_, Refusal
from portal import embedded
from portal.child import Child
from portal.doctor import at_head
from portal.processes import keep_schedule, listen, web, work
from portal.settings import Settings

__all__ = ["keep_schedule", "listen", "serve", "web", "work"]

log = logging.getLogger("portal.supervisor")

REDIS_STARTS = 15.0
ENDS = 25.0         # seconds the others get to finish what they have in hand, and then Redis:
REDIS_ENDS = 3.0
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 8000,
          announce: Callable[[str], None] = lambda address: print(address, flush=True)) -> None:
    """Run everything until a signal comes; *announce* is called once with the address when it answers.

    Raises Refusal if the port is taken, if the data folder is in use, if a process ends again and again.
    """
    _refuse_old(settings)
    with _alone(settings.data_dir), listen(host, port) as listener, _signals_held():
        children = _children(settings, listener)
        try:
            _start(children, settings)
            _watch(children, partial(_announced, listener, host, announce))
        finally:
            _end([child for child in children if child.name != "redis"], ENDS)
            _end([child for child in children if child.name == "redis"], REDIS_ENDS)


def _end(children: list[Child], seconds: float) -> None:
    """End some together: whoever takes long takes nobody else's time."""
    deadline = time.monotonic() + seconds
    for child in children:
        child.tell()
    for child in children:
        child.end(deadline - time.monotonic())


def _refuse_old(settings: Settings) -> None:
    try:
        current = at_head(settings)
    except SQLAlchemyError:
        raise Refusal(N_("The database does not answer: is it running, and is PORTAL_DATABASE_URL right?")) from None
    if not current:
        raise Refusal(N_("The database has not the newest schema: run `portal init` first."))


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """One supervisor for a data folder. Raises Refusal for a second one."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(N_("The portal already runs on the data folder {folder}: stop it first, or set another "
                             "PORTAL_DATA_DIR."), folder=str(data_dir)) from None
        yield


@contextmanager
def _signals_held() -> Iterator[None]:
    """Signals wait until `_watch` asks for them, so none can come between two lines."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*_STOP, signal.SIGCHLD})
    try:
        yield
    finally:
        # One that came too late to be asked for shall not strike after all has ended.
        while signal.sigtimedwait({*_STOP, signal.SIGCHLD}, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _children(settings: Settings, listener: socket.socket) -> list[Child]:
    variables = environment(settings)
    ours = [sys.executable, "-m", "portal.processes"]
    demo = ["--demo"] if settings.demo else []
    children = [
        Child("worker", [*ours, "worker", *demo], variables),
        Child("schedule", [*ours, "schedule", *demo], variables),
        *(Child("web", [*ours, "web", "--descriptor", str(listener.fileno()), *demo], variables,
                descriptors=(listener.fileno(),)) for _ in range(settings.web_processes))]
    if settings.redis_url is None:
        server = embedded.command(settings.data_dir)
        children.insert(0, Child("redis", server, variables, vital=False,
                                 before=lambda: embedded.command(settings.data_dir)))
    return children


def environment(settings: Settings) -> dict[str, str]:
    """The variables by which a child reads the same settings."""
    values = {
        "PORTAL_DATA_DIR": str(settings.data_dir), "PORTAL_DATABASE_URL": settings.database_url,
        "PORTAL_REDIS_URL": settings.redis_url or embedded.url(settings.data_dir), "PORTAL_LOCALE": settings.locale,
        "PORTAL_NOW": settings.now.isoformat() if settings.now else "", "TZ": "Asia/Shanghai",
    }
    root = str(Path(__file__).resolve().parent.parent)
    return os.environ | values | {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}


def _start(children: list[Child], settings: Settings) -> None:
    """Start all in order, the others once the embedded Redis answers."""
    for child in children:
        child.start()
        if child.name == "redis" and not _answers(child, settings):
            _end([child], REDIS_ENDS)
            embedded.set_aside(settings.data_dir)
            child.start()
            if not _answers(child, settings):
                raise Refusal(N_("The embedded Redis did not start; {log} says why."),
                              log=str(embedded.folder(settings.data_dir) / "log"))


def _answers(child: Child, settings: Settings) -> bool:
    deadline = time.monotonic() + REDIS_STARTS
    client = redis.Redis.from_url(embedded.url(settings.data_dir), socket_timeout=1)
    while time.monotonic() < deadline and child.process.poll() is None:
        with suppress(redis.RedisError):
            return client.ping()
        time.sleep(0.02)
    return False


def _watch(children: list[Child], announced: Callable[[], bool]) -> None:
    """Look after the children until a signal to stop comes."""
    told = False
    while True:
        caught = signal.sigtimedwait({*_STOP, signal.SIGCHLD}, 0.5 if told else 0.1)
        if caught and caught.si_signo in _STOP:
            return
        for child in children:
            child.look_after()
        told = told or announced()


def _announced(listener: socket.socket, host: str, announce: Callable[[str], None]) -> bool:
    """Whether the web server answers by now; if so, its address is told."""
    port = listener.getsockname()[1]
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(own, port, timeout=0.5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    announce(f"http://{f'[{own}]' if ':' in own else own}:{port}/")
    return True
