"""The web server: waitress, whose own answers carry our headers and which hears out a body that is too large."""

from __future__ import annotations

import socket

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

from portal.headers import HEADERS, KEPT_NOWHERE

THREADS = 8
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
