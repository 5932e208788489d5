"""Chinese by default, English by a switch: message ids are English, the catalogue is complete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, current_app, redirect, request, session
from flask_babel import Babel
from werkzeug.exceptions import HTTPException

from portal.settings import LOCALES, ROOT

TRANSLATIONS = ROOT / "portal" / "translations"


def init_app(app: Flask) -> None:
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(compiled(app.config["PORTAL"].data_dir / "translations"))
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Asia/Shanghai"
    Babel(app, locale_selector=chosen)
    app.add_url_rule("/language", "language", switch, methods=["POST"])
    app.jinja_env.globals.update(locale=chosen)


def compiled(*spare: Path) -> Path:
    """The folder of catalogues, compiled anew where the text is newer; *spare* if the checkout is read-only."""
    for folder in (TRANSLATIONS, *spare):
        try:
            for source in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"):
                _compile(source, folder / source.relative_to(TRANSLATIONS).with_suffix(".mo"))
            return folder
        except OSError:
            continue
    return TRANSLATIONS


def _compile(source: Path, target: Path) -> None:
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".half")
    with source.open("rb") as text, half.open("wb") as file:
        write_mo(file, read_po(text, locale=source.parts[-3]))
    half.replace(target)


def chosen() -> str:
    """The person's choice, else the setting."""
    return session.get("locale") if session.get("locale") in LOCALES else current_app.config["PORTAL"].locale


def switch():
    if request.form.get("locale") in LOCALES:
        session["locale"] = request.form["locale"]
    return redirect(local(request.form.get("next")) or "/")


def local(target: str | None) -> str | None:
    """A path on this host, or nothing."""
    safe = target and target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if safe else None


def came_from() -> str | None:
    """The page a form was sent from, if it can be asked for again: what answers a form only cannot."""
    back = local((request.referrer or "").removeprefix(request.host_url.rstrip("/")))
    return back if back and _readable(urlsplit(back).path) else None


def _readable(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path, "GET")
    except HTTPException:
        return False
    return True


def speaker(locale: str) -> Callable[[str], str]:
    """A translator for commands and jobs, which have no request."""
    return Translations.load(str(compiled()), [locale]).gettext
