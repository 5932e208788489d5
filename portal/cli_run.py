"""Commands that run the portal: demo, server, worker, schedule, sweep, doctor."""

from __future__ import annotations

import sys

import click

from models.words import N_
from portal.cli import main
from portal.commands import office, refusing, say, settings, tell

HERE = ("127.0.0.1", "localhost", "::1")
PORTS = click.IntRange(0, 65535)  # the machine would take a larger one for another


@main.command()
@click.option("--port", default=8000, show_default=True, type=PORTS)
@click.option("--fresh", is_flag=True, help="Throw the old demo away and build it anew.")
@refusing
def demo(port: int, fresh: bool) -> None:
    """交城县 on 2021-09-19 with invented people, one sign-in per role; Ctrl-C ends everything."""
    from portal.demo import run
    run(port, fresh)


@main.command()
@click.option("--port", default=8000, show_default=True, type=PORTS)
@click.option("--host", default="127.0.0.1", show_default=True)
@refusing
def serve(port: int, host: str) -> None:
    """Web, worker, weekly schedule and, without PORTAL_REDIS_URL, an embedded Redis, as one process group."""
    from portal import safety, supervisor
    settings().check_key()  # first: nothing is to be sealed with a key that is none
    with office():
        pass
    if host not in HERE and not settings().https:
        click.echo(say(N_("Passwords and ID numbers would cross the network in the clear: put a proxy with HTTPS in front, let "
                          "the portal listen on 127.0.0.1 behind it, and set PORTAL_HTTPS=proxied.")), err=True)
    safety.check(settings())
    supervisor.serve(settings(), host, port)


@main.command()
@refusing
def worker() -> None:
    """Only the RQ worker."""
    from portal import safety, supervisor
    safety.check_redis(settings())
    supervisor.work(settings())


@main.command()
@refusing
def schedule() -> None:
    """Only the weekly schedule and the sweep."""
    from portal import safety, supervisor
    safety.check_redis(settings())
    supervisor.keep_schedule(settings())


@main.command()
@refusing
def sweep() -> None:
    """Ring again for background work that nobody has taken."""
    from portal.jobs import sweep as ring_again
    with office() as app:
        count = ring_again(app)
    tell(N_("{count} waiting tasks were rung for again."), count=count)


@main.command()
@refusing
def doctor() -> None:
    """What this machine lacks, and the line that installs it."""
    from portal.doctor import examine
    findings = examine(settings())
    for fine, message in findings:
        click.echo(f"{'✓' if fine else '✗'} {say(message)}")
    if not all(fine for fine, _ in findings):
        sys.exit(1)
