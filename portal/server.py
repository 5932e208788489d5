"""The web server: waitress, whose own answers carry our headers and which hears out a body that is too large."""

from __future__ import annotations

import signal
import socket
import time

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

from portal.headers import HEADERS, KEPT_NOWHERE

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
        taken = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge) and not self.chunked and self.content_length <= HEARD:
            self.error, self.body_rcv = None, None
            if self.expect_continue:  # it asks before it sends, and is answered before it does
                self.expect_continue, self.headers["CONNECTION"] = False, "close"
            else:
                self._unheard, self.completed = self.content_length, False
        return taken


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


def built(app: Flask, listener: socket.socket, https: bool = False, proxies: int = 0) -> BaseWSGIServer:
    """The server, ready to run. *https*: a proxy speaks HTTPS with the browsers; *proxies*: how many, on other machines."""
    server = create_server(
        app, sockets=[listener], threads=THREADS, ident="", max_request_body_size=MOST, channel_timeout=60,
        url_scheme="https" if https else "http",
        # HTTPS ends at a proxy on this machine or at those that PORTAL_PROXIES counts; nobody else's word about it
        # or about the browser's address counts.
        trusted_proxy="*" if proxies else "127.0.0.1", trusted_proxy_count=proxies or 1,
        trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
        clear_untrusted_proxy_headers=True)
    server.channel_class = Channel
    return server


def run(server: BaseWSGIServer) -> None:
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
