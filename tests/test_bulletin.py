"""The circulated ranking: who is named, what the table says, where it stands on the page."""

import io
import re
import subprocess

import pdfplumber
import pytest

from exports import bulletins, pages
from models.words import Refusal

MM = 72 / 25.4


def row(name, stock, cleared, rank, **more):
    rate = f"{cleared * 100 / stock:.1f}" if stock else None
    return {"rank": rank, "code": "141122100", "name": name, "stock": stock,
            "verified": stock, "verified_rate": rate and "100.0", "cleared": cleared, "cleared_rate": rate,
            "outstanding": stock - cleared, "overdue": 0, "added": 0, "rank_before": None} | more


def named(rows):
    return tuple([row["name"] for row in part] for part in bulletins.ahead_and_behind(rows))


def drawn(standings=None, **facts):
    example, known = bulletins.example()
    return pdfplumber.open(io.BytesIO(bulletins.draw(standings or example, known | facts)))


def text_of(paper) -> str:
    """All pages as one text, without blanks and page numbers."""
    bodies = [page.crop((0, 0, page.width, 264 * MM)).extract_text() for page in paper.pages]
    return "".join("".join(bodies).split())


@pytest.fixture(scope="module")
def paper():
    return drawn()


def test_three_are_praised_and_three_are_named_behind():
    rows = [row(f"{n}", 100, 100 - n, n) for n in range(1, 9)]
    assert named(rows) == (["1", "2", "3"], ["6", "7", "8"])


def test_fewer_townships_name_fewer():
    assert named([row("甲", 10, 9, 1), row("乙", 10, 8, 2), row("丙", 10, 7, 3)]) == (["甲"], ["丙"])
    assert named([row("甲", 10, 9, 1)]) == (["甲"], [])
    assert named([]) == ([], [])
    assert named([row("甲", 0, 0, None)]) == ([], [])


def test_ties_are_named_together_and_nobody_twice():
    rows = [row("甲", 10, 9, 1), *(row(name, 10, 8, 2) for name in "乙丙丁"), row("戊", 10, 7, 5), row("己", 10, 6, 6)]
    assert named(rows) == (["甲", "乙", "丙", "丁"], ["戊", "己"])
    assert named([row(name, 10, 5, 1) for name in "甲乙丙丁"]) == (["甲", "乙", "丙", "丁"], [])


def test_nothing_cleared_is_not_praised_and_nothing_left_is_not_blamed():
    assert named([row(name, 10, 0, 1) for name in "甲乙"]) == ([], [])
    assert named([row("甲", 10, 10, 1), row("乙", 20, 20, 2)]) == (["甲"], [])


def test_the_report_says_what_the_standings_say(paper):
    text = text_of(paper)
    for told in ("交城县人力资源和社会保障局文件", "交人社字〔2021〕90号", "各乡（镇）人民政府：", "截至2021年10月8日",
                 "存量暂停领取待遇人员573人", "核实率94.9%", "清零率77.3%", "未清零130人，其中超期27人",
                 "庞泉沟镇（清零率97.8%", "夏家营镇（清零率61.5%", "东坡底乡没有存量，不参加排名", "386,240.00元",
                 "2021年10月31日前存量全部清零", "核实率＝已核实÷存量", "名次并列", "2（↑1）", "1（↓1）", "3（平）",
                 "抄送：县人民政府办公室，市人力资源和社会保障局。", "2021年10月11日印发"):
        assert told in text, told


def test_the_table_repeats_the_standings(paper):
    table = paper.pages[-1].extract_table()
    standings, _ = bulletins.example()
    assert "".join(table[0]) == "排名乡镇存量已核实核实率已清零清零率未清零超期新增上期排名"
    for told, row_ in zip(table[1:], standings["rows"], strict=False):
        assert told[1:4] == [row_["name"], str(row_["stock"]), str(row_["verified"])]
    assert table[-2] == ["—", "东坡底乡", "0", "0", "—", "0", "—", "0", "0", "1", "—"]
    assert table[-1][2] == "573"


def test_it_is_about_nobody(paper):
    assert not re.search(r"\d{15}|\d{17}[\dX]", text_of(paper))


def test_head_rule_and_imprint_stand_where_gb_t_9704_puts_them(paper):
    first, last = paper.pages[0], paper.pages[-1]
    red = [char for char in first.chars if char["non_stroking_color"] and char["non_stroking_color"][0] > 0.7]
    assert "".join(char["text"] for char in red) == "交城县人力资源和社会保障局文件"
    assert min(char["x0"] for char in red) == pytest.approx(28 * MM, abs=MM)
    assert max(char["x1"] for char in red) == pytest.approx(184 * MM, abs=MM)
    assert 70 * MM <= sum(char["top"] + char["bottom"] for char in red) / 2 / len(red) <= 84 * MM
    rules = [rect for rect in [*last.rects, *last.lines] if rect["width"] > 150 * MM]
    assert max(rule["bottom"] for rule in rules) == pytest.approx(262 * MM, abs=MM)


def test_pages_are_numbered_outside_and_the_imprint_is_on_an_even_page():
    short = {"requirements": ["按期清零。"], "copy_to": []}
    rows = bulletins.example()[0]
    for paper in (drawn(), drawn(**short), drawn(rows | {"rows": rows["rows"][-1:]}, **short)):
        assert len(paper.pages) % 2 == 0
        assert "印发" in paper.pages[-1].extract_text()
        for number, page in enumerate(paper.pages, 1):
            foot = page.crop((0, 265 * MM, page.width, page.height))
            if foot.chars:
                assert "".join(foot.extract_text().split()) == f"—{number}—"
                assert (foot.chars[0]["x0"] > page.width / 2) == (number % 2 == 1)


def test_a_county_of_thirty_townships_and_one_without_stock():
    example, _ = bulletins.example()
    many = [row(f"第{n}乡", 1000, 1000 - n, n, rank_before=n) for n in range(1, 31)]
    assert "第30乡" in text_of(drawn(example | {"rows": many}))
    nothing = row("全县", 0, 0, None)
    text = text_of(drawn(example | {"rows": [row("天宁镇", 0, 0, None)], "total": nothing}))
    assert "全县没有存量暂停领取待遇人员" in text


def test_facts_are_checked():
    standings, facts = bulletins.example()
    with pytest.raises(Refusal, match="number"):
        bulletins.draw(standings, facts | {"number": None})
    with pytest.raises(Refusal, match="persons"):
        bulletins.draw(standings | {"persons": []}, facts)


def test_a_long_title_is_broken_between_words():
    title = "关于全县城乡居民养老保险暂停领取待遇人员专项清理工作进展情况的通报"
    lines = pages.balanced(title, 20, bulletins._WORDS)
    assert "".join(lines) == title
    assert lines == ["关于全县城乡居民养老保险暂停领取", "待遇人员专项清理工作进展情况的通报"]


def test_the_same_standings_give_the_same_bytes():
    assert bulletins.draw(*bulletins.example()) == bulletins.draw(*bulletins.example())


def test_poppler_finds_no_fault(tmp_path):
    (tmp_path / "report.pdf").write_bytes(bulletins.draw(*bulletins.example()))
    done = subprocess.run(["pdfinfo", tmp_path / "report.pdf"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "A4" in done.stdout
