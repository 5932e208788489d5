"""Commands about cases, money, standings and paper."""

from __future__ import annotations

from datetime import date

import click

from models.base import db
from models.words import N_, STALE, Refusal
from portal.cli import main, today
from portal.commands import Day, content, desk_of, json_option, office, refusing, say, settings, show, tell, text_of, write_out


@main.command("case")
@click.argument("case")
@json_option
@refusing
def show_case(case: str, as_json: bool) -> None:
    """One case whole: facts, steps, evidence, settlement, documents, timeline."""
    from models import audit
    from models.casefile import casefile, find
    with office():
        found = find(case)
        document = casefile(found, say)
        audit.record("full_view", "pension_case", found.area_code, row_id=found.id, case_id=found.id)
        db.session.commit()
    if as_json:
        show(document)
    else:
        tell(N_("{name}: {category}, {state}; next: {step}."), name=document["person"]["name"],
             category=document["category_title"], state=document["state_title"], step=document["next_step_title"] or "–")


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(value, param_hint=option)
    return dict(value.split("=", 1) for value in values)


@main.command("step")
@click.argument("case")
@click.argument("step")
@click.option("--by", required=True, metavar="USER", help="Who takes the step.")
@click.option("--on", "on", type=Day(), help="The day it happened; today if not given.")
@click.option("--fact", "facts", multiple=True, metavar="K=V")
@click.option("--proof", "proofs", multiple=True, metavar="KIND=FILE")
@click.option("--version", type=int, help="The version of the case that was looked at; refused if it has another by now.")
@json_option
@refusing
def take_step(case: str, step: str, by: str, on: date | None, facts: tuple[str, ...], proofs: tuple[str, ...],
              version: int | None, as_json: bool) -> None:
    """Take one step of a case, with exactly the checks of the screen."""
    from models.casefile import casefile, find
    from models.workflow import advance
    from portal import clock
    given, files = _pairs(facts, "--fact"), [tuple(proof.split("=", 1)) for proof in proofs if _pairs((proof,), "--proof")]
    with desk_of(by) as user:
        found = find(case)
        if version not in (None, found.version):
            raise Refusal(STALE)
        uploads = [_upload(kind, file) for kind, file in files]
        advance(found, step, user, clock.now(), on=on, facts=given, uploads=uploads)
        db.session.commit()
        document = casefile(found, say)
    if as_json:
        show(document)
    else:
        tell(N_("{name}: “{step}” is recorded; next: {next}."), name=document["person"]["name"], step=step,
             next=document["next_step_title"] or "–")


def _upload(kind: str, file: str):
    from flask import current_app

    from exports.uploads import checked_upload
    from models.steps import Proof
    if kind not in list(Proof):
        raise Refusal(N_("There is no kind of proof “{kind}”; there are: {all}."), kind=kind, all=", ".join(Proof))
    data, name = content(file)
    return checked_upload(kind, data, name, current_app.extensions["store"].put)


@main.command("settle")
@click.option("--facts", required=True, metavar="FILE", help="The trial document, JSON; - is standard input.")
@click.option("--rates", metavar="FILE", help="Dated rates, CSV (item, from, amount, min_age, basis).")
@json_option
@refusing
def settle_trial(facts: str, rates: str | None, as_json: bool) -> None:
    """Trial calculation: pure, needs no database."""
    from models.settlement import settle_document
    from portal.language import speaker
    text = text_of(content(facts)[0])
    result = settle_document(text, text_of(content(rates)[0]) if rates else None, speaker(settings().locale))
    if as_json:
        show(result)
    else:
        tell(N_("Back pay {back_pay} yuan; to recover {recover} yuan, offset {offset}, still to refund {still_to_refund}."),
             **{name: result[name] for name in ("back_pay", "recover", "offset", "still_to_refund")})


@main.command("ranking")
@click.option("--campaign", "key")
@click.option("--as-of", "as_of", type=Day(), help="The day; today if not given.")
@json_option
@refusing
def show_ranking(key: str | None, as_of: date | None, as_json: bool) -> None:
    """The standings of the townships at the end of a day."""
    from models.campaign import the_campaign
    from models.ranking import standings
    with office():
        document = standings(the_campaign(key), as_of or today())
    document["formula"] = say(document["formula"])
    if as_json:
        show(document)
        return
    for row in document["rows"]:
        click.echo("\t".join(str(row[name]) if row[name] is not None else "—" for name in (
            "rank", "name", "stock", "verified_rate", "cleared_rate", "outstanding", "overdue")))


@main.command("bulletin")
@click.option("--as-of", "as_of", type=Day(), required=True)
@click.option("-o", "out", required=True, metavar="OUT.pdf")
@click.option("--campaign", "key")
@refusing
def draw_bulletin(as_of: date, out: str, key: str | None) -> None:
    """Draw the bulletin of a day now: the issued one if there is one, else a proof without a number."""
    from models import audit
    from models.campaign import the_campaign
    from portal import clock
    from portal.bulletins import proof
    with office():
        campaign = the_campaign(key)
        data = proof(campaign, as_of, clock.now(), settings().fonts)
        audit.record("proof_print", "bulletin", campaign.county_code, day=as_of)
        db.session.commit()
    write_out(out, data)
    if out != "-":
        tell(N_("{file} is written."), file=out)


@main.command("notice")
@click.argument("case")
@click.argument("kind")
@click.option("-o", "out", required=True, metavar="OUT.pdf")
@refusing
def draw_notice(case: str, kind: str, out: str) -> None:
    """Draw a notice of a case now, as a proof: it gets no number and is not filed."""
    from exports import notices
    from models import audit
    from models.area import Names
    from models.casefile import find
    from models.papers import NUMBERED, paper_facts
    from portal.bulletins import PROOF
    with office():
        found = find(case)
        facts = paper_facts(found, kind, today(), Names())
        if kind in NUMBERED:
            facts["number"] = PROOF
        data = notices.draw(kind, facts, settings().fonts)
        audit.record("proof_print", "pension_case", found.area_code, row_id=found.id, case_id=found.id, kind=kind)
        db.session.commit()
    write_out(out, data)
    if out != "-":
        tell(N_("{file} is written."), file=out)


@main.command("rules")
@click.option("--markdown", is_flag=True)
@json_option
@refusing
def show_rules(markdown: bool, as_json: bool) -> None:
    """The category table as the code has it."""
    from models.rulebook import as_json as rules_json
    from models.rulebook import as_markdown, as_text
    if as_json:
        show(rules_json(say))
    else:
        click.echo(as_markdown(say) if markdown else as_text(say))


