"""What the database refuses about posts by itself, on both kinds: a login without a granted post, a post granted by whoever
asked for it or holds it, two posts for one person, a signature of the wrong post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

INSERT = "INSERT"


@dataclass(frozen=True)
class Rule:
    """*when* (SQL over NEW and OLD) is refused on each of *events* of *table*."""

    name: str
    table: str
    events: tuple[str, ...]
    when: str

    def triggers(self) -> Iterator[tuple[str, str]]:
        """(name, event) of each trigger."""
        return ((f"{self.name}_{event.split()[0].lower()}", event) for event in self.events)


def _holds(column: str, *roles: str) -> str:
    """Whether a column names a login in use with one of these posts."""
    listed = ", ".join(f"'{role}'" for role in roles)
    return f"EXISTS (SELECT 1 FROM portal_user u WHERE u.username = {column} AND u.active AND u.role IN ({listed}))"


def _signature(column: str, role: str, *events: str) -> Rule:
    return Rule(f"settlement_{column}", "settlement", (INSERT, *events),
                f"NEW.{column} IS NOT NULL AND NOT {_holds(f'NEW.{column}', role)}")


_OWN = ("EXISTS (SELECT 1 FROM portal_user u WHERE u.id = NEW.user_id "
        "AND u.username IN (NEW.asked_by, NEW.decided_by, NEW.ended_by))")
RULES = (
    Rule("user_begins_without_post", "portal_user", (INSERT,), "NEW.active OR lower(NEW.username) = 'system'"),
    Rule("user_keeps_name", "portal_user", ("UPDATE OF username",), "NEW.username <> OLD.username"),
    Rule("user_post_is_granted", "portal_user", ("UPDATE OF role, area_code, active",),
         "(NEW.role <> OLD.role OR NEW.area_code <> OLD.area_code OR (NEW.active AND NOT OLD.active)) "
         "AND NOT EXISTS (SELECT 1 FROM post_grant g WHERE g.user_id = NEW.id AND g.state = 'granted' "
         "AND g.role = NEW.role AND g.area_code = NEW.area_code)"),
    Rule("post_begins_asked", "post_grant", (INSERT,), "NEW.state <> 'asked'"),
    Rule("post_asked_by_account_keeper", "post_grant", (INSERT,),
         f"NEW.asked_by <> 'system' AND NOT {_holds('NEW.asked_by', 'county_admin', 'system_admin')}"),
    Rule("post_not_one_s_own", "post_grant", (INSERT, "UPDATE OF decided_by, ended_by"), _OWN),
    Rule("post_decided_by_security", "post_grant", ("UPDATE OF decided_by",),
         f"NEW.decided_by <> 'system' AND NOT {_holds('NEW.decided_by', 'security_admin')}"),
    Rule("post_ended_by_security", "post_grant", ("UPDATE OF ended_by",),
         f"NEW.ended_by <> 'system' AND NOT {_holds('NEW.ended_by', 'security_admin')}"),
    Rule("post_stays_as_asked", "post_grant",
         ("UPDATE OF user_id, role, area_code, asked_by, asked_at, basis, namesake", "DELETE"), "TRUE"),
    Rule("post_goes_one_way", "post_grant", ("UPDATE OF state, decided_by, decided_at, ended_by, ended_at",),
         "NOT ((OLD.state = 'asked' AND NEW.state IN ('granted', 'refused')) "
         "OR (OLD.state = 'granted' AND NEW.state = 'ended' AND NEW.decided_by = OLD.decided_by "
         "AND NEW.decided_at = OLD.decided_at))"),
    Rule("post_in_use", "post_grant", ("UPDATE OF state",),
         "NEW.state = 'ended' AND EXISTS (SELECT 1 FROM portal_user u WHERE u.id = NEW.user_id AND u.active)"),
    # Any two posts exclude each other (a check in models/duties.py); namesakes are told to be two people.
    Rule("post_namesake", "post_grant", ("UPDATE OF state",),
         "NEW.state = 'granted' AND NOT NEW.namesake AND EXISTS (SELECT 1 FROM portal_user me "
         "JOIN portal_user other ON other.name = me.name AND other.id <> me.id "
         "JOIN post_grant held ON held.user_id = other.id AND held.state = 'granted' AND held.role <> NEW.role "
         "AND substr(held.area_code, 1, 6) = substr(NEW.area_code, 1, 6) WHERE me.id = NEW.user_id)"),
    _signature("submitted_by", "county_clerk"),  # which never changes
    _signature("reviewed_by", "county_reviewer", "UPDATE OF reviewed_by"),
    _signature("approved_by", "county_approver", "UPDATE OF approved_by"),
)


def guard_posts(op: Any) -> None:
    """Create every trigger on the database at hand."""
    for rule in RULES:
        if op.get_bind().dialect.name == "postgresql":
            op.execute(_function(rule))
        for name, event in rule.triggers():
            op.execute(_trigger(op.get_bind().dialect.name, rule, name, event))


def unguard_posts(op: Any) -> None:
    for rule in RULES:
        for name, _event in rule.triggers():
            op.execute(f"DROP TRIGGER {name}" + (f" ON {rule.table}" if op.get_bind().dialect.name == "postgresql" else ""))
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {rule.name}()")


def _function(rule: Rule) -> str:
    # A guard looks past the walls (models/rowwalls.py): whom it looks for may be out of sight of whoever writes.
    # The class of the error is that of a broken constraint, so that both databases raise IntegrityError.
    return (f"CREATE OR REPLACE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "DECLARE was text := coalesce(current_setting('portal.scope', true), ''); wrong boolean; BEGIN "
            "PERFORM set_config('portal.scope', '*', true); "
            f"wrong := {rule.when}; "
            "PERFORM set_config('portal.scope', was, true); "
            f"IF wrong THEN RAISE EXCEPTION 'refused: {rule.name}' USING ERRCODE = 'integrity_constraint_violation'; "
            "END IF; RETURN NEW; END $$")


def _trigger(dialect: str, rule: Rule, name: str, event: str) -> str:
    head = f"CREATE TRIGGER {name} BEFORE {event} ON {rule.table} FOR EACH ROW "
    if dialect == "postgresql":
        return f"{head}EXECUTE FUNCTION {rule.name}()"
    return f"{head}WHEN {rule.when} BEGIN SELECT RAISE(ABORT, 'refused: {rule.name}'); END"
