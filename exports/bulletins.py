"""The circulated report on the townships' progress (通报, 方案四（一）), a county document by GB/T 9704-2012.

Counts of townships only: nothing here is about one person.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from exports import pages, pdf
from exports.facts import checked
from models.words import N_, Message

Facts = dict[str, Any]

TITLE = N_("Report on progress")
# outcomes: cases; amounts: yuan; copy_to: 抄送. Left out, recipients and requirements are in the words of the plan.
FACTS = ("office.name", "office.bureau", "office.address?", "office.phone?", "office.bank_account?",
         "number", "issued_on",
         "campaign.title", "campaign.document_no", "campaign.verify_by", "campaign.clear_by",
         "outcomes.resumed", "outcomes.deregistered", "outcomes.sealed", "outcomes.kept_suspended",
         "amounts.back_pay", "amounts.to_recover", "amounts.recovered", "recipients?", "requirements[]?", "copy_to[]?",
         "trail?", "trail.entries?", "trail.head?")
_COUNTS = ("stock", "verified", "verified_rate?", "cleared", "cleared_rate?", "outstanding", "overdue", "added")
# As `portal ranking --json` prints them.
STANDINGS = ("as_of", "campaign", "formula",
             *(f"total.{name}" for name in (*_COUNTS, "rank?", "code?", "name?", "rank_before?")),
             *(f"rows[].{name}" for name in (*_COUNTS, "rank?", "code", "name", "rank_before?")))

RECIPIENTS = "各乡（镇）人民政府"
REQUIREMENTS = (
    "各乡（镇）要对照名单逐人核实、分类处理，把未清零人员落实到村、到人、到日期，确保{clear_by}前存量全部清零。",
    "对已经死亡的，抓紧确认死亡时间，及时通知家属办理注销；对未通过资格认证的，组织村代办员上门协助认证；对不明原因的，核实清楚后及时重新归类。",
    "做好政策宣传和解释，争取参保人员和家属的理解配合。县专项清理工作领导小组将继续定期通报，对未按时完成任务、造成严重后果的严肃问责。",
)
# A line of a title may not end inside one of these.
_WORDS = ("全县", "城乡居民", "养老保险", "暂停领取", "待遇", "人员", "专项", "清理", "工作", "进展情况", "的通报")


def draw(standings: Facts, facts: Facts, font_dir: Path | None = None) -> bytes:
    """The PDF of one report. *standings* as `portal ranking --json` gives them, *facts* as FACTS declares.

    Raises Refusal as notices.draw does.
    """
    known = _told(standings, facts)
    html = partial(pages.page, "bulletins/ranking.html")
    # 7.4: 版记 stands at the foot of the last even page: below the annex if that ends on one, else on its own.
    together = pdf.page_count(html(known | {"imprint_alone": False}), font_dir)
    return pdf.render(html(known | {"imprint_alone": together % 2 == 1}), font_dir=font_dir)


def example() -> tuple[Facts, Facts]:
    """Invented standings and facts of eight townships."""
    text = (pages.TEMPLATES / "bulletins" / "ranking.json").read_text("utf-8")
    return tuple(json.loads(text)[name] for name in ("standings", "facts"))


def ahead_and_behind(rows: list[Facts]) -> tuple[list[Facts], list[Facts]]:
    """The rows named for praise and those named for lagging: three each, fewer where there are fewer than six.

    Who ties with the last one named is named too. Nobody is praised for nothing cleared, nobody blamed with nothing
    left, and nobody stands in both lists.
    """
    ranked = sorted((row for row in rows if row["stock"] and row["rank"]), key=lambda row: row["rank"])
    named = min(3, len(ranked) // 2) or len(ranked)
    if not ranked:
        return [], []
    ahead = [row for row in ranked if row["rank"] <= ranked[named - 1]["rank"]]
    behind = [row for row in ranked if row["rank"] >= ranked[-named]["rank"] and row not in ahead]
    return [row for row in ahead if row["cleared"]], [row for row in behind if row["outstanding"]]


def _told(standings: Facts, facts: Facts) -> Facts:
    paper = Message(TITLE)
    standings, facts = checked(paper, STANDINGS, standings), checked(paper, FACTS, facts)
    rows = [_row(row) for row in standings["rows"]]
    ranks = {row["rank"] for row in rows if row["stock"]}
    ahead, behind = ahead_and_behind(standings["rows"])
    title = f"关于全县{facts['campaign']['title']}工作进展情况的通报"
    masthead = f"{facts['office']['bureau']}文件"
    clear_by = pages.day(facts["campaign"]["clear_by"])
    return facts | {
        "as_of": standings["as_of"], "formula": standings["formula"], "total": _row(standings["total"]), "rows": rows,
        "ahead": ahead, "behind": behind, "even": len(ranks) == 1,
        "late": [row for row in rows if row["overdue"]], "without": [row["name"] for row in rows if not row["stock"]],
        "recipients": facts["recipients"] or RECIPIENTS,
        "title": title, "title_lines": pages.balanced(title, 20, _WORDS),
        "requirements": facts["requirements"] or [text.format(clear_by=clear_by) for text in REQUIREMENTS],
        "annex_title": f"各乡（镇）{facts['campaign']['title'][-4:]}进展情况统计表",
        # 版心 is 156 mm wide; the red letters are 42 pt (14.8 mm) high and made as narrow as the name is long.
        "masthead": masthead, "masthead_scale": f"{156 / (14.82 * len(masthead)):.4f}"}


def _row(row: Facts) -> Facts:
    """A row as the table prints it: — for what does not exist without a stock, the move since last week."""
    rates = {name: row[name] if row["stock"] else "—" for name in ("verified_rate", "cleared_rate")}
    return row | rates | {"place": row["rank"] or "—", "moved": _moved(row["rank"], row["rank_before"])}


def _moved(rank: int | None, before: int | None) -> str:
    if not rank or not before:
        return str(before or "—")
    if rank == before:
        return f"{before}（平）"
    return f"{before}（↑{before - rank}）" if rank < before else f"{before}（↓{rank - before}）"
