"""Whole numbers in pages and files, and what the names and the content of uploads can do."""

from __future__ import annotations

import io
from urllib.parse import quote

import pytest
from factories import PASSWORD, TIANNING
from peopled import TOWN, scan
from screening import Desk, looking
from sqlalchemy import select

from access.knocking import LOGS, changed, kept, unpacked
from access.test_leaks import crawled
from models.base import db
from models.case import Case, Person
from models.certificate import Certificate


def test_no_page_and_no_export_holds_a_whole_number(app):
    with looking(app):
        numbers = list(db.session.scalars(select(Person.id_number)))
    assert len(numbers) == 24
    for post in ("auditor", TOWN):
        desk = Desk(app, post)
        for url, text in crawled(desk, most=70):
            found = [number for number in numbers if number in text or number in url]
            assert found == [], (post, url)
        for url in ("/admin/settlement/export", "/admin/handing/export", f"/admin/handing/villages?township={TIANNING}"):
            answer = desk.post(url)
            assert answer.status_code in (200, 403), url
            assert [number for number in numbers if any(number in text for text in unpacked(answer.data))] == [], (post, url)


def test_an_id_number_typed_for_a_user_name_stays_out_of_the_trail(app):
    desk = Desk(app)
    desk.get("/login")
    desk.post("/login", username="142322195003121233", password=PASSWORD)
    assert not [row for row in kept(app)["audit_entry"] if "142322195003121233" in str(row)]
    assert "142322195003121233" not in Desk(app, "auditor").get("/admin/audit/").text


@pytest.mark.parametrize(("name", "kept_as"), [
    ("../../../etc/passwd.png", "passwd.png"), ("a\x01b\u202e.png", "ab.png"), ("户籍 注销.png", "户籍 注销.png"),
    ("n" * 300 + ".png", "n" * 110 + ".png"), ("<b>.png", "<b>.png"), ("a;b=c.png", "a;b=c.png")])
def test_names_of_files_reach_neither_the_disk_nor_a_header_unquoted(app, ids, name, kept_as):
    desk, folder = Desk(app, TOWN), app.config["PORTAL"].data_dir
    with looking(app):
        version = str(db.session.get(Case, ids["here"]["case"]).version)
    before = {path for path in folder.parent.rglob("*") if path.is_file()}
    url = f"/admin/case/{ids['here']['case']}/attach"
    content = scan() + name.encode("utf-8", "replace")
    assert desk.post(url, {"version": version, "proof-other": (io.BytesIO(content), name)}).status_code == 302
    with looking(app):
        newest = db.session.scalars(select(Certificate).order_by(Certificate.id.desc())).first()
        assert newest.name == kept_as
        file = desk.post(f"/admin/certificate/{newest.id}/download")
    assert file.data == scan()  # what was hidden behind the picture is gone
    assert file.headers["Content-Disposition"].startswith("attachment; ")
    assert file.headers["Content-Disposition"].endswith(f"filename*=UTF-8''{quote(kept_as, safe='')}")
    new = {path for path in folder.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(folder / "files") or "translations" in path.parts for path in new)


@pytest.mark.parametrize("content", [
    b"", b"<html><script>alert(1)</script>", b"MZ", b"PK\x03\x04", b"<svg onload='x'/>", b"%PDF-" + b"x" * 11_000_000,
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\1\0\0\0\0"], ids=range(7))
def test_what_is_no_scan_is_not_kept(app, ids, content):
    desk, before = Desk(app, TOWN), kept(app, *LOGS)
    with looking(app):
        version = str(db.session.get(Case, ids["here"]["case"]).version)
    answer = desk.post(f"/admin/case/{ids['here']['case']}/attach", {
        "version": version, "proof-other": (io.BytesIO(content), "扫描.pdf")})
    assert answer.status_code == 422
    assert changed(before, kept(app, *LOGS)) == []
