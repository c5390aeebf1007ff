"""Tables of what was measured: medians, spread, and how many times as good one system is as another."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.figures import Column, columns_of
from benchmarks.rounds import Measurement, Results


def table(results: Results, scenario: str) -> str:
    """A scenario's table in Markdown: a row for each system; the last column compares the first with it."""
    found = [one for one in results.measurements if one.scenario == scenario and not one.failure]
    if not found:
        return "Nothing could be measured."
    columns = columns_of(found[0])
    rows = [
        [f"rounds: {max(one.round for one in found)}", *(column.head for column in columns), "first / this"],
        ["---", *("---:" for _ in columns), "---:"],
    ]
    by_system = {one.system: [other for other in found if other.system == one.system] for one in found}
    (first, *_) = by_system.values()
    for name, measured in by_system.items():
        rows.append(
            [name, *(_cell(column, measured) for column in columns), _ratio(columns[0], first, measured)]
        )
    return "\n".join(_row(row) for row in rows)


def growth(results: Results, scenarios: Mapping[str, str]) -> str:
    """One table of the first system for scenarios that differ in a number only: a row for each."""
    rows: list[list[str]] = []
    for name, about in scenarios.items():
        found = [one for one in results.measurements if one.scenario == name and not one.failure]
        measured = [one for one in found if one.system == found[0].system]
        if measured and not rows:
            heads = [column.head for column in columns_of(measured[0])]
            rows = [["", *heads], ["---", *("---:" for _ in heads)]]
        if measured:
            rows.append([about, *(_cell(column, measured) for column in columns_of(measured[0]))])
    return "\n".join(_row(row) for row in rows)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def median(column: Column, measurements: Sequence[Measurement]) -> float:
    """The middle of what the rounds found."""
    return statistics.median(map(column.value, measurements))


def _cell(column: Column, measurements: Sequence[Measurement]) -> str:
    """The median; with the smallest and the largest where systems are compared by it."""
    middle = format(median(column, measurements), column.form)
    values = [column.value(one) for one in measurements]
    if column.best is None or len(values) < 2:
        return middle
    return f"**{middle}** ({min(values):{column.form}} to {max(values):{column.form}})"


def _ratio(column: Column, ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> str:
    if column.best is None or ours is theirs:
        return ""
    own, other = median(column, ours), median(column, theirs)
    return f"{column.best(own, other):.2f}" if own and other else ""


def problems(results: Results) -> list[str]:
    """What makes a figure less than it seems: failures, missing deliveries, errors, clients cut off."""
    found = []
    for one in results.measurements:
        where = f"{one.scenario}, {one.system}, round {one.round}"
        if one.failure:
            found.append(f"{where}: {one.failure}")
        for loaded in (one.loaded, one.undisturbed, one.baseline):
            missing = loaded.missing if loaded and loaded.said else 0  # Who only listens expects no number.
            if loaded and (missing or loaded.errors or loaded.gone or loaded.skipped):
                said = f"{missing} deliveries missing, {loaded.skipped} messages not said"
                found.append(f"{where}: {said}, {loaded.errors} errors, {loaded.gone} gone")
    return found
