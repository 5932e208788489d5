"""What every answer tells the browser, whoever gives it: the portal, its errors, waitress before a request reached it."""

from __future__ import annotations

import http.client
import re
import socket
from collections import Counter
from contextlib import closing

import pytest
import serving
from click.testing import CliRunner
from factories import PASSWORD
from flask import abort
from peopled import office
from screening import Desk
from stages import beside

from portal import headers
from portal.cli import main
from portal.headers import HEADERS

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
MB = 1 << 20


def lacking(answer, url: str, static: bool = False) -> list[str]:
    """The headers that an answer lacks or has otherwise than it should."""
    wanted = HEADERS | ({} if static else {"Cache-Control": "no-store"})
    found = [f"{url}: {name}" for name, value in wanted.items() if answer.headers.get(name) != value]
    return found + [f"{url}: Vary"] * (not static and "Cookie" not in answer.headers.get("Vary", ""))


def test_the_policy_lets_in_nothing_inline_and_nothing_from_elsewhere():
    assert "unsafe" not in headers.POLICY
    assert "http" not in headers.POLICY
    for directive in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
                      "base-uri 'none'", "form-action 'self'", "object-src 'none'"):
        assert directive in headers.POLICY.split("; ")


@pytest.mark.parametrize("username", [None, "county_admin", "township-141122100"])
def test_every_answer_of_every_address_carries_them(portal, username):
    client, statuses = Desk(portal, username).client, Counter()
    for rule in portal.url_map.iter_rules():
        for url in {re.sub("<[^>]+>", "1", rule.rule), re.sub("<[^>]+>", "%00x", rule.rule)}:
            for method in METHODS:
                if (rule.rule, method) != ("/logout", "POST"):
                    answer = client.open(url, method=method)
                    statuses[answer.status_code] += 1
                    assert lacking(answer, f"{method} {url}", "/static/" in url and answer.status_code < 400) == []
    print(f"\nheaders of {sum(statuses.values())} answers: {dict(statuses)}")
    assert {200, 302, 400, 404} <= set(statuses)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503])
def test_every_error_carries_them(portal, status):
    portal.view_functions["healthz"] = lambda: abort(status)
    answer = portal.test_client().get("/healthz")
    assert answer.status_code == status
    assert lacking(answer, "/healthz") == []


def test_what_nobody_expected_and_what_is_too_large_carry_them(portal):
    portal.view_functions["healthz"] = lambda: 1 / 0
    client = portal.test_client()
    for answer, status in ((client.get("/healthz"), 500), (client.post("/login", data={"x": "1" * 33 * MB}), 413),
                           (client.get("/static/portal.css"), 200), (client.get("/static/none"), 404)):
        assert answer.status_code == status
        assert lacking(answer, answer.request.path, status == 200) == []


def test_over_https_cookies_belong_to_this_host_and_it_alone(portal):
    plain, safe = (portal.test_client().get("/login", base_url=f"{scheme}://localhost") for scheme in ("http", "https"))
    assert plain.headers["Set-Cookie"].startswith("session=")
    assert "Strict-Transport-Security" not in plain.headers
    assert "Secure" not in plain.headers["Set-Cookie"]
    cookie = safe.headers["Set-Cookie"].split("; ")
    assert cookie[0].startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie)
    assert not [part for part in cookie if part.startswith("Domain")]
    age, subdomains = safe.headers["Strict-Transport-Security"].split("; ")
    assert (int(age.removeprefix("max-age=")) >= 365 * 24 * 3600, subdomains) == (True, "includeSubDomains")


def test_somebody_signs_in_over_https(portal):
    client = portal.test_client()
    page = client.get("/login", base_url="https://localhost").text
    form = {"username": "auditor", "password": PASSWORD, "csrf_token": re.search(r'csrf_token" value="([^"]+)', page)[1]}
    signed = client.post("/login", base_url="https://localhost", data=form, headers={"Referer": "https://localhost/login"})
    assert signed.status_code == 302
    assert client.get("/admin/", base_url="https://localhost").status_code == 200
    assert client.get("/admin/", base_url="http://localhost").status_code == 302


@pytest.mark.parametrize(("host", "status"), [
    ("portal.example", 200), ("portal.example:8443", 200), ("127.0.0.1:8000", 200), ("localhost", 200), ("evil.example", 400),
    ("portal.example.evil.example", 400), ("x.portal.example", 400), ("portal.example@evil.example", 400), ("a b", 400)])
def test_with_names_set_no_other_is_answered(database, tmp_path, host, status):
    app = office(database, tmp_path, hosts=("portal.example",))
    answer = app.test_client().get("/login", headers={"Host": host})
    assert answer.status_code == status
    assert lacking(answer, host) == []


# On the wire

@pytest.fixture
def address(portal):
    """The portal behind its real web server."""
    with serving.served(portal) as address:
        host, _, port = address.partition(":")
        yield host, int(port)


def said(address, request: bytes) -> http.client.HTTPResponse:
    """The answer to bytes as they stand."""
    connection = socket.create_connection(address, 10)
    connection.sendall(request)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer


@pytest.mark.parametrize(("request_line", "status"), [
    (b"GET /login HTTP/1.1\r\nHost: x\r\n\r\n", 200), (b"GET /login HTTP/1.0\r\n\r\n", 200),
    (b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n", 431),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501)])
def test_what_waitress_answers_by_itself_carries_them_and_names_no_program(address, request_line, status):
    answer = said(address, request_line)
    assert answer.status == status
    assert lacking(answer, str(request_line[:40])) == []
    assert answer.getheader("Server") is None
    assert b"waitress" not in answer.read().lower()


@pytest.mark.parametrize("size", [33, 65, 200])
def test_a_body_that_is_too_large_is_answered_by_a_page(address, size):
    with closing(http.client.HTTPConnection(*address, timeout=60)) as connection:
        for path in ("/login", "/admin/roster/new/"):
            connection.request("POST", path, body=bytes(size * MB), headers={"Content-Type": "multipart/form-data; boundary=x"})
            answer = connection.getresponse()
            assert answer.status == 413
            assert lacking(answer, path) == []
            assert "文件超过 32 MB" in answer.read().decode()


def test_who_asks_before_sending_is_told_at_once(address):
    answer = said(address, b"POST /login HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
    assert (answer.status, answer.getheader("Connection")) == (413, "close")


# Being started in the open

@pytest.mark.parametrize(("host", "https", "warned"), [
    ("127.0.0.1", "", False), ("0.0.0.0", "", True), ("0.0.0.0", "proxied", False)])
def test_a_start_in_the_open_without_https_is_warned_of(tmp_path, host, https, warned):
    env = {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_ADMIN_PASSWORD": "Portal-2021-go", "PORTAL_HTTPS": https,
           "PORTAL_DATABASE_URL": beside(tmp_path), "PORTAL_REDIS_URL": "", "PORTAL_LOCALE": ""}
    CliRunner().invoke(main, ["init"], env=env, catch_exceptions=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        started = CliRunner().invoke(main, ["serve", "--host", host, "--port", port], env=env, catch_exceptions=False)
    assert ("明文" in started.stderr) is warned
    assert started.exit_code == 1  # for the port is taken
