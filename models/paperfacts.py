"""The facts of each notice, taken from a case and frozen when the paper is ordered. Papers exist in Chinese only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models import ledger
from models.area import Names, Township, Village
from models.base import db
from models.case import Case
from models.ledger import Settlement
from models.money import fen, yuan
from models.scope import everything
from models.steps import Proof
from models.user import User
from models.words import N_, Refusal
from models.workflow import NOT_APPLICABLE, plan

SHANGHAI = ZoneInfo("Asia/Shanghai")
DEREGISTERING = ("deregister", "village_deregister")
EVIDENCE = {
    Proof.HOUSEHOLD_CANCELLATION: "派出所户籍注销证明", Proof.DEATH_CERTIFICATE: "村委会、镇政府盖章的死亡证明",
    Proof.OTHER_PENSION: "其他养老保险待遇证明", Proof.POLICE_ANSWER: "派出所户籍核查复函",
    Proof.INVESTIGATION: "冒领情况调查记录",
}


def common(case: Case, issued_on: date, names: Names) -> dict:
    """What every paper about a person says: the office, the person, the campaign."""
    campaign, person = case.campaign, case.person
    return {
        "office": {"name": campaign.office, "bureau": campaign.bureau, "address": campaign.address,
                   "phone": campaign.phone, "bank_account": campaign.bank_account},
        "number": None, "issued_on": issued_on.isoformat(),
        "person": {"name": person.name, "sex": person.sex, "id_number": person.id_number,
                   "born": person.born.isoformat(), "village": names.full(case.area_code),
                   "township": names.township(case.area_code), "phone": person.phone},
        "campaign": {"title": campaign.title, "document_no": campaign.document_no,
                     "verify_by": campaign.verify_by.isoformat(), "clear_by": campaign.clear_by.isoformat()},
    }


def certification(case: Case, issued_on: date, names: Names) -> dict:
    village = db.session.scalar(select(Village).where(Village.area_code == case.area_code))
    place = db.session.scalar(select(Township).where(Township.area_code == case.area_code[:9]))
    agent = village if village and village.contact and village.phone else None
    offices = [f"{names.village(case.area_code)}委会"] if names.village(case.area_code).endswith("村") else []
    return {"paused_from": str(case.paused_from), "due_by": max(case.campaign.clear_by, issued_on).isoformat(),
            "places": [*offices, f"{place.name if place else names.township(case.area_code)}便民服务中心"],
            "bring": ["本人身份证", "社会保障卡"],
            "agent": agent and {"name": agent.contact, "phone": agent.phone}}


def back_pay(case: Case, issued_on: date, names: Names) -> dict:
    settlement = _settled(case)
    if not settlement.back_pay:
        raise Refusal(N_("{name} is owed no back pay."), name=case.person.name)
    facts = case.facts
    restored = next((facts[key] for key in ("certified_on", "card_bound_on", "released_on") if facts.get(key)), None)
    return {"paused_from": str(case.paused_from), "category": case.way.chinese, "restored_on": restored,
            "resumes": facts.get("resumes"), "account": None, "lines": settlement.result["lines"],
            "back_pay": yuan(settlement.back_pay), **_signed(settlement)}


def recovery(case: Case, issued_on: date, names: Names) -> dict:
    settlement = _settled(case)
    if not case.campaign.bank_account:
        raise Refusal(N_("The campaign names no account for refunds yet: the county administrator fills it in."))
    months = sorted({line.month for line in settlement.lines if line.difference < 0})
    if not months:
        raise Refusal(N_("{name} was paid nothing too much."), name=case.person.name)
    party, relation, reason = _who_refunds(case)
    return {"party": party, "relation": relation, "reason": reason, "from_month": str(months[0]),
            "to_month": str(months[-1]), "months": len(months), "recover": yuan(settlement.recover),
            "offset": yuan(settlement.offset), "still_to_refund": yuan(settlement.still_to_refund),
            "pay_by": (issued_on + timedelta(days=case.campaign.refund_days)).isoformat(),
            "lines": settlement.result["lines"]}


def _who_refunds(case: Case) -> tuple[str, str, str]:
    """Who has to pay back, as what, and the clause that says why."""
    name, facts = case.person.name, case.facts
    if case.category == "impostor":
        return (facts["impostor_name"], "领取人",
                f"{_month(facts['impostor_from'])}至{_month(facts['impostor_to'])}期间{name}的养老金由他人领取")
    if case.category == "deceased":
        return f"{name}的家属", "家属", f"{name}于{_day(facts['died_on'])}死亡，其养老金应自次月起停止发放"
    if case.category == "duplicate":
        return name, "本人", f"{name}自{_month(facts['other_from'])}起同时领取其他养老保险待遇"
    if case.category == "imprisoned":
        return name, "本人", f"{name}自{_day(facts['custody_from'])}起服刑，服刑期间不应领取养老金"
    return name, "本人", f"{name}的养老金经核实多发（{case.way.chinese}）"


def deregistration(case: Case, issued_on: date, names: Names) -> dict:
    settlement, facts = _settled(case), case.facts
    if not any(state.step.key in DEREGISTERING and state.state != NOT_APPLICABLE for state in plan(case)):
        raise Refusal(N_("{name} is not to be deregistered."), name=case.person.name)
    reason, reason_on = {
        "deceased": ("死亡", facts.get("died_on")), "impostor": ("死亡", facts.get("died_on")),
        "duplicate": ("重复享受待遇", facts.get("other_from")),
        "dual_household": ("双重户籍", facts.get("answered_on")),
    }.get(case.category, (case.way.chinese, issued_on.isoformat()))
    return {"reason": reason, "reason_on": reason_on, "evidence": _evidence(case), **_balances(settlement),
            "back_pay": yuan(settlement.back_pay), "recover": yuan(settlement.recover),
            "offset": yuan(settlement.offset), "funeral_grant": facts.get("funeral_grant") or "0.00",
            "refund": yuan(settlement.refund_to_person), "heir": None, "bank": None, **_signed(settlement)}


def sealing(case: Case, issued_on: date, names: Names) -> dict:
    settlement, facts = _settled(case), case.facts
    if facts.get("family") != "unreachable":
        raise Refusal(N_("The family of {name} was reached: nothing is sealed."), name=case.person.name)
    ledger.refuse_uncovered(case)
    balances = _balances(settlement)
    left = sum(fen(value) for value in balances.values()) - settlement.offset
    return {"died_on": facts["died_on"], "evidence": _evidence(case),
            "contacts": [{"on": facts["contacted_on"], "way": facts["contact_note"],
                          "by": _name(case.taken["family"].recorded_by), "result": "无法联系到家属"}],
            **balances, "recover": yuan(settlement.recover), "offset": yuan(settlement.offset),
            "sealed_balance": yuan(max(left, 0)), "sealed_on": facts.get("sealed_on") or issued_on.isoformat()}


PAPERS: dict[str, tuple[str, Callable[[Case, date, Names], dict]]] = {
    # key -> what the file is called, where its facts come from
    "certification": ("认证告知书", certification),
    "back_pay": ("补发审批表", back_pay),
    "recovery": ("退回通知书", recovery),
    "deregistration": ("注销登记表", deregistration),
    "sealing": ("封存证明", sealing),
}


def _settled(case: Case) -> Settlement:
    return ledger.the_standing(case)


def _balances(settlement: Settlement) -> dict:
    return {"account_balance": settlement.result["account_balance_after"],
            "supplement_account_balance": settlement.result["supplement_account_balance_after"]}


def _evidence(case: Case) -> str:
    kinds = [EVIDENCE[certificate.kind] for certificate in case.certificates if certificate.kind in EVIDENCE]
    return "、".join(dict.fromkeys(kinds)) or "核实记录"


def _signed(settlement: Settlement) -> dict:
    """Handler, reviewer and approver by name and day; None where nobody signed yet."""
    signed = {"handler": (settlement.submitted_by, settlement.submitted_at),
              "reviewer": (settlement.reviewed_by, settlement.reviewed_at),
              "approver": (settlement.approved_by, settlement.approved_at)}
    return {post: who and {"name": _name(who), "on": _on(at)} for post, (who, at) in signed.items()}


def _name(username: str) -> str:
    with everything("the names of those who signed"):
        return db.session.scalar(select(User.name).where(User.username == username)) or username


def _on(at: datetime) -> str:
    return at.astimezone(SHANGHAI).date().isoformat()


def _day(iso: str) -> str:
    year, month, day = iso.split("-")
    return f"{year}年{int(month)}月{int(day)}日"


def _month(iso: str) -> str:
    year, month = iso.split("-")
    return f"{year}年{int(month)}月"
