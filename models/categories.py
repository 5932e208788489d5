"""THE TABLE: the eight categories of the plan (方案三（三）1–8), each with its steps to the end.

A ninth category is one more entry in CATEGORIES; screens, forms, counts, exports and tests walk it.
"""

from __future__ import annotations

from models.steps import ANY, Category, Fact, Outcome, Proof, Step
from models.user import Role
from models.words import N_

CLERK, TOWN = Role.COUNTY_CLERK, Role.TOWNSHIP
EITHER = (TOWN, CLERK)

YES_NO = (("yes", N_("Yes")), ("no", N_("No")))
OWED = {"owed": ("yes",)}
TO_REFUND = {"to_refund": ("yes",)}

ESTABLISHED_HOW = (
    ("home_visit", N_("Home visit")), ("phone", N_("By telephone")), ("records", N_("From records")),
    ("police", N_("From the police station")), ("village", N_("From the village")))


def _resume(**conditions: object) -> Step:
    return Step("resume", N_("Resume payment"), (CLERK,), bulk=True, effect="resume",
                facts=(Fact("resumes", N_("First month paid by the ordinary run"), "month"),), **conditions)


def _settling(help: str = "", facts: tuple[Fact, ...] = (), **conditions: object) -> tuple[Step, ...]:
    """Compute, then two other people sign: 经办、复核、审批 are never the same person."""
    signed = conditions | {"when": {**conditions.get("when", {}), **OWED}}
    return (
        Step("settle", N_("Compute back pay or recovery"), (CLERK,), facts=facts, effect="settle", bulk=True,
             help=help, **conditions),
        Step("review", N_("Review the settlement"), (Role.COUNTY_REVIEWER,), effect="review", bulk=True, **signed),
        Step("approve", N_("Approve the settlement"), (Role.COUNTY_APPROVER,), effect="approve", bulk=True, **signed),
    )


def _refund(**conditions: object) -> Step:
    return Step("refund", N_("Record the refund"), (CLERK,), effect="refund", proofs=((Proof.REFUND_VOUCHER,),),
                facts=(Fact("refunded_on", N_("Date on the voucher"), "date"),
                       Fact("refunded", N_("Amount refunded"), "money"),
                       Fact("voucher_no", N_("Voucher number"))), **conditions)


def _deregister(**conditions: object) -> Step:
    return Step("deregister", N_("Deregister at the county centre"), (CLERK,), proofs=((Proof.DEREGISTRATION,),),
                facts=(Fact("deregistered_on", N_("Deregistered on"), "date"),), **conditions)


def established() -> tuple[tuple[str, str], ...]:
    """(key, title) of every category that a reason can be established as."""
    return tuple((c.key, c.title) for c in CATEGORIES.values() if not c.transitional)


UNCERTIFIED = Category(
    "uncertified", N_("Not certified"), "三（三）1", "未通过资格认证",
    steps=(
        Step("certify", N_("Help to certify"), EITHER, bulk=True, help=N_("In person, at home, by app or by video."),
             facts=(Fact("certified_on", N_("Certified on"), "date"),
                    Fact("method", N_("How"), "choice", (
                        ("in_person", N_("In person")), ("at_home", N_("At home")),
                        ("app", N_("By app")), ("video", N_("By video")))),
                    Fact("helper", N_("Who helped"), optional=True))),
        _resume(),
        *_settling(),
    ),
    outcomes=(({}, Outcome.RESUMED),),
    settled_as="uncertified", settled_with=("certified_on",),
    hints=r"生存证明|生存认证|资格认证|未认证|认证|未年审|未年检",
    notices=("certification", "back_pay"))

DUPLICATE = Category(
    "duplicate", N_("Draws another pension"), "三（三）2", "重复领取待遇",
    steps=(
        Step("other_pension", N_("Establish the other pension"), EITHER, proofs=((Proof.OTHER_PENSION,),),
             facts=(Fact("other_kind", N_("Kind of the other pension"), "choice", (
                        ("employee", N_("Employees' pension")), ("resident", N_("Residents' pension elsewhere")))),
                    Fact("other_from", N_("Drawn from"), "month"),
                    Fact("other_to", N_("Drawn until (empty: still drawn)"), "month", optional=True),
                    Fact("other_office", N_("Paid by"), optional=True))),
        Step("contact", N_("Contact the person or family"), (TOWN,),
             facts=(Fact("contacted_on", N_("Contacted on"), "date"), Fact("contacted", N_("Who was contacted")))),
        Step("decide", N_("Decide: refund and resume, or deregister"), (CLERK,),
             facts=(Fact("handling", N_("Handling"), "choice", (
                        ("deregister", N_("Deregister")), ("resume", N_("Other pension ended: resume")))),)),
        _resume(when={"handling": ("resume",)}),
        *_settling(),
        _refund(when=TO_REFUND),
        _deregister(when={"handling": ("deregister",)}),
    ),
    outcomes=(({"handling": ("resume",)}, Outcome.RESUMED), ({}, Outcome.DEREGISTERED)),
    settled_as="duplicate", settled_with=("other_from", "other_to", "other_kind"),
    hints=r"重复|职保|职工|企业养老|机关(?:事业)?养老|城职|双重待遇|享受.{0,6}其他待遇|异地领取",
    notices=("recovery", "back_pay", "deregistration"))

# Still serving counts as handled: reported, and rightly suspended (rules §1.4).
RELEASED = {"serving": ("no",)}
IMPRISONED = Category(
    "imprisoned", N_("Imprisoned"), "三（三）3", "服刑",
    steps=(
        Step("custody", N_("Report custody to the county"), EITHER, proofs=((Proof.JUDGMENT,),),
             facts=(Fact("custody_from", N_("In custody from"), "date"),
                    Fact("serving", N_("Still serving"), "choice", YES_NO),
                    Fact("judgment_no", N_("Number of the judgment"), optional=True))),
        Step("acknowledge", N_("County takes the report"), (CLERK,), bulk=True),
        Step("release", N_("Record the release"), EITHER, needed=RELEASED, proofs=((Proof.RELEASE,),),
             facts=(Fact("released_on", N_("Released on"), "date"),
                    Fact("outcome", N_("Judgment"), "choice", (
                        ("sentenced", N_("Sentenced")), ("acquitted", N_("Acquitted"))))), ),
        _resume(needed=RELEASED),
        *_settling(needed=RELEASED),
        _refund(when=TO_REFUND, needed=RELEASED),
    ),
    outcomes=(({"serving": ("yes",), "resumes": ANY}, Outcome.RESUMED),
              ({"serving": ("yes",)}, Outcome.STAYS_SUSPENDED), ({}, Outcome.RESUMED)),
    settled_as="imprisoned", settled_with=("custody_from", "released_on", "outcome"),
    hints=r"服刑|判刑|收监|监狱|入狱|坐牢|劳教|劳动教养|羁押|刑满|在押",
    notices=("back_pay", "recovery"))

REACHED, UNREACHABLE = {"family": ("reached",)}, {"family": ("unreachable",)}
DECEASED = Category(
    "deceased", N_("Deceased"), "三（三）4", "已经死亡",
    steps=(
        Step("death", N_("Establish the date of death"), EITHER, effect="death",
             proofs=((Proof.HOUSEHOLD_CANCELLATION, Proof.DEATH_CERTIFICATE),),
             help=N_("The date on the household cancellation certificate prevails; without one, a certificate "
                     "with both the village's and the township's seal."),
             facts=(Fact("died_on", N_("Died on"), "date"),
                    Fact("source", N_("Source of the date"), "choice", (
                        ("household_cancellation", N_("Household cancellation certificate")),
                        ("two_seals", N_("Death certificate with village and township seals")))),
                    Fact("seals", N_("Seals on the death certificate"), "choice", (
                        ("both", N_("Village and township")), ("village", N_("Village only")),
                        ("township", N_("Township only"))), when={"source": ("two_seals",)}))),
        Step("family", N_("Notify the family"), (TOWN,),
             facts=(Fact("family", N_("Family"), "choice", (
                        ("reached", N_("Reached and notified")), ("unreachable", N_("Cannot be reached")))),
                    Fact("contacted_on", N_("Contacted on"), "date"),
                    Fact("contact_note", N_("How often, by which ways, with which witness")))),
        Step("statement", N_("Village and township state that no family can be reached"), (TOWN,),
             proofs=((Proof.UNREACHABLE,),), when=UNREACHABLE,
             facts=(Fact("statement_seals", N_("Seals on the statement"), "choice", (
                        ("both", N_("Village and township")), ("village", N_("Village only")),
                        ("township", N_("Township only")))),), effect="statement"),
        *_settling(facts=(Fact("funeral_grant", N_("Funeral grant"), "money", default="0.00"),)),
        _refund(when=TO_REFUND),
        _deregister(when=REACHED),
        Step("village_deregister", N_("Village committee deregisters"), (TOWN,), when=UNREACHABLE,
             facts=(Fact("deregistered_on", N_("Deregistered on"), "date"),),
             proofs=((Proof.DEREGISTRATION,),)),
        Step("seal", N_("Seal the account"), (CLERK,), when=UNREACHABLE, effect="seal", bulk=True,
             help=N_("The account stays with the fund and personal data are kept; refused while an overpayment "
                     "is not covered."),
             facts=(Fact("sealed_on", N_("Sealed on"), "date"),)),
        Step("claim", N_("Record a claim by the family"), (CLERK,), when=UNREACHABLE, later=True,
             proofs=((Proof.KINSHIP,),),
             facts=(Fact("claimed_on", N_("Claimed on"), "date"), Fact("claimant", N_("Claimant")),
                    Fact("kinship", N_("Kinship")))),
        Step("release_account", N_("Verify the claim and release the account"), (CLERK,), when=UNREACHABLE, later=True,
             facts=(Fact("account_released_on", N_("Released on"), "date"),)),
    ),
    verified_by=("death",),
    outcomes=((UNREACHABLE, Outcome.SEALED), ({}, Outcome.DEREGISTERED)),
    settled_as="deceased", settled_with=("died_on", "funeral_grant"),
    hints=r"(?<![未非没无])(?<!是否)死亡|去世|亡故|病故|已故|过世|已死"
          r"|户[籍口]已?注销|注销户[籍口]|销户|火化|殡葬",
    notices=("recovery", "back_pay", "deregistration", "sealing"))

ALIVE, DEAD = {"alive": ("yes",)}, {"alive": ("no",)}
IMPOSTOR = Category(
    "impostor", N_("Drawn by an impostor"), "三（三）5", "冒领",
    steps=(
        Step("impostor", N_("Establish who drew, from when to when"), EITHER, proofs=((Proof.INVESTIGATION,),),
             facts=(Fact("impostor_name", N_("Who drew")),
                    Fact("impostor_from", N_("Drawn from"), "month"), Fact("impostor_to", N_("Drawn until"), "month"),
                    Fact("alive", N_("Is the true person alive"), "choice", YES_NO),
                    Fact("died_on", N_("Died on"), "date", when={"alive": ("no",)}))),
        Step("certify", N_("Certify the true person"), EITHER, when=ALIVE,
             facts=(Fact("certified_on", N_("Certified on"), "date"),)),
        _resume(when=ALIVE),
        *_settling(facts=(Fact("funeral_grant", N_("Funeral grant"), "money", default="0.00"),)),
        _refund(when=TO_REFUND),
        _deregister(when=DEAD),
    ),
    outcomes=((ALIVE, Outcome.RESUMED), (DEAD, Outcome.DEREGISTERED)),
    settled_as="impostor", settled_with=("impostor_from", "impostor_to", "alive", "died_on", "funeral_grant"),
    hints=r"冒领|冒用|代领不报|顶替",
    notices=("recovery", "back_pay", "deregistration"))

NO_CARD = Category(
    "no_card", N_("No social card"), "三（三）6", "无社保卡",
    steps=(
        Step("card", N_("Card made at the county information centre"), EITHER, bulk=True,
             facts=(Fact("card_bound_on", N_("Card made and bound on"), "date"),)),
        Step("report_card", N_("Report the card to the pension centre"), EITHER, bulk=True,
             facts=(Fact("reported_on", N_("Reported on"), "date"),)),
        _resume(),
        *_settling(),
    ),
    outcomes=(({}, Outcome.RESUMED),),
    settled_as="no_card", settled_with=("card_bound_on",),
    hints=r"社保卡|社会保障卡|银行卡|未绑卡|未激活|无卡|发放失败|支付失败|账[户号].{0,4}(?:异常|失败|错误|注销)",
    notices=("back_pay",))

THIS, OTHER = {"cancelled": ("this",)}, {"cancelled": ("other",)}
DUAL_HOUSEHOLD = Category(
    "dual_household", N_("Two household registrations"), "三（三）7", "双重户籍",
    steps=(
        Step("letter", N_("Write to the police station"), (TOWN,), bulk=True,
             facts=(Fact("letter_on", N_("Letter sent on"), "date"), Fact("station", N_("Police station")))),
        Step("answer", N_("Record the police station's answer"), (TOWN,), proofs=((Proof.POLICE_ANSWER,),),
             facts=(Fact("answered_on", N_("Answered on"), "date"),
                    Fact("cancelled", N_("Which identity was cancelled"), "choice", (
                        ("this", N_("The one on this list")), ("other", N_("The other one")))),
                    Fact("other_from", N_("Drawn under the other identity from (empty: nothing)"), "month",
                         optional=True),
                    Fact("other_to", N_("Drawn until (empty: still drawn)"), "month", optional=True))),
        _resume(when=OTHER),
        *_settling(),
        _refund(when=TO_REFUND),
        _deregister(when=THIS),
    ),
    outcomes=((THIS, Outcome.DEREGISTERED), (OTHER, Outcome.RESUMED)),
    settled_as="dual_household", settled_with=("other_from", "other_to"),
    hints=r"双重户|双户|重户|两个户|两个身份证|多个身份证|双重身份|户籍重复|重复户",
    notices=("recovery", "back_pay", "deregistration"))

UNKNOWN = Category(
    "unknown", N_("Reason unknown"), "三（三）8", "不明原因",
    steps=(
        Step("establish", N_("Establish the reason"), EITHER, effect="establish", bulk=True,
             help=N_("The case then goes the way of the category found."),
             facts=(Fact("category", N_("Category"), "choice", lambda: established()),
                    Fact("how", N_("How it was established"), "choice", ESTABLISHED_HOW),
                    Fact("note", N_("Note"), optional=True))),
    ),
    outcomes=(), transitional=True, hints=r"不明|待查|待核|不详|不清楚|其他|其它|未知|失联|联系不上|无法联系")

CATEGORIES: dict[str, Category] = {c.key: c for c in (
    UNCERTIFIED, DUPLICATE, IMPRISONED, DECEASED, IMPOSTOR, NO_CARD, DUAL_HOUSEHOLD, UNKNOWN)}
