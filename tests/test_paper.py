"""Paper: facts that must be there, characters that must print, nothing from outside, GB/T 9704 in millimetres."""

import hashlib
import io
import subprocess
import sys

import pdfplumber
import pytest
from fontTools.ttLib import TTFont

from exports import everyday, fonts, notices, pages, pdf
from models.words import Refusal

MM = 72 / 25.4
KEYS = sorted(notices.NOTICES)


def text_of(paper: bytes, *options: str) -> str:
    """What can be copied out of the PDF, without blanks and line breaks."""
    done = subprocess.run(["pdftotext", *options, "-", "-"], input=paper, capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def fonts_of(paper: bytes, tmp_path) -> str:
    (tmp_path / "paper.pdf").write_bytes(paper)
    return subprocess.run(["pdffonts", tmp_path / "paper.pdf"], capture_output=True, check=True, text=True).stdout


def opened(paper: bytes):
    return pdfplumber.open(io.BytesIO(paper))


def certification(**person):
    facts = notices.example("certification")
    return facts | {"person": facts["person"] | person}


@pytest.fixture(scope="module")
def examples() -> dict[str, bytes]:
    return {key: notices.draw(key, notices.example(key)) for key in KEYS}


# Facts

def declared_and_needed():
    for key in KEYS:
        for fact in notices.get(key).declared:
            if not fact.endswith("?") and "[]" not in fact and fact.count(".") < 2:
                top, _, leaf = fact.partition(".")
                if not (leaf and f"{top}?" in notices.get(key).declared):
                    yield key, top, leaf


@pytest.mark.parametrize(("key", "top", "leaf"), list(declared_and_needed()))
@pytest.mark.parametrize("absent", [None, "", "gone"])
def test_a_missing_fact_is_named(key, top, leaf, absent):
    facts = notices.example(key)
    holder, name = (facts[top], leaf) if leaf else (facts, top)
    if absent == "gone":
        del holder[name]
    else:
        holder[name] = absent
    with pytest.raises(Refusal, match=f"“{top}{'.' if leaf else ''}{leaf}”") as refusal:
        notices.get(key).html(facts)
    assert notices.get(key).title in str(refusal.value)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("change", [{"nmae": "王桂兰"}, {"office": {"fax": "1"}}])
def test_an_unknown_fact_is_refused(key, change):
    facts = notices.example(key)
    name, value = next(iter(change.items()))
    facts[name] = facts[name] | value if isinstance(value, dict) else value
    with pytest.raises(Refusal, match="knows no fact"):
        notices.get(key).html(facts)


@pytest.mark.parametrize(("key", "fact", "wrong"), [
    ("recovery", "number", None), ("recovery", "recover", "217.00"), ("recovery", "months", 3),
    ("recovery", "from_month", "2020-01"), ("recovery", "still_to_refund", "216.00"), ("back_pay", "back_pay", "1.00"),
    ("back_pay", "lines", []), ("back_pay", "lines", {}), ("sealing", "contacts", []),
    ("certification", "due_by", "31/10"), ("certification", "places", [1.5]),
    ("certification", "bring", "身份证"), ("sealing", "sealed_balance", 96.4), ("sealing", "sealed_balance", "96.4")])
def test_facts_at_odds_or_out_of_shape_are_refused(key, fact, wrong):
    with pytest.raises(Refusal):
        notices.draw(key, notices.example(key) | {fact: wrong})


def test_an_unknown_notice_is_refused():
    with pytest.raises(Refusal, match="no notice"):
        notices.draw("certificate", {})


# What it says

def test_months_alike_become_one_row(examples):
    text = text_of(examples["back_pay"])
    for told in ("2020年1月—2020年6月", "618.00", "2020年7月—2021年9月", "1,620.00", "105.00", "180.00",
                 "共21个月", "¥2,523.00", "人民币贰仟伍佰贰拾叁元整", "王桂兰", "赵春燕"):
        assert told in text


def test_a_gap_or_another_sum_starts_a_new_row():
    from exports.segments import segments
    lines = [{"month": month, "item": "basic", "difference": sum_, "basis": "b"} for month, sum_ in
             [("2020-12", "1.00"), ("2021-01", "1.00"), ("2021-03", "1.00"), ("2021-02", "2.00")]]
    assert [(row["from"], row["to"], row["months"], row["sum"]) for row in segments(lines)] == [
        ("2020-12", "2021-01", 2, "2.00"), ("2021-02", "2021-02", 1, "2.00"), ("2021-03", "2021-03", 1, "1.00")]


def test_an_unnamed_signer_leaves_a_line_to_sign():
    facts = notices.example("back_pay") | {"handler": None, "reviewer": None}
    assert "赵春燕" not in text_of(notices.draw("back_pay", facts))


def test_a_certification_notice_says_first_what_by_when_where_and_with_what(examples):
    text = text_of(examples["certification"])
    assert text.index("资格认证") < text.index("2021年10月31日") < text.index("磁窑村村委会") < text.index("本人身份证")
    assert "141120195003120426" not in text


@pytest.mark.parametrize("key", [key for key in KEYS if notices.get(key).for_people])
def test_what_people_get_is_large(examples, key):
    with opened(examples[key]) as paper:
        assert min(char["size"] for char in paper.pages[0].chars) >= 17.99


def longest(key):
    """Facts as long as they come: 25 hanzi of name, 30 of village, 60 of address, ten million yuan."""
    facts = notices.example(key)
    facts["person"] |= {"name": "阿卜杜热依木·" * 3 + "买买提江", "village": "天宁镇" + "磁" * 24 + "村"}
    facts["office"] |= {"phone": "0358-3520000-8001"}
    if key == "certification":
        return facts | {"places": ["磁" * 20 + "村村委会", "天宁镇便民服务中心"],
                        "bring": ["本人身份证", "社会保障卡", "户口簿"],
                        "agent": {"name": "阿卜杜热依木·买买提江", "phone": "13900000002"}}
    facts["office"] |= {"address": "交城县天宁镇" + "新" * 20 + "路12号",
                        "bank_account": "交城县农村信用合作联社天宁信用社 1411220000000000000"}
    for line in facts["lines"]:
        line["difference"] = "-2499999.99"
    return facts | {"party": "阿卜杜热依木·" * 3 + "买买提江", "recover": "9999999.96", "offset": "1111111.11",
                    "still_to_refund": "8888888.85"}


@pytest.mark.parametrize("key", [key for key in KEYS if notices.get(key).for_people])
def test_the_longest_facts_still_fit_their_pages(key):
    with opened(notices.draw(key, longest(key))) as paper:
        page = paper.pages[0]
        assert len(paper.pages) == notices.get(key).most_pages
        assert max(char["x1"] for char in page.chars) <= page.width - 17 * MM
        assert max(char["bottom"] for char in page.chars) <= page.height - 10 * MM
        assert "2021年9月19日" in page.extract_text()


def test_a_long_table_may_have_more_pages():
    facts = notices.example("recovery")
    line = facts["lines"][0]
    facts["lines"] = [line | {"month": f"20{year}-{month:02d}", "difference": f"-{100 + month}.00"}
                      for year in range(15, 20) for month in range(1, 13)]
    facts |= {"from_month": "2015-01", "to_month": "2019-12", "months": 60, "recover": "6390.00",
              "still_to_refund": "6290.00"}
    with opened(notices.draw("recovery", facts)) as paper:
        assert "送达回证" in paper.pages[-1].extract_text()
        assert "2021年9月19日" in paper.pages[0].extract_text()


def test_a_paper_that_outgrows_its_pages_is_refused():
    with pytest.raises(Refusal, match="fills 2 pages and may fill 1"):
        notices.draw("certification", notices.example("certification") | {"places": ["村委会" * 100]})


# Characters

@pytest.mark.parametrize("name", ["𬴂小明", "王䶮", "李𡃁", "镕喆堃", "㛃𫍽", "阿依古丽·买买提"])
def test_a_rare_name_is_printed_and_can_be_read_back(name):
    assert name in text_of(notices.draw("certification", certification(name=name)))


@pytest.mark.parametrize("name", ["王\ue000", "\U000f0001", "李\u202e三", "王\U0010ffff", "a\u200bb", "王\U00012000",
                                  "王\x07"])
def test_a_character_that_cannot_be_printed_is_named(name):
    bad = next(c for c in name if c not in "王李三ab")
    with pytest.raises(Refusal, match=f"U\\+{ord(bad):04X}"):
        notices.draw("certification", certification(name=name))
    assert pdf.missing_characters(f"王桂兰{name}{name}") == bad


def test_the_level_three_characters_of_gb_18030_have_glyphs():
    """U+3400–4DBF, 4E00–9FEF and the extensions B to F, where Hanazono and BabelStone are installed."""
    if fonts.lacking():
        pytest.skip("the fonts for rare characters are not installed")
    blocks = [(0x3400, 0x4DB5), (0x4E00, 0x9FEF), (0x20000, 0x2A6D6), (0x2A700, 0x2B734), (0x2B740, 0x2B81D),
              (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0)]
    assert pdf.missing_characters("".join(chr(c) for first, last in blocks for c in range(first, last + 1))) == ""


@pytest.mark.parametrize("key", KEYS)
def test_every_paper_is_set_in_chinese_type(examples, key, tmp_path):
    listed = fonts_of(examples[key], tmp_path).splitlines()[2:]
    assert listed
    assert all("Noto-S" in line or "Song" in line or "Hei" in line for line in listed), listed


def test_the_county_s_own_type_comes_first(tmp_path):
    whole = TTFont(io.BytesIO(everyday.cut(fonts._packaged("serif"))))
    for record in whole["name"].names:
        if record.nameID in (1, 4, 6, 16):
            record.string = "FangSong_GB2312"
    folder = tmp_path / "fonts"
    folder.mkdir()
    whole.save(folder / "simfang.ttf")
    (folder / "broken.ttf").write_bytes(b"no font")
    paper = pdf.render("<html lang=zh-CN><body class=official><p>交城县𬴂</p></body></html>", "通报", folder)
    assert "FangSong-GB2312" in fonts_of(paper, tmp_path).replace("_", "-")
    assert "交城县𬴂" in text_of(paper)


def test_without_debian_s_fonts_the_packaged_ones_serve(tmp_path):
    press = pdf.Press(fonts.stack(None, folders=()))
    assert len(press.stack.characters) > 27000
    html = notices.get("certification").html(certification(name="王喆"))
    assert "王喆" in text_of(press.draw(html))
    with pytest.raises(Refusal, match="U\\+2A6D6"):
        press.draw(html.replace("王喆", "\U0002a6d6"))


# Nothing wrong

@pytest.mark.parametrize("html", ["<p style='colour: red'>甲", "<img src='x.png'>", "<p style='width: 3 miles'>甲"])
def test_whatever_weasyprint_complains_of_is_refused(html):
    with pytest.raises(Refusal, match="not drawn"):
        pdf.render(f"<html><body>{html}</body></html>", "试")


# The file

def digest(paper: bytes) -> str:
    return hashlib.sha256(paper).hexdigest()


def test_the_same_facts_give_the_same_bytes_even_in_another_process(examples):
    program = ("import hashlib; from exports import notices; "
               "print(hashlib.sha256(notices.draw('recovery', notices.example('recovery'))).hexdigest())")
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                           cwd=pages.TEMPLATES.parent, env={"TZ": "America/New_York", "LANG": "C", "PATH": "/usr/bin"})
    again = notices.draw("recovery", notices.example("recovery"))
    assert other.stdout.strip() == digest(examples["recovery"]) == digest(again)


def test_a_batch_is_its_single_papers(examples):
    told = []
    facts = [notices.example("certification"), certification(name="𬴂小明"), notices.example("certification")]
    papers = notices.draw_many("certification", facts, progress=lambda done, total: told.append((done, total)))
    assert papers == [notices.draw("certification", each) for each in facts]
    assert papers[0] == papers[2] == examples["certification"]
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_one_bad_set_of_facts_stops_a_batch_before_it_starts():
    told = []
    with pytest.raises(Refusal):
        notices.draw_many("certification", [certification(), certification(name="")],
                          progress=lambda *numbers: told.append(numbers))
    assert not told


@pytest.mark.parametrize("key", KEYS)
def test_a_paper_knows_its_title_and_no_clock(examples, key):
    with opened(examples[key]) as paper:
        assert paper.metadata["Title"] == notices.get(key).chinese_title
        assert "CreationDate" not in paper.metadata
        assert b"zh-CN" in paper.doc.catalog["Lang"]


# GB/T 9704

def test_a_county_document_has_22_lines_of_28_characters():
    html = f"<html lang=zh-CN><body class=official><p style='text-indent: 0'>{'国' * 28 * 22 * 2}</p></body></html>"
    with opened(pdf.render(html, "版心")) as paper:
        assert len(paper.pages) == 2
        for page in paper.pages:
            body = [char for char in page.chars if char["text"] == "国"]
            lines = sorted({round(char["top"], 1) for char in body})
            assert len(lines) == 22
            assert len(body) == 22 * 28
            # The ink of a character stands in the middle of its line of 28.99 pt.
            picture = page.crop((27 * MM, 0, 185 * MM, 265 * MM)).to_image(resolution=144).original
            _, top, _, bottom = picture.convert("L").point(lambda grey: 255 * (grey < 128)).getbbox()
            height = (bottom - top) / 2 - 21 * 28.99
            assert top / 2 - (28.99 - height) / 2 == pytest.approx(37 * MM, abs=MM)
            assert bottom / 2 + (28.99 - height) / 2 == pytest.approx((37 + 225) * MM, abs=MM)
            assert min(char["x0"] for char in body) == pytest.approx(28 * MM, abs=MM)
            assert max(char["x1"] for char in body) == pytest.approx((28 + 156) * MM, abs=MM)


# The machine

def test_this_machine_lacks_nothing_or_is_told_what_to_install():
    assert all("apt install" in str(message) for message in pdf.doctor())


def test_a_machine_without_pango_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert "libpango" in str(pdf.doctor()[0])
    with pytest.raises(Refusal, match="pango"):
        pdf.Press(fonts.stack())
