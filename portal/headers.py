"""What every answer tells the browser: scripts and styles from here only, no frames, nothing kept, HTTPS once and for all."""

from __future__ import annotations

from flask import Flask, Response, abort, current_app, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wsgi import host_is_trusted

# No page has a script or a style of its own inside, so there is nothing that a nonce could let through.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()",
}
KEPT_NOWHERE = {"Cache-Control": "no-store", "Vary": "Cookie"}
HTTPS_ONLY = "max-age=31536000; includeSubDomains"  # a year, in seconds
HERE = ("localhost", "127.0.0.1")  # the supervisor asks by these


class Cookies(SecureCookieSessionInterface):
    """Cookies that came over HTTPS go back over HTTPS only, and no other host may set them."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def get_cookie_name(self, app: Flask) -> str:
        name = super().get_cookie_name(app)
        return f"__Host-{name}" if request.is_secure else name


def init_app(app: Flask) -> None:
    app.session_interface = Cookies()
    app.before_request(_refuse_other_hosts)
    app.after_request(_add)


def _refuse_other_hosts() -> None:
    """With PORTAL_HOSTS set, a request that names another host is none of ours."""
    hosts = current_app.config["PORTAL"].hosts
    if hosts and not host_is_trusted(request.host, [*hosts, *HERE]):
        abort(400)


def _add(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.endpoint != "static" or response.status_code >= 400:
        response.headers.update(KEPT_NOWHERE)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = HTTPS_ONLY
    return response
