"""Everything the portal needs to know about its machine, read once from the environment."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from models.words import N_, Refusal

ROOT = Path(__file__).resolve().parent.parent
SHANGHAI = ZoneInfo("Asia/Shanghai")
LOCALES = ("zh_Hans_CN", "en")
MOST_WEBS = 4  # unless somebody says more: each takes 300 MB in the end


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Frozen settings. `redis_url` None: an embedded Redis; `now` None: the real clock."""

    data_dir: Path
    database_url: str
    redis_url: str | None = None
    now: datetime | None = None
    locale: str = "zh_Hans_CN"
    hosts: tuple[str, ...] = ()  # the names people may call the portal by; none given: any
    https: bool = False  # a proxy on this machine speaks HTTPS with the browsers
    proxies: int = 0  # how many in a row stand in front, on other machines; 0: none, or one on this machine
    second_factor: bool = True  # county posts sign in with a code from a phone as well
    demo: bool = False  # a password alone signs in, and every page says it is an exercise
    web_processes: int = 1  # how many answer browsers side by side: Python computes on one processor each
    backup_folder: Path | None = None  # better on another disk; None: in the data folder

    @classmethod
    def from_env(cls, **changes: object) -> Settings:
        """Read PORTAL_* variables. Raises Refusal for one that cannot be used."""
        data_dir = Path(os.environ.get("PORTAL_DATA_DIR") or ROOT / "var").absolute()
        values = dict(
            data_dir=data_dir,
            database_url=_database_url(os.environ.get("PORTAL_DATABASE_URL"), data_dir),
            redis_url=_redis_url(os.environ.get("PORTAL_REDIS_URL")),
            now=_moment(os.environ.get("PORTAL_NOW")),
            locale=_locale(os.environ.get("PORTAL_LOCALE")),
            hosts=tuple(os.environ.get("PORTAL_HOSTS", "").replace(",", " ").split()),
            https=_https(os.environ.get("PORTAL_HTTPS")),
            proxies=_count("PORTAL_PROXIES", 0),
            second_factor=_switch("PORTAL_SECOND_FACTOR"),
            web_processes=_count("PORTAL_WEB_PROCESSES", 1) or min(os.cpu_count() or 1, MOST_WEBS),
            backup_folder=Path(os.environ["PORTAL_BACKUPS"]).absolute() if os.environ.get("PORTAL_BACKUPS") else None,
        )
        return cls(**values | changes)

    @property
    def secret_key(self) -> str:
        """PORTAL_SECRET_KEY, or one made once and kept mode 0600 in the data folder."""
        return os.environ.get("PORTAL_SECRET_KEY") or _kept_secret(self.data_dir / "secret-key")

    def check_key(self) -> None:
        """Raises Refusal if sessions would be signed with what can be guessed."""
        if len(self.secret_key) < 16:
            raise Refusal(N_("PORTAL_SECRET_KEY is shorter than 16 characters: leave it out, and the portal makes one."))

    @property
    def files(self) -> Path:
        return self.data_dir / "files"

    @property
    def fonts(self) -> Path:
        """The county's own licensed fonts, first in the stack."""
        return self.data_dir / "fonts"

    @property
    def backups(self) -> Path:
        return self.backup_folder or self.data_dir / "backups"


def _database_url(url: str | None, data_dir: Path) -> str:
    if not url:
        return f"sqlite:///{data_dir / 'portal.sqlite'}"
    # SQLAlchemy's bare name would pick another driver on another release.
    for bare in ("postgres://", "postgresql://"):
        if url.startswith(bare):
            return "postgresql+psycopg://" + url.removeprefix(bare)
    if not url.startswith(("sqlite:", "postgresql+psycopg:")):
        raise Refusal(N_("PORTAL_DATABASE_URL has to start with sqlite: or postgresql:."))
    return url


def _redis_url(url: str | None) -> str | None:
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise Refusal(N_("PORTAL_REDIS_URL has to start with redis:, rediss: or unix:."))
    return url or None


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(N_("PORTAL_NOW is not an ISO 8601 date and time: {text}."), text=text) from None
    if not 1900 <= moment.year <= 2999:  # months end there too; a day before or after has to exist
        raise Refusal(N_("PORTAL_NOW has to lie between 1900 and 2999: {text}."), text=text)
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def _locale(text: str | None) -> str:
    if text and text not in LOCALES:
        raise Refusal(N_("PORTAL_LOCALE is one of {all}, not {text}."), all=", ".join(LOCALES), text=text)
    return text or LOCALES[0]


def _https(text: str | None) -> bool:
    if text and text != "proxied":
        raise Refusal(N_("PORTAL_HTTPS is “proxied” or left out, not {text}."), text=text)
    return bool(text)


def _count(variable: str, least: int) -> int:
    """A number of one digit; 0 where none is given. Raises Refusal for anything else."""
    text = os.environ.get(variable)
    if text and not (text.isascii() and text.isdigit() and len(text) == 1 and int(text) >= least):
        raise Refusal(N_("{variable} is a number from {least} to 9, not {text}."), variable=variable, least=least, text=text)
    return int(text or 0)


def _switch(variable: str) -> bool:
    """On unless it says off. Raises Refusal for anything else: a slip must not open a door."""
    text = os.environ.get(variable) or "on"
    if text not in ("on", "off"):
        raise Refusal(N_("{variable} is on or off, not {text}."), variable=variable, text=text)
    return text == "on"


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
