"""THE TABLE of notices and approval forms (方案三（三）, forms of 城乡居民基本养老保险经办规程).

A notice is one entry here, `templates/notices/<key>.html` and an invented example `<key>.json` beside it. It is drawn
from frozen facts: plain JSON, dates 'YYYY-MM-DD', months 'YYYY-MM', money two-decimal yuan strings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exports import pages, pdf, segments
from exports.facts import checked
from models.money import fen, yuan
from models.words import N_, Message, Refusal

Facts = dict[str, Any]

# office.name 交城县城乡居民养老保险服务中心, office.bureau 交城县人力资源和社会保障局, person.village 天宁镇磁窑村.
COMMON = ("office.name", "office.bureau", "office.address", "office.phone", "office.bank_account?",
          "number?", "issued_on",
          "person.name", "person.sex", "person.id_number", "person.born", "person.village", "person.township",
          "person.phone?", "campaign.title", "campaign.document_no", "campaign.verify_by", "campaign.clear_by")
LINES = ("lines[].month", "lines[].item", "lines[].entitled", "lines[].paid", "lines[].difference", "lines[].basis",
         "lines[].party?")
# Null: nobody yet, and the form keeps a line to sign by hand.
SIGNED = tuple(f"{who}{part}" for who in ("handler", "reviewer", "approver") for part in ("?", ".name", ".on"))


_ROWS_A_PAGE = 24


def _as_given(notice: Notice, facts: Facts) -> Facts:
    return facts


def _owed(notice: Notice, facts: Facts) -> Facts:
    """The lines that are owed, as stretches; refused unless they add up to `back_pay`."""
    lines = [line for line in facts["lines"] if fen(line["difference"]) > 0]
    _agree(notice, facts, {"back_pay": segments.summed(lines)})
    return facts | {"segments": segments.segments(lines), "months": len(segments.months_of(lines))}


def _overpaid(notice: Notice, facts: Facts) -> Facts:
    """The lines paid too much, as stretches; refused unless the sums and months told are theirs."""
    lines = [line for line in facts["lines"] if fen(line["difference"]) < 0]
    months = segments.months_of(lines) or [""]
    _agree(notice, facts, {"recover": segments.summed(lines), "months": len(months),
                           "from_month": months[0], "to_month": months[-1],
                           "still_to_refund": yuan(fen(facts["recover"]) - fen(facts["offset"]))})
    return facts | {"segments": segments.segments(lines)}


def _agree(notice: Notice, facts: Facts, found: Facts) -> None:
    for fact, value in found.items():
        if facts[fact] != value:
            raise Refusal(N_("{paper}: the lines give {found} for “{fact}”, not {given}."),
                          paper=Message(notice.title), found=value, fact=fact, given=facts[fact])


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One kind of paper about one person. *title* is a message id; *facts* are declared as exports.facts reads them."""

    key: str
    title: str
    chinese_title: str
    facts: tuple[str, ...]
    numbered: bool = False
    for_people: bool = False
    most_pages: int | None = None
    prepare: Callable[[Notice, Facts], Facts] = _as_given

    @property
    def template(self) -> str:
        return f"notices/{self.key}.html"

    @property
    def declared(self) -> tuple[str, ...]:
        """Everything the template may use; a numbered paper is not drawn without its 文号."""
        own = {name.removesuffix("?") for name in self.facts}
        numbered = {"number"} if self.numbered else set()
        return tuple(name for name in COMMON if name.removesuffix("?") not in own | numbered) + (*numbered, *self.facts)

    def told(self, facts: Facts) -> Facts:
        """What the template is given. Raises Refusal for a missing or unknown fact and for sums that do not agree."""
        facts = self.prepare(self, checked(Message(self.title), self.declared, facts))
        return facts | {"title": self.chinese_title}

    def html(self, facts: Facts) -> str:
        """The paper as HTML; refuses as `told` does."""
        return pages.page(self.template, self.told(facts))

    def limit(self, facts: Facts) -> int | None:
        """The most pages it may fill: a table of many stretches earns more. Refuses as `told` does."""
        return self.most_pages and self.most_pages + len(self.told(facts).get("segments", ())) // _ROWS_A_PAGE


NOTICES = {notice.key: notice for notice in (
    # 方案三（三）1. places: where it can be done; bring: what with; agent: the village's 代办员.
    Notice(key="certification", title=N_("Notice to certify"), chinese_title="养老金领取资格认证告知书",
           facts=("paused_from", "due_by", "places[]", "bring[]", "agent?", "agent.name", "agent.phone"),
           for_people=True, most_pages=1),
    # 方案三（三）1、6. category: its Chinese title; restored_on: day of certification, card or release.
    Notice(key="back_pay", title=N_("Back pay approval form"), chinese_title="城乡居民养老保险待遇补发审批表",
           facts=("paused_from", "category", "restored_on?", "resumes?", "account?", *LINES, "back_pay", *SIGNED),
           prepare=_owed),
    # 方案三（三）2、5. party: who has to pay; relation: 本人, 家属; reason: 王桂兰于2020年1月15日死亡.
    Notice(key="recovery", title=N_("Notice to refund"), chinese_title="城乡居民养老保险待遇退回通知书",
           facts=("party", "relation", "reason", "from_month", "to_month", "months", "recover", "offset",
                  "still_to_refund", "pay_by", "office.bank_account", *LINES),
           prepare=_overpaid, numbered=True, for_people=True, most_pages=3),
    # 方案三（三）2、4、7. reason: 死亡, 重复享受待遇, 双重户籍 or another; reason_on: a date or a month.
    Notice(key="deregistration", title=N_("Deregistration form"), chinese_title="城乡居民养老保险注销登记表",
           facts=("reason", "reason_on", "evidence", "account_balance", "supplement_account_balance", "back_pay",
                  "recover", "offset", "funeral_grant", "refund",
                  "heir?", "heir.name", "heir.id_number", "heir.relation", "heir.phone?",
                  "bank?", "bank.name", "bank.account", "bank.holder", *SIGNED)),
    # 方案三（三）4. contacts: how the family was looked for, at least once.
    Notice(key="sealing", title=N_("Certificate of sealing an account"),
           chinese_title="村委会代办注销登记及个人账户封存证明",
           facts=("died_on", "evidence", "contacts[].on", "contacts[].way", "contacts[].by", "contacts[].result",
                  "account_balance", "supplement_account_balance", "recover", "offset", "sealed_balance", "sealed_on")),
)}


def get(key: str) -> Notice:
    """The notice of that key. Raises Refusal for an unknown one."""
    if key not in NOTICES:
        raise Refusal(N_("There is no notice “{key}”."), key=key)
    return NOTICES[key]


def draw(key: str, facts: Facts, font_dir: Path | None = None) -> bytes:
    """The PDF of one notice.

    Raises Refusal for facts that are missing, unknown or at odds, and for what cannot be printed.
    """
    return draw_many(key, [facts], font_dir)[0]


def draw_many(key: str, facts: Sequence[Facts], font_dir: Path | None = None,
              progress: Callable[[int, int], None] | None = None) -> list[bytes]:
    """One PDF for each set of facts, all facts checked before the first is drawn; *progress* gets (done, total)."""
    notice = get(key)
    return pdf.render_many([notice.html(each) for each in facts], progress, font_dir,
                           [notice.limit(each) for each in facts])


def example(key: str) -> Facts:
    """Facts of an invented person, complete, for previews and tests."""
    folder = pages.TEMPLATES / "notices"
    common, own = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("common", get(key).key))
    return common | own
