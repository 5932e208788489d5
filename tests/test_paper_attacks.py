"""Paper under attack: whatever is typed into whatever fact of whatever paper, it is printed and does nothing else."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import socket
import subprocess
from html.parser import HTMLParser

import pikepdf
import pytest

from exports import bulletins, notices, pages, pdf
from models.words import Refusal

SECRET = "XYZZY-4711"


def text_of(paper: bytes) -> str:
    """What can be copied out of the PDF, without blanks and line breaks."""
    done = subprocess.run(["pdftotext", "-", "-"], input=paper, capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


@pytest.fixture(scope="module")
def canary():
    """A listening port that nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def marker(tmp_path_factory):
    path = tmp_path_factory.mktemp("secret") / "marker.txt"
    path.write_text("绝密标记 XYZZY-4711")
    return path


PAYLOADS = [
    "<img src='{f}'>",
    "<img src='{h}'>",
    "<img srcset='{h} 2x'>",
    "<link rel=attachment href='{f}'>",
    "<link rel=attachment href='{h}'>",
    "<link rel=stylesheet href='{h}'>",
    "<link rel=stylesheet href='{f}'>",
    "<style>@import url({h});</style>",
    "<style>@import '{f}';</style>",
    "<style>body{{background:url({h})}}</style>",
    "<style>@font-face{{font-family:x;src:url({h})}} body{{font-family:x}}</style>",
    "<style>@font-face{{font-family:x;src:url({f})}}</style>",
    "<style>@page{{background:url({f})}}</style>",
    "<style>p::before{{content:url({h})}}</style>",
    "<style>li{{list-style-image:url({h})}}</style>",
    "<style>@color-profile --x{{src:url({h})}}</style>",
    "<p style='background:url({h})'>",
    "<p style='content:url({f})'>",
    "<svg><image href='{h}'/></svg>",
    "<svg><image xlink:href='{f}'/></svg>",
    "<svg><use href='{h}#a'/></svg>",
    "<svg><use xlink:href='{f}#a'/></svg>",
    "<svg><style>@import url({h});</style><rect width='9' height='9'/></svg>",
    "<svg><text>{f}</text></svg>",
    "<object data='{f}'>",
    "<object data='{h}' type='image/svg+xml'>",
    "<embed src='{f}'>",
    "<embed src='{h}'>",
    "<iframe src='{f}'></iframe>",
    "<iframe src='{h}'></iframe>",
    "<video poster='{h}'></video>",
    "<base href='{h}/'><img src='a.png'>",
    "<base href='file:///'><img src='etc/hostname'>",
    "<a rel=attachment href='{f}'>附件</a>",
    "<a href='{h}'>链接</a>",
    "<meta http-equiv=refresh content='0;url={h}'>",
    "<script src='{h}'></script>",
    "<img src='data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22><image href=%22{h}%22/></svg>'>",
    "<img src='app:../../etc/passwd'>",
    "<img src='app:fonts/0'>",
    "<img src='FILE://localhost{p}'>",
    "<img src='//{n}/x.png'>",
    "<math><mi href='{h}'>x</mi></math>",
    "<input type=image src='{h}'>",
    "</title><img src='{h}'>",
    "{{{{ 7 * 7 }}}}",
    "{{% include '{p}' %}}",
    "javascript:fetch('{h}')",
    "<style>@import url(ftp://{n}/x);</style>",
    "&lt;img src='{h}'&gt; &#60;img src={h}&#62;",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM '{f}'>]><x>&e;</x>",
]


def filled(payload, canary, marker):
    host = f"127.0.0.1:{canary.getsockname()[1]}"
    return payload.format(f=marker.as_uri(), h=f"http://{host}/x", p=marker, n=host)


def leaks(paper: bytes, tmp_path) -> list[str]:
    (tmp_path / "leak.pdf").write_bytes(paper)
    attached = subprocess.run(["pdfdetach", "-list", tmp_path / "leak.pdf"], capture_output=True, text=True).stdout
    found = [] if attached.startswith("0 embedded") else [attached]
    return found + [text for text in [text_of(paper)] if "XYZZY-4711" in text]


def called(canary) -> bool:
    try:
        canary.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_in_a_fact_is_printed_as_it_was_typed(payload, canary, marker, tmp_path):
    typed = filled(payload, canary, marker)
    facts = notices.example("sealing") | {"evidence": typed}
    facts["person"] |= {"name": typed, "village": typed, "township": typed, "sex": typed}
    facts["office"] |= {"name": typed}
    facts["campaign"] |= {"document_no": typed}
    facts["contacts"] = [{"on": "2021-09-10", "way": typed, "by": typed, "result": typed}]
    paper = notices.draw("sealing", facts)
    assert not leaks(paper, tmp_path)
    assert not called(canary)
    assert "".join(typed.split()) in text_of(paper)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_even_markup_that_slipped_through_reaches_nothing(payload, canary, marker, tmp_path):
    html = f"<html lang=zh-CN><body class=form><p>甲{filled(payload, canary, marker)}乙</p></body></html>"
    with contextlib.suppress(Refusal):
        assert not leaks(pdf.render(html, "试"), tmp_path)
    assert not called(canary)


def test_the_canary_would_notice(canary):
    socket.create_connection(canary.getsockname()).close()
    assert called(canary)


# Every free text of every paper

def _bulletin(facts: dict) -> str:
    told = bulletins._told(facts["standings"], facts["facts"])
    return pages.page("bulletins/ranking.html", told | {"imprint_alone": False})


def _bulletin_facts() -> dict:
    standings, facts = bulletins.example()
    return {"standings": standings, "facts": facts | {"recipients": "各乡", "requirements": ["按期清零。"]}}


PAPERS = {"ranking": (_bulletin_facts, _bulletin)} | {
    key: (lambda key=key: notices.example(key), notices.get(key).html) for key in notices.NOTICES}
A_FIELD = 10  # payloads at a time


def leaves(facts: object, path: tuple = ()) -> list[tuple]:
    """Paths of all texts; of a list, those of its first entry."""
    inside = facts.items() if isinstance(facts, dict) else list(enumerate(facts))[:1] if isinstance(facts, list) else ()
    return [path] if isinstance(facts, str) else [leaf for key, value in inside for leaf in leaves(value, (*path, key))]


def put(facts: dict, path: tuple, text: str) -> dict:
    facts = copy.deepcopy(facts)
    place = facts
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    return facts


def free(kind: str) -> list[tuple]:
    """The texts of a paper that may say anything: no date, no month, no sum, no word of a list."""
    made, html = PAPERS[kind]
    found = []
    for path in leaves(made()):
        with contextlib.suppress(Refusal, ValueError, KeyError):
            if "某甲乙丙丁" in html(put(made(), path, "某甲乙丙丁")):
                found.append(path)
    return found


class Seen(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.data = set(), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.add((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.data += data


def streams(paper: bytes) -> bytes:
    """Everything a PDF holds, unpacked."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(paper)) as document:
        document.save(out, qdf=True, stream_decode_level=pikepdf.StreamDecodeLevel.all)
    return out.getvalue()


ACTING = (b"/JavaScript", b"/Launch", b"/OpenAction", b"/EmbeddedFile", b"/URI", b"/GoToR", b"/Filespec", b"/AcroForm")


@pytest.mark.parametrize("kind", PAPERS)
def test_every_payload_in_every_free_text_reaches_nothing(kind, canary, marker, tmp_path):
    made, html = PAPERS[kind]
    fields, typed = free(kind), [" ".join(filled(payload, canary, marker).split()) for payload in PAYLOADS]
    known, put_in = Seen(html(made())).tags, 0
    for batch in range(0, len(typed), A_FIELD):
        facts, texts = made(), []
        for number, path in enumerate(fields):
            at = batch + number * A_FIELD
            texts.append(" ".join(typed[n % len(typed)] for n in range(at, at + A_FIELD)))
            facts = put(facts, path, texts[-1])
        text = html(facts)
        assert Seen(text).tags <= known
        for own in texts:
            assert "".join(own.split()) in "".join(Seen(text).data.split())
        paper = pdf.render(text)
        assert not leaks(paper, tmp_path)
        assert not called(canary)
        assert [word for word in (*ACTING, SECRET.encode()) if word in streams(paper)] == []
        put_in += len(fields) * A_FIELD
    print(f"\n{kind}: {len(typed)} payloads in {len(fields)} facts, {put_in} placed")
    assert len(fields) >= 8


def test_the_table_is_long_and_dates_and_sums_are_no_free_texts():
    assert len(PAYLOADS) >= 50
    assert ("person", "name") in free("sealing")
    assert ("issued_on",) not in free("sealing")
    assert ("recover",) not in free("recovery")
    assert json.dumps(free("ranking"))
