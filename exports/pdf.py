"""The press: HTML in, PDF bytes out. With fonts.py and everyday.py the only file that knows WeasyPrint and fonts.

A paper that would come out wrong does not come out: a character without a glyph, a style WeasyPrint does not know, an
address that is not ours, each is a Refusal that says so (architecture decision 5). The same HTML gives the same bytes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from exports import fonts
from models.words import N_, Message, Refusal

STYLES = Path(__file__).parent.parent / "templates" / "paper"

_PANGO = "sudo apt install libpango-1.0-0 libpangoft2-1.0-0"
_SUBSET = "sudo apt install libharfbuzz-subset0"
# Without libharfbuzz-subset0 a paper takes eight seconds and is right all the same: doctor() tells, nothing is refused.
_HARMLESS = ("Using fontTools instead of HarfBuzz-Subset",)
# WeasyPrint's font map and its logger are shared by the process: one paper at a time.
_LOCK = threading.Lock()


def render(html: str, title: str | None = None, font_dir: Path | None = None, most_pages: int | None = None) -> bytes:
    """One PDF of one HTML text, with the HTML's own <title> unless *title* is given.

    More than *most_pages*, and it is set again with the class `tight` on its body. Raises Refusal when it is still too
    long, when a character cannot be printed, when WeasyPrint complains, when this machine has no pango.
    """
    return _press(font_dir).draw(html, title, most_pages)


def render_many(htmls: Sequence[str], progress: Callable[[int, int], None] | None = None,
                font_dir: Path | None = None, most_pages: Sequence[int | None] | None = None) -> list[bytes]:
    """A PDF of each HTML text, byte for byte what `render` gives; *progress* is called with (done, total).

    *most_pages*, where given, has an entry for each.

    Each is laid out alone. Laying a hundred out together and splitting the pages was measured and saves nothing:
    most of a paper's time goes into cutting its own subset of the fonts, and page numbers would run on.
    """
    papers = []
    for html, most in zip(htmls, most_pages or [None] * len(htmls), strict=True):
        papers.append(render(html, font_dir=font_dir, most_pages=most))
        if progress:
            progress(len(papers), len(htmls))
    return papers


def page_count(html: str, font_dir: Path | None = None) -> int:
    """How many pages *html* fills; nothing is drawn."""
    return _press(font_dir).page_count(html)


def missing_characters(text: str, font_dir: Path | None = None) -> str:
    """The characters of *text* that no font of the stack has, each once; private-use and format characters always."""
    return fonts.stack(font_dir).missing(text)


def doctor() -> list[Message]:
    """What this machine lacks for paper, each with the line that installs it; empty when all is well."""
    found = [Message(N_("Rare characters or good type are missing on paper. Install: {command}"),
                     {"command": f"sudo apt install {' '.join(packages)}"})
             for packages in [fonts.lacking()] if packages]
    try:
        _weasyprint()
    except Refusal:
        return [Message(N_("Nothing can be drawn on paper: pango is missing. Install: {command}"),
                        {"command": _PANGO}), *found]
    from weasyprint.text import ffi
    if not ffi.harfbuzz_subset:
        found.append(Message(N_("Each paper takes seconds instead of a tenth. Install: {command}"),
                             {"command": _SUBSET}))
    return found


class Press:
    """Fonts and styles of one machine, read once: filling WeasyPrint's font map takes longer than a paper."""

    def __init__(self, stack: fonts.Stack):
        self.weasyprint = _weasyprint()
        from weasyprint.text.fonts import FontConfiguration
        self.stack = stack
        self.fetcher = _fetcher(stack.files)
        self.font_config = FontConfiguration()
        sheets = [stack.css, *(path.read_text("utf-8") for path in sorted(STYLES.glob("*.css")))]
        with _unmarred():
            self.styles = [self.weasyprint.CSS(string=sheet, font_config=self.font_config, url_fetcher=self.fetcher)
                           for sheet in sheets]

    def draw(self, html: str, title: str | None = None, most_pages: int | None = None) -> bytes:
        """As `render`."""
        self.refuse_missing(html + (title or ""))
        with _unmarred():
            document = self._lay_out(html)
            if most_pages and len(document.pages) > most_pages:
                document = self._lay_out(html.replace('<body class="', '<body class="tight ', 1))
                _refuse_long(len(document.pages), most_pages)
            document.metadata.title = title or document.metadata.title
            # The identifier is a digest of the content, and no clock is asked: a reprint is the same file.
            return document.write_pdf(pdf_identifier=True)

    def page_count(self, html: str) -> int:
        """As `page_count`."""
        with _unmarred():
            return len(self._lay_out(html).pages)

    def refuse_missing(self, text: str) -> None:
        """Raise Refusal for the first character of *text* that no font has."""
        if missing := self.stack.missing(text):
            raise Refusal(N_("No font has the character “{character}” ({code}), so the paper was not drawn. "
                             "Correct it, or install a font that has it."),
                          character=missing[0], code=f"U+{ord(missing[0]):04X}")

    def _lay_out(self, html: str) -> Any:
        source = self.weasyprint.HTML(string=html, base_url="app:", url_fetcher=self.fetcher)
        return source.render(font_config=self.font_config, stylesheets=self.styles)


@lru_cache(maxsize=4)
def _press(font_dir: Path | None) -> Press:
    return Press(fonts.stack(font_dir))


def _refuse_long(pages: int, most: int) -> None:
    if pages > most:
        raise Refusal(N_("The paper fills {pages} pages and may fill {most}: shorten its longest texts."),
                      pages=pages, most=most)


@contextmanager
def _unmarred() -> Iterator[None]:
    """Refuse if anything is logged that a reader of the paper would have to be told."""
    complaints: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: complaints.append(record.getMessage())
    logger = logging.getLogger("weasyprint")
    with _LOCK:
        level = logger.level
        logger.setLevel(min(logger.getEffectiveLevel(), logging.WARNING))
        logger.addHandler(handler)
        try:
            yield
        except OSError as refused:      # WeasyPrint lets a refused address through as one in a corner or two
            if refused.errno:           # the machine's own
                raise
            complaints.append(str(refused))
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
    for complaint in complaints:
        if not complaint.startswith(_HARMLESS):
            raise Refusal(N_("The paper was not drawn, because it would not be right: {complaint}"),
                          complaint=complaint)


def _weasyprint() -> ModuleType:
    try:
        import weasyprint
    except (OSError, ImportError):     # OSError: its libraries are looked for at import
        raise Refusal(N_("This machine cannot draw paper: pango is missing. "
                         "“portal doctor” names the line that installs it.")) from None
    return weasyprint


def _fetcher(files: dict[str, Callable[[], bytes]]) -> Any:
    """A fetcher that knows our own files and opens nothing else: no file, no host, no data address."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OwnFiles(URLFetcher):
        def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
            if url not in files:
                # Said here as well, because WeasyPrint passes over some failures in silence.
                logging.getLogger("weasyprint").error("nothing from outside may be used: %s", url)
                raise ValueError(url)
            return URLFetcherResponse(url, files[url](), {"Content-Type": "font/otf"})

    return OwnFiles()
