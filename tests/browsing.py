"""What browser tests stand on: the portal's own processes on a free port, and people who each sit at a Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, ConsoleMessage, Download, Locator, Page, Response, expect, sync_playwright
from running import alive, descendants, until
from stages import beside

from portal.cli import main
from portal.doctor import APT
from portal.lifeline import die_with

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "Test-Pass-2021!"
DESK, TELEPHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
PATIENCE = 15_000  # milliseconds that Chromium waits for what a test expects
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, which `make test` brings. Fails, with the line that installs it, where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium", path="/usr/bin")
    if path is None:
        pytest.fail(f"The browser tests need Chromium, which is missing. Install it: {APT} chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Portal:
    """A portal in a folder of its own: its commands, and its processes while it is served."""

    def __init__(self, folder: Path):
        self.folder, self.log = folder, folder / "portal.log"
        self.address = f"http://127.0.0.1:{free_port()}"
        self.env = {
            "PORTAL_DATA_DIR": str(folder / "data"), "PORTAL_DATABASE_URL": beside(folder / "data"), "PORTAL_REDIS_URL": "",
            "PORTAL_LOCALE": "",
            "PORTAL_NOW": "2021-09-19T09:30:00+08:00", "PORTAL_ADMIN_PASSWORD": PASSWORD, "PORTAL_USER_PASSWORD": PASSWORD,
            "PORTAL_DEMO_PASSWORD": PASSWORD, "PORTAL_SECOND_FACTOR": "off", "PYTHONPATH": str(ROOT)}

    def run(self, *words: str, stdin: str = "") -> str:
        """What a command prints; it has to succeed."""
        ran = CliRunner().invoke(main, words, env=self.env, input=stdin, catch_exceptions=False)
        assert ran.exit_code == 0, f"portal {' '.join(words)}: {ran.stderr}"
        return ran.stdout

    def json(self, *words: str, stdin: str = "") -> dict[str, Any]:
        return json.loads(self.run(*words, "--json", stdin=stdin))

    def begin(self, command: str = "serve") -> None:
        """Start all its processes, without waiting for them."""
        parent, port = os.getpid(), self.address.rpartition(":")[2]
        with self.log.open("w") as log:
            self.group = subprocess.Popen(
                [sys.executable, "-m", "portal", command, "--port", port], env=os.environ | self.env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lambda: die_with(parent))

    def wait(self, seconds: float = 60) -> None:
        """Until it answers and all of it is well."""
        until(self._well, seconds)

    def end(self) -> None:
        """Ask it to end, as Ctrl-C does: the supervisor and everything it started are gone then."""
        processes = descendants(self.group.pid)
        self.group.terminate()
        try:
            assert self.group.wait(30) == 0, self.log.read_text()
            until(lambda: not any(map(alive, processes)), 5)
        finally:
            self.group.kill()
            self.group.wait()

    def _well(self) -> bool:
        assert self.group.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


class Person:
    """Somebody at a browser of their own, who uses what a page shows and notes whatever goes wrong behind it."""

    def __init__(self, browser: Browser, address: str, **options: Any):
        self.name, self.address = "nobody yet", address
        self.context = browser.new_context(base_url=address, **{"viewport": DESK, "locale": "zh-CN", **options})
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("request", lambda request: self._watch_request(request.url))
        self.page.on("console", self._watch_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))

    def _watch_request(self, url: str) -> None:
        if not url.startswith((self.address + "/", "data:", "blob:")):
            self.faults.append(f"a request to {url}")

    def _watch_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console, on {self.page.url}: {message.text}")

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        self.name = username
        self.page.goto("/")
        self.write("用户名", username)
        self.write("密码", password)
        self.press("登录")
        self.at("待办")

    def at(self, heading: str) -> None:
        """On the page of this heading, which is not broader than the screen."""
        expect(self.page.get_by_role("heading", level=1, name=heading, exact=True)).to_be_visible(timeout=PATIENCE)
        self.page.wait_for_load_state()
        assert self.overhang() <= 0, f"“{heading}” is {self.overhang()} pixels broader than the screen"

    def overhang(self) -> int:
        """By how many pixels the page is broader than the screen."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def sees(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE)

    def does_not_see(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.get_by_text(text)).to_have_count(0)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        self.button(name).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def enter(self, room: str) -> None:
        """A link of the menu, whatever number waits behind it."""
        menu = self.page.get_by_role("navigation", name="栏目")
        menu.get_by_role("link").filter(has_text=room).first.click()

    def write(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_role("combobox", name=label, exact=True).select_option(label=option)

    def pick(self, question: str, answer: str) -> None:
        """A radio button of a question."""
        self.page.get_by_role("group", name=question).get_by_label(answer, exact=True).check()

    def tick(self, *names: str) -> None:
        """The rows of these people."""
        for name in names:
            self.page.get_by_role("row").filter(has=self.page.get_by_role("link", name=name, exact=True)) \
                .get_by_role("checkbox").check()

    def attach(self, label: str, *files: Path | dict) -> None:
        self.page.get_by_role("button", name=label, exact=True).set_input_files(list(files))

    def tile(self, title: str) -> int:
        """The number that a tile of the home page shows, whether or not the page has its style yet."""
        tile = self.page.locator(".tile").filter(has_text=re.compile(rf"^\s*{title}"))
        return int(tile.locator("b").inner_text())

    def cells(self, table: str, row: str) -> list[str]:
        """The cells of a table's row, by a text that stands in it."""
        rows = self.page.get_by_role("region", name=table, exact=True).get_by_role("row")
        wanted = rows.filter(has_text=row)
        expect(wanted.first).to_be_visible(timeout=PATIENCE)
        return [text.strip() for text in wanted.locator("th, td").all_inner_texts()]

    def fetches(self, press: Callable[[], None]) -> tuple[str, bytes]:
        """The name and the bytes of the file that comes when something is pressed."""
        with self.page.expect_download() as coming:
            press()
        download: Download = coming.value
        return download.suggested_filename, Path(download.path()).read_bytes()

    def is_refused(self, url: str, status: int) -> None:
        """An address answers with this status, which Chromium's console tells as well."""
        answer: Response | None = self.page.goto(url)
        assert answer is not None
        assert answer.status == status, f"{url}: {answer.status}"
        self.forgive(status)

    def forgive(self, status: int) -> None:
        """Chromium tells every answer that is an error; this one was meant to be."""
        told = f"status of {status}"
        until(lambda: any(told in fault for fault in self.faults), 5)
        self.faults = [fault for fault in self.faults if told not in fault]


@contextmanager
def seats(browser: Browser, address: str, folder: Path) -> Iterator[Callable[..., Person]]:
    """Seats people; a test that fails leaves a picture of each screen in *folder*, and says where."""
    seated: list[Person] = []

    def seat(username: str = "", **options: Any) -> Person:
        person = Person(browser, address, **options)
        seated.append(person)
        if username:
            person.sign_in(username)
        return person

    try:
        yield seat
        for person in seated:
            assert person.faults == [], f"{person.name}: {person.faults}"
    except BaseException as error:
        for number, person in enumerate(seated, 1):
            picture = folder / f"screen-{number}-{person.name}.png"
            person.page.screenshot(path=picture, full_page=True)
            error.add_note(f"What {person.name} saw: {picture} ({person.page.url}; {person.faults})")
        raise
    finally:
        for person in seated:
            person.context.close()
