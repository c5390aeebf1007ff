"""The storm's report: a table with a row for each room, what was done, and every finding."""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from storm.findings import FAILURES, Finding, Kind, Result
from storm.weather import Outcome, Plan

MOST_FINDINGS = 40
"""Of those printed; the saved report has all."""

_FIGURES: Mapping[str, Callable[[Result], int]] = {
    "sent": lambda one: one.sent,
    "acknowledged": lambda one: one.acknowledged,
    "in the log": lambda one: one.logged,
    "heard": lambda one: one.heard,
    **{kind.value: lambda one, kind=kind: one.count(kind) for kind in FAILURES},  # type: ignore[misc]
}
_TOLD: Mapping[str, Callable[[Result], int]] = {
    "sent again": lambda one: one.sent_again,
    "resumes told continuous": lambda one: one.resumed,
    "resumes told gap": lambda one: one.gaps,
    Kind.LOST_AND_TOLD.value: lambda one: one.count(Kind.LOST_AND_TOLD),
    Kind.REWOUND_FOR_NOTHING.value: lambda one: one.count(Kind.REWOUND_FOR_NOTHING),
}


@dataclass(frozen=True, slots=True)
class Report:
    """A storm's outcome, for people. `may_lose`: its store may lose what it acknowledged, if it tells."""

    command: str
    date: str
    wire: str
    plan: Plan
    outcome: Outcome
    store: str = "single"
    may_lose: bool = False

    @property
    def failures(self) -> list[tuple[str, Finding]]:
        """What must not be, with its room."""
        return [
            (one.room, finding)
            for one in self.outcome.results
            for finding in one.failures(may_lose=self.may_lose)
        ]

    @property
    def passed(self) -> bool:
        """Whether everything settled, and nothing is wrong."""
        return self.outcome.settled and not self.failures

    @property
    def acknowledged(self) -> int:
        """Operations, over all rooms."""
        return sum(one.acknowledged for one in self.outcome.results)

    def __str__(self) -> str:
        return "\n".join([*self._head(), "", *self._table(), "", *self._told(), *self._wrong()])

    def save(self, path: Path) -> None:
        """Write it as JSON, with every finding."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(self, option=orjson.OPT_INDENT_2))

    def _head(self) -> list[str]:
        return [
            f"    {self.command}",
            "",
            f"{self.date}, seed {self.plan.seed}, store {self.store}, data phase {self.wire}, "
            f"{self.outcome.seconds:.0f} s, "
            f"Python {platform.python_version()}, {os.cpu_count()} cores",
        ]

    def _table(self) -> list[str]:
        rows = [(one.room, [figure(one) for figure in _FIGURES.values()]) for one in self.outcome.results]
        totals = [sum(column) for column in zip(*(figures for _, figures in rows), strict=True)]
        head = f"| {'room':<10} | " + " | ".join(_FIGURES) + " |"
        lines = [head, "|---|" + "---:|" * len(_FIGURES)]
        for room, figures in [*rows, ("all", totals)]:
            cells = (f"{figure:>{len(name)},}" for name, figure in zip(_FIGURES, figures, strict=True))
            lines.append(f"| {room:<10} | " + " | ".join(cells) + " |")
        return lines

    def _told(self) -> list[str]:
        told = (f"{name} {sum(map(figure, self.outcome.results)):,}" for name, figure in _TOLD.items())
        refused: dict[str, int] = {}
        for one in self.outcome.results:
            for code, count in one.refused.items():
                refused[code] = refused.get(code, 0) + count
        return [
            "Faults: "
            + (", ".join(f"{name} {count}" for name, count in self.plan.faults.items()) or "none")
            + ".",
            "Told: "
            + ", ".join(told)
            + "; refused or pending: "
            + (", ".join(f"{code} {count:,}" for code, count in refused.items()) or "none")
            + ".",
            *self.outcome.notes,
        ]

    def _wrong(self) -> list[str]:
        failures = self.failures
        lines = [
            f"{room}: {finding.kind.value}: {finding.what}" for room, finding in failures[:MOST_FINDINGS]
        ]
        if len(failures) > MOST_FINDINGS:
            lines.append(f"... and {len(failures) - MOST_FINDINGS:,} more")
        if not self.outcome.settled:
            lines.append("Not settled: something was unanswered or unheard when patience ended.")
        return ["", *lines, "PASSED" if self.passed else "FAILED"]
