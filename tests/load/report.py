"""The table of a load run, and which targets it missed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field

from watching import Watch

TARGETS = {"read": 500, "write": 800}  # ms, of 95 in a hundred answers


def of(times: list[float], hundredth: int) -> float:
    """The time that so many of a hundred answers kept."""
    return sorted(times)[max(0, -(-len(times) * hundredth // 100) - 1)] if times else 0.0


@dataclass
class Report:
    """*met*: what locust wrote; *told*: acts in the trail; *verified*: what `portal audit verify` said, None where it failed."""

    given: argparse.Namespace
    met: dict
    watch: Watch
    log: str
    told: dict[str, int]
    verified: str | None
    missed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for kind, most in TARGETS.items():
            if of(self.times(kind), 95) > most:
                self.missed.append(f"{kind}: p95 over {most} ms")
        counted = {"wrong answers": self.wrong, "“locked” in the logs": self.locked, "errors in the logs": self.errors}
        self.missed += [f"{name}: {count}" for name, count in counted.items() if count]
        self.missed += [f"acknowledged and not in the trail: {times - self.told.get(act, 0)} × {act}"
                        for act, times in self.met["done"].items() if times > self.told.get(act, 0)]
        if self.verified is None:
            self.missed.append("the trail does not verify")

    def times(self, kind: str) -> list[float]:
        """Milliseconds of every answer: GET reads, everything sent writes, downloads and searches too."""
        return [time for method, _, times in self.met["times"] for time in times if (method == "GET") == (kind == "read")]

    @property
    def wrong(self) -> int:
        return sum(self.met["faults"].values())

    @property
    def locked(self) -> int:
        return self.log.count("locked")

    @property
    def errors(self) -> int:
        return sum(" ERROR " in line or line.startswith("Traceback") for line in self.log.splitlines())

    def lines(self) -> Iterator[str]:
        seconds = self.watch.seconds
        yield (f"{self.given.database}, {self.given.cases:,} cases, {self.given.entries:,} entries of the trail, "
               f"{self.given.clerks} clerks, {self.given.minutes:g} minutes")
        yield f"{'':<34}{'requests':>9}{'a second':>9}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'most':>8}"
        for kind in TARGETS:
            yield _line(kind, self.times(kind), seconds)
        for method, name, times in sorted(self.met["times"], key=lambda row: -of(row[2], 95)):
            yield _line(f"  {method} {name}", times, seconds)
        yield f"wrong answers {self.wrong}, “locked” in the logs {self.locked}, errors in the logs {self.errors}"
        for fault, count in sorted(self.met["faults"].items(), key=lambda row: -row[1])[:20]:
            yield f"  {count} × {fault}"
        yield "most memory: " + ", ".join(f"{name} {most} MB" for name, most in self.watch.most.items())
        used = ", ".join(f"{name} {100 * used / seconds:.0f} %" for name, used in self.watch.cpu.items())
        yield f"CPU: {used} of one core"
        yield "acknowledged, and told in the trail: " + ", ".join(
            f"{act} {times:,}/{self.told.get(act, 0):,}" for act, times in self.met["done"].items())
        yield self.verified or "the trail does not verify"
        yield "missed: " + "; ".join(self.missed) if self.missed else "every target met"


def _line(name: str, times: list[float], seconds: float) -> str:
    shown = "".join(f"{of(times, hundredth):>8.0f}" for hundredth in (50, 95, 99, 100))
    return f"{name:<34}{len(times):>9,}{len(times) / seconds:>9.1f}{shown}"
