"""What every answer tells the browser."""

from __future__ import annotations

from screening import Desk


def test_every_answer_tells_the_browser_what_is_safe(app, ids):
    desk = Desk(app, "county_clerk")
    stranger = Desk(app)
    urls = ["/", "/login", "/nothing", "/healthz", "/static/portal.css", "/static/none", "/admin/", "/admin/user/",
            "/admin/case/0/step", f"/admin/certificate/{ids['here']['certificate']}/download", "/admin/roster/template/roster"]
    for url in urls:
        for client in (desk.client, stranger.client):
            headers = client.get(url).headers
            policy = headers["Content-Security-Policy"]
            assert "unsafe" not in policy, url
            assert "frame-ancestors 'none'" in policy, url
            assert headers["X-Content-Type-Options"] == "nosniff", url
            assert headers["Cache-Control"] == ("no-cache" if url == "/static/portal.css" else "no-store"), url


def test_cookies_that_came_over_https_stay_there(app):
    for scheme, secure in (("http", False), ("https", True)):
        cookie = app.test_client().get("/login", base_url=f"{scheme}://localhost").headers["Set-Cookie"]
        assert ("Secure" in cookie) is secure
        assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
