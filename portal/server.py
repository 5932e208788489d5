"""The web server: waitress, whose own answers carry our headers, which hears out a body that is too large or finds no
place, and which waits where it can open no more connections.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask
from waitress.utilities import Error as Answer
from waitress.utilities import RequestEntityTooLarge

from portal import language, machine_faults
from portal.headers import HEADERS, KEPT_NOWHERE
from portal.machine_faults import fault_of, note

log = logging.getLogger("portal.server")

DEAF = 0.5  # seconds without a new connection after one that could not be taken
HEARS = 0.2  # seconds that one who is sent away gets to say what it wants
THREADS = 8
PATIENCE = 20.0             # seconds that requests in hand get when the server is told to stop
MOST = 64 * 1024 * 1024     # bytes of a body that are kept; the portal itself refuses half of it
HEARD = 1024 * 1024 * 1024  # bytes of a body that are heard out before it is refused


class Request(HTTPRequestParser):
    """A request. A body too large for us is read and thrown away, and the portal refuses its length by a page.

    A browser shows no answer before it has sent everything: closing at once would look to it like a broken line.
    """

    _unheard = 0

    def received(self, data: bytes) -> int:
        if self._unheard:
            heard = min(self._unheard, len(data))
            self._unheard -= heard
            self.completed = not self._unheard
            return heard
        try:
            taken = super().received(data)
        except OSError as error:  # large bodies lie in a temporary file
            return self._no_place(data, error)
        if isinstance(self.error, RequestEntityTooLarge) and not self.chunked and self.content_length <= HEARD:
            self.error, self.body_rcv = None, None
            if self.expect_continue:  # it asks before it sends, and is answered before it does
                self.expect_continue, self.headers["CONNECTION"] = False, "close"
            else:
                self._unheard, self.completed = self.content_length, False
        return taken

    def _no_place(self, data: bytes, error: OSError) -> int:
        """Hear out what could not be kept, and answer why."""
        fault = fault_of(error)
        if fault is None or self.chunked:
            raise error
        note(log, error, "a form of %s bytes found no place", self.content_length)
        left = self.content_length - self.body_bytes_received
        heard = min(left, len(data))
        self.error, self.body_rcv, self._unheard = NoPlace(fault), None, left - heard
        self.completed = not self._unheard
        return heard


class NoPlace(Answer):
    """The answer to a body that could not be kept: one sentence in Chinese, for nobody knows yet who asks."""

    def __init__(self, fault: machine_faults.Fault, frame: str = machine_faults.SENT):
        super().__init__(machine_faults.sentence(fault, frame).say(_chinese()))
        self.code = fault.status

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        return f"{self.code} Not saved", [("Content-Type", "text/plain; charset=utf-8")], self.body.encode()


class Error(ErrorTask):
    """What waitress answers by itself to a request that never reached the portal."""

    def execute(self) -> None:
        self.response_headers.extend((HEADERS | KEPT_NOWHERE).items())
        super().execute()


class Channel(HTTPChannel):
    parser_class, error_task_class = Request, Error

    @property
    def busy(self) -> bool:
        """Whether a request is coming in, in hand, or being answered."""
        return bool(self.requests or self.request is not None or self.total_outbufs_len)

    def readable(self) -> bool:
        return (self.server.accepting or self.busy) and super().readable()


class Server(TcpWSGIServer):
    """Where no file handle is left it answers by the one kept for that, and then takes no new connection for a while:
    to try at once again would keep the machine busy with nothing, and its log.
    """

    channel_class = Channel
    _deaf_until, _told = 0.0, False
    _spare: int | None = None

    def readable(self) -> bool:
        return super().readable() and time.monotonic() >= self._deaf_until

    def handle_accept(self) -> None:
        try:
            if self._spare is None:
                self._spare = os.open(os.devnull, os.O_RDONLY)
            taken = self.accept()
        except OSError as error:
            return self._cannot(error)
        self._told = False
        if taken:
            connection, address = taken
            self.set_socket_options(connection)
            Channel(self, connection, address, self.adj, map=self._map)
        return None

    def _cannot(self, error: OSError) -> None:
        if not self._told:
            note(log, error, "no new connection can be taken")
        self._told, fault = True, fault_of(error)
        if fault and self._spare is not None:
            os.close(self._spare)
            self._spare = None
            with suppress(OSError):
                _sent_away(self.socket.accept()[0], fault)
        self._deaf_until = time.monotonic() + DEAF


def _sent_away(connection: socket.socket, fault: machine_faults.Fault) -> None:
    """Tell a browser what is the matter, whatever it asks."""
    with connection:
        connection.settimeout(HEARS)
        asked = connection.recv(1 << 16)  # closing upon what nobody has read would look like a broken line
        frame = machine_faults.SENT if asked.startswith(b"POST") else machine_faults.ASKED
        status, headers, body = NoPlace(fault, frame).to_response()
        headers += [("Content-Length", str(len(body))), ("Connection", "close"), *(HEADERS | KEPT_NOWHERE).items()]
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {text}" for name, text in headers), "", ""]
        connection.sendall("\r\n".join(lines).encode() + body)


@cache
def _chinese() -> Callable[[str], str]:
    return language.speaker(language.LOCALES[0])


def built(app: Flask, listener: socket.socket, https: bool = False, proxies: int = 0) -> Server:
    """The server, ready to run. *https*: a proxy speaks HTTPS with the browsers; *proxies*: how many, on other machines."""
    _chinese()  # while its file can be opened
    adjustments = Adjustments(
        threads=THREADS, ident="", max_request_body_size=MOST, channel_timeout=60,
        url_scheme="https" if https else "http",
        # HTTPS ends at a proxy on this machine or at those that PORTAL_PROXIES counts; nobody else's word about it
        # or about the browser's address counts.
        trusted_proxy="*" if proxies else "127.0.0.1", trusted_proxy_count=proxies or 1,
        trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
        clear_untrusted_proxy_headers=True)
    return Server(app, _sock=listener, adj=adjustments, bind_socket=False,
                  sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()))


def run(server: Server) -> None:
    """Serve until SIGTERM or SIGINT comes; then take nothing new, and answer what has come by then."""
    told = False

    def stop(*_: object) -> None:
        nonlocal told
        told = True
        server.pull_trigger()  # it may be asleep
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while not told:
        wasyncore.loop(timeout=1, map=server._map, count=1)
    server.accepting, deadline = False, time.monotonic() + PATIENCE
    while time.monotonic() < deadline and any(channel.busy for channel in server.active_channels.values()):
        wasyncore.loop(timeout=0.1, map=server._map, count=1)
    server.task_dispatcher.shutdown(timeout=0)
