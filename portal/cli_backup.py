"""Commands that keep the portal from being lost: backup and restore."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from models.words import N_, Refusal
from portal.cli import main
from portal.commands import json_option, office, refusing, say, settings, show, tell

FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@refusing
def backup(file: Path | None, as_json: bool) -> None:
    """Copy everything into one encrypted file, while people work on. FILE may be a folder; else PORTAL_BACKUPS."""
    from portal import backup, passphrase, shelf
    with office():
        secret, new = passphrase.ensured(settings())
        made = backup.noted(shelf.BY_HAND, file and file.absolute())
    where = str(passphrase.kept(settings()))
    if as_json:
        show(made.told() | {"passphrase_file": None if passphrase.given() else where})
        return
    tell(N_("Backed up into {file}: {mb} MB, {rows} rows, {files} files. Read back whole."), mb=_mb(made.size),
         **{name: made.told()[name] for name in ("file", "rows", "files")})
    tell(N_("SHA-256 {sha256}; head of the trail {head}."), sha256=made.sha256, head=made.manifest["chain"]["head"][:16])
    if made.damaged:
        click.echo(say(backup.damaged(made)), err=True)
    tell_passphrase(secret if new else None)


def tell_passphrase(new: str | None) -> None:
    """What opens the backups: the passphrase itself while it is new, later where it lies."""
    from portal import passphrase
    if new:
        tell(N_("The passphrase of the backups is {passphrase} — write it down and keep it away from this machine: without it no "
                "backup opens, and it is in none."), passphrase=new)
    elif passphrase.given() is None:
        tell(N_("It opens only with the passphrase in {file}: see that it is written down and kept away from this machine."),
             file=str(passphrase.kept(settings())))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--files-from", type=FOLDER, help="Where the files lie, for a backup made before an import.")
@click.option("--drill", is_flag=True, help="Restore into a place for a while, check everything, and take it away again.")
@json_option
@refusing
def restore(file: Path, files_from: Path | None, drill: bool, as_json: bool) -> None:
    """Put a backup back, into an empty data folder and, for PostgreSQL, an empty database."""
    from portal.restore import restore
    restored = restore(settings(), file.absolute(), _passphrase(), files_from and files_from.absolute(), drill)
    rows = sum(table["rows"] for table in restored.tables.values())
    if as_json:
        show({"file": str(file), "sha256": restored.sha256, "made_at": restored.manifest["made_at"], "drill": drill,
              "seconds": round(restored.seconds, 1), "tables": len(restored.tables), "rows": rows, "upgraded": restored.upgraded,
              "intact": restored.intact, "head": restored.manifest["chain"]["head"], "sessions_ended": restored.sessions,
              "tasks_freed": restored.tasks})
        return
    passed = N_("The drill is passed: {tables} tables with {rows} rows were restored in {minutes} minutes, as the backup names "
                "them.")
    tell(passed if drill else N_("Restored: {tables} tables with {rows} rows in {minutes} minutes, as the backup names them."),
         tables=len(restored.tables), rows=rows, minutes=f"{restored.seconds / 60:.1f}")
    tell(N_("SHA-256 {sha256}; head of the trail {head}."), sha256=restored.sha256, head=restored.manifest["chain"]["head"][:16])
    if restored.upgraded:
        tell(N_("The backup was of an older version; its database was brought to the newest schema."))
    if not restored.intact:
        click.echo(say(N_("The trail was broken already when the backup was made, and still is: see `portal audit verify`.")),
                   err=True)
    if not drill:
        tell(N_("{sessions} sessions were ended and {tasks} tasks in hand set free. Start it with `portal serve`."),
             sessions=restored.sessions, tasks=restored.tasks)


def _passphrase() -> str:
    """The one given, kept, or typed. Raises Refusal where nobody can be asked."""
    from portal import passphrase
    there = passphrase.known(settings())
    if there is None and (sys.stdin is None or not sys.stdin.isatty()):
        raise Refusal(N_("The passphrase of the backup is needed: set PORTAL_BACKUP_PASSPHRASE, or run the command in a "
                         "terminal."))
    return there or click.prompt(say(N_("Passphrase of the backup")), hide_input=True)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f}"
