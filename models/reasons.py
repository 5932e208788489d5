"""Words by which lists hint at a category (方案三（三）): a proposal, never a decision."""

from __future__ import annotations

import re
import unicodedata

# In order: who draws a dead person's pension is an impostor's case first, two registrations are more than a duplicate.
WORDS: tuple[tuple[str, str], ...] = (
    ("impostor", r"冒领|冒用|代领不报|顶替"),
    ("imprisoned", r"服刑|判刑|收监|监狱|入狱|坐牢|劳教|劳动教养|羁押|刑满|在押"),
    ("dual_household", r"双重户|双户|重户|两个户|两个身份证|多个身份证|双重身份|户籍重复|重复户"),
    ("deceased", r"(?<![未非没无])(?<!是否)死亡|去世|亡故|病故|已故|过世|已死"
                 r"|户[籍口]已?注销|注销户[籍口]|销户|火化|殡葬"),
    ("duplicate", r"重复|职保|职工|企业养老|机关(?:事业)?养老|城职|双重待遇|享受.{0,6}其他待遇|异地领取"),
    ("no_card", r"社保卡|社会保障卡|银行卡|未绑卡|未激活|无卡|发放失败|支付失败|账[户号].{0,4}(?:异常|失败|错误|注销)"),
    ("uncertified", r"生存证明|生存认证|资格认证|未认证|认证|未年审|未年检"),
    ("unknown", r"不明|待查|待核|不详|不清楚|其他|其它|未知|失联|联系不上|无法联系"),
)


def named(text: str | None) -> str | None:
    """The category key that a text names, or None if no known word is in it."""
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text or ""))
    return next((key for key, words in WORDS if re.search(words, text)), None)


def propose(reason: str | None, remark: str | None = None) -> str | None:
    """A category key from 暂停原因 and 暂停备注; the remark, which a person wrote, beats the system's reason.

    `unknown` where something stands there that says nothing; None where both are empty.
    """
    for text in (remark, reason):
        if key := named(text):
            return key
    return "unknown" if (remark or "").strip() or (reason or "").strip() else None
