"""Chinese by default, English by a switch: message ids are English, the catalogue is complete."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, current_app, redirect, request, session
from flask_babel import Babel, gettext

from models.words import Message, Refusal
from portal.settings import LOCALES, ROOT

TRANSLATIONS = ROOT / "portal" / "translations"


def init_app(app: Flask) -> None:
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Asia/Shanghai"
    Babel(app, locale_selector=chosen)
    app.add_url_rule("/language", "language", switch, methods=["POST"])
    app.jinja_env.globals.update(say=say, locale=chosen)


def chosen() -> str:
    """The person's choice, else the setting."""
    return session.get("locale") if session.get("locale") in LOCALES else current_app.config["PORTAL"].locale


def switch():
    if request.form.get("locale") in LOCALES:
        session["locale"] = request.form["locale"]
    back = request.form.get("next", "/")
    return redirect(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")


def say(words: str | Message | Refusal | None) -> str:
    """A message id, a Message or a Refusal in the language of the request."""
    if words is None:
        return ""
    return words.say(translate) if isinstance(words, Message | Refusal) else translate(words)


def translate(message: str) -> str:
    # gettext formats with %, and ours are formatted by Message: so a bare lookup.
    return gettext(message) if message else ""


def speaker(locale: str) -> Callable[[str], str]:
    """A translator for commands and jobs, which have no request."""
    from babel.support import Translations
    return Translations.load(str(TRANSLATIONS), [locale]).gettext
