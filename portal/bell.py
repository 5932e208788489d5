"""The bell: RQ carries the id of a task and nothing else; whoever can write to Redis can ring it and do no more.

RQ runs any importable name it reads, as job, callback or webhook, and a JSON
serializer does not change that. Our job class reads back only what `ring`
writes, and everything else is a forged job: refused, noted, forgotten.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import resource
import secrets
import signal
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker, Worker
from rq.exceptions import NoSuchJobError, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import now

from models.base import db
from portal import embedded, heartbeat, scratch
from portal.lifeline import die_with
from portal.settings import Settings

log = logging.getLogger("portal.bell")

ENTRY = "portal.jobs.run"
PATIENCE = 0.5  # seconds that Redis gets to answer
TIMEOUT = 60 * 60  # seconds; filed batches stay, so the next try goes on behind them
KEPT = 60 * 60  # seconds a failed job is kept in Redis; the row says more, and for good
MEMORY = 1024 ** 3  # bytes a drawing may take beyond what it was forked with; notices take a fifth of it
STOPS = (signal.SIGINT, signal.SIGTERM)
_FIELDS = ("data", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "origin", "status")


class Forged(NoSuchJobError):
    """A job that `ring` did not write; to RQ it does not exist."""


class Ring(Job):
    """One ring of the bell for one task."""

    def restore(self, raw_data: dict) -> None:
        """Read back what `ring` wrote. Raises Forged for anything else."""
        fields = {key.decode("ascii", "replace"): value for key, value in raw_data.items()}
        kept = {name: fields[name] for name in _FIELDS if name in fields}
        kept["data"] = JSONSerializer.dumps([ENTRY, None, [_task_id(fields.get("data", b""))], {}])
        try:
            super().restore(kept)
        except Exception as error:
            raise Forged(f"unreadable: {type(error).__name__}") from error
        self.timeout, self.result_ttl, self.failure_ttl = TIMEOUT, 0, KEPT

    @property
    def func(self) -> Callable:
        from portal.jobs import run
        return run


def _task_id(data: bytes) -> int:
    try:
        unpacked = zlib.decompressobj().decompress(data, 1000) if data[:1] == b"x" else data[:1000]
        name, instance, args, kwargs = json.loads(unpacked)
        (task_id,) = args
    except (ValueError, TypeError, zlib.error, RecursionError) as error:
        raise Forged("not what a ring looks like") from error
    if (name, instance, kwargs) != (ENTRY, None, {}) or type(task_id) is not int:
        raise Forged(f"asks for {str(name)[:80]!r}")
    return task_id


class Bell(Queue):
    """The queue of rings. A forged job is taken off it, noted in log and trail, and not handed on."""

    job_class = Ring

    @classmethod
    def _fetch_dequeued_job(cls, connection, queue_key, job_id, **options):
        bell = cls.from_queue_key(queue_key, connection=connection, **options)
        try:
            return Ring.fetch(job_id, connection=connection, serializer=JSONSerializer), bell
        except (redis.ConnectionError, redis.TimeoutError):
            raise
        except Exception as error:
            bell.intermediate_queue.remove(job_id)
            if isinstance(error, Forged) or not isinstance(error, NoSuchJobError):
                connection.delete(Ring.key_for(job_id))
                _refuse(job_id, error)
            return None


def _refuse(job_id: str, error: Exception) -> None:
    from portal.jobs import note_forgery
    log.error("a forged job was refused: it %s", error)
    try:
        note_forgery(job_id[:80], str(error))
    except Exception:
        log.exception("the refusal could not be written to the trail")


class _Ours:
    """What both workers do otherwise than RQ's."""

    max_connection_wait_time = 5.0
    stopping = False

    def clean_group_registries(self) -> None:
        """We have no groups, and RQ would read the jobs of one back with pickle."""

    def request_stop(self, signum: int, frame: object) -> None:
        """Let the task in hand come to its next stop, or end at once; RQ asks Redis which, and hangs where Redis is gone."""
        self.stopping, self._shutdown_requested_date = True, now()
        for number in STOPS:
            signal.signal(number, self.request_force_stop)
        if not self.horse_pid:
            raise StopRequested
        self._stop_requested = True
        with suppress(ProcessLookupError):
            os.kill(self.horse_pid, signal.SIGTERM)


class Ringer(_Ours, Worker):
    """The worker: each task in a process of its own that ends with it, and leaves nothing behind."""

    def execute_job(self, job, queue) -> None:
        with scratch.folder():
            super().execute_job(job, queue)

    def fork_work_horse(self, job, queue) -> None:
        """A signal that comes now waits until both processes know what to do about it."""
        self.most = _taken() + MEMORY
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        super().fork_work_horse(job, queue)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def main_work_horse(self, job, queue) -> None:
        """Does not return: whatever goes wrong before the work begins, nobody may come back as a second worker."""
        try:
            die_with(self.pid)
            resource.setrlimit(resource.RLIMIT_DATA, (self.most, self.most))  # what is written; address space is mostly air
            heartbeat.alone = True
            db.engine.dispose(close=False)  # the parent's connections are not ours to use
            super().main_work_horse(job, queue)
        finally:
            os._exit(1)

    def handle_work_horse_killed(self, job, *how) -> None:
        from portal.jobs import note_loss
        if not self.stopping:
            note_loss(*job.args)

    def setup_work_horse_signals(self) -> None:
        from portal.jobs import stop
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: stop())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def _taken() -> int:
    """Bytes of data and stack this process has, as the limit counts them (the sixth figure of Linux' statm, in pages)."""
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()


class PlainRinger(_Ours, SimpleWorker):
    """A worker without a process for each task."""


def address(settings: Settings) -> str | None:
    """Where Redis is: as set, or the embedded one if it runs."""
    if settings.redis_url:
        return settings.redis_url
    return embedded.url(settings.data_dir) if embedded.socket_path(settings.data_dir).exists() else None


def connect(settings: Settings) -> redis.Redis | None:
    """A client that soon gives up; None while there is no Redis to ask. No request waits for it all the same."""
    where = address(settings)
    if where is None:
        return None
    return redis.Redis.from_url(where, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE,
                                retry=Retry(NoBackoff(), 0))


def the_bell(settings: Settings, connection: redis.Redis) -> Bell:
    """The queue of one database: two portals may share a Redis, never their rings."""
    digest = hashlib.sha256(settings.database_url.encode()).hexdigest()[:8]
    return Bell(f"portal-{digest}", connection=connection, serializer=JSONSerializer)


def ring(settings: Settings, *task_ids: int) -> int:
    """Ring for tasks that are committed; how many Redis heard. Never raises: the sweep rings again."""
    rung = 0
    try:
        connection = connect(settings)
        if connection is not None:
            with connection:
                for task_id in task_ids:
                    _ring(the_bell(settings, connection), task_id)
                    rung += 1
    except Exception as error:
        log.warning("Redis did not hear the bell (%s); the sweep rings again", type(error).__name__)
    return rung


def _ring(bell: Bell, task_id: int) -> None:
    bell.enqueue_call(ENTRY, args=(task_id,), job_id=f"{task_id}-{secrets.token_hex(4)}", timeout=TIMEOUT,
                      result_ttl=0, failure_ttl=KEPT, description=f"task {task_id}")


def unheard(task_ids: Iterable[int]) -> list[int]:
    """Those of *task_ids* for which no ring lies in the queue; none while Redis does not answer."""
    settings = current_app.config["PORTAL"]
    try:
        connection = connect(settings)
        if connection is None:
            return []
        with connection:
            lying = {job_id.partition("-")[0] for job_id in the_bell(settings, connection).job_ids}
    except redis.RedisError as error:
        log.warning("Redis does not answer (%s)", type(error).__name__)
        return []
    return [task_id for task_id in task_ids if str(task_id) not in lying]


def worker(settings: Settings, connection: redis.Redis, kind: type = Ringer) -> Worker | SimpleWorker:
    """A worker of this database's bell."""
    bell = the_bell(settings, connection)
    return kind([bell], name=f"{bell.name}-{os.getpid()}-{secrets.token_hex(2)}", connection=connection,
                queue_class=Bell, job_class=Ring, serializer=JSONSerializer, worker_ttl=60,
                log_job_description=False, default_result_ttl=0)
