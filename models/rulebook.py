"""The category table told to people: as text, as Markdown, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.casefile import fact_json
from models.categories import CATEGORIES
from models.steps import OUTCOME_TITLES, PROOF_TITLES, Category, Step
from models.user import ROLE_TITLES

Say = Callable[[Any], str]


def as_json(say: Say) -> list[dict]:
    return [{"category": category.key, "title": say(category.title), "article": category.article,
             "verified_by": list(category.verified_by), "transitional": category.transitional,
             "settled_as": category.settled_as, "notices": list(category.notices),
             "outcomes": [{"when": _plain(condition), "outcome": str(outcome)} for condition, outcome in category.outcomes],
             "steps": [_step_json(step, say) for step in category.steps]} for category in CATEGORIES.values()]


def _step_json(step: Step, say: Say) -> dict:
    return {"step": step.key, "title": say(step.title), "by": [str(role) for role in step.by],
            "when": _plain(step.when), "needed": _plain(step.needed), "later": step.later, "bulk": step.bulk,
            "facts": [fact_json(fact, say) for fact in step.facts],
            "proofs": [[str(kind) for kind in group] for group in step.proofs]}


def _plain(condition: Any) -> dict:
    return {name: list(values) for name, values in condition.items()}


def as_text(say: Say) -> str:
    return "\n".join(f"{category.article}  {say(category.title)} ({category.key}): "
                     + " → ".join(step.key for step in category.steps) for category in CATEGORIES.values())


def as_markdown(say: Say) -> str:
    return "\n\n".join(_section(category, say) for category in CATEGORIES.values())


def _section(category: Category, say: Say) -> str:
    head = f"## {category.article} {say(category.title)} (`{category.key}`)"
    rows = [f"| `{step.key}` | {say(step.title)} | {_people(step, say)} | {_asked(step, say)} | {_proofs(step, say)} "
            f"| {_conditions(step)} |" for step in category.steps]
    table = ["| | | | | | |", "| --- | --- | --- | --- | --- | --- |", *rows]
    ends = "; ".join(say(OUTCOME_TITLES[outcome]) for _, outcome in category.outcomes) or "–"
    return "\n".join([head, "", *table, "", f"→ {ends}"])


def _people(step: Step, say: Say) -> str:
    return ", ".join(say(ROLE_TITLES[role]) for role in step.by)


def _asked(step: Step, say: Say) -> str:
    return ", ".join(f"{say(fact.title)} (`{fact.key}`)" for fact in step.facts) or "–"


def _proofs(step: Step, say: Say) -> str:
    return "; ".join(" / ".join(say(PROOF_TITLES[kind]) for kind in group) for group in step.proofs) or "–"


def _conditions(step: Step) -> str:
    parts = [f"{name} = {'/'.join(values)}" for name, values in (*step.when.items(), *step.needed.items())]
    return ", ".join(parts + (["later"] if step.later else [])) or "–"
