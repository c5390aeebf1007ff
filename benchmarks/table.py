"""Tables of what was measured: medians, spread, and how often as much one system does as another."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.machine import SERVER_CORE
from benchmarks.rounds import Measurement, Results

Value = Callable[[Measurement], float]
SERVER = ("server", "server2", "server3", "server4")


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of each measurement, of which the table has the median (and the spread where `spread`)."""

    head: str
    value: Value
    form: str
    spread: bool = False


def _rate(name: str) -> Value:
    return lambda one: float(getattr(one.loaded, name)) / one.loaded.seconds if one.loaded else 0.0


def _share(*names: str) -> Value:
    return lambda one: one.loaded.share(*names) * 100 if one.loaded else 0.0


def _cost(name: str, *processes: str) -> Value:
    """Microseconds of CPU for each of what `name` counts."""

    def value(one: Measurement) -> float:
        count = float(getattr(one.loaded, name)) if one.loaded else 0.0
        spent = sum(one.loaded.cpu.get(process, 0.0) for process in processes) if one.loaded else 0.0
        return spent / count * 1e6 if count else 0.0

    return value


def _others(one: Measurement) -> float:
    """Per cent of the server's core that neither the server nor idleness took: the noise."""
    if one.loaded is None:
        return 0.0
    core = one.loaded.cores[SERVER_CORE]
    ours = sum(one.loaded.cpu.get(name, 0.0) for name in SERVER)
    return max(0.0, (core.busy + core.steal - ours) / one.loaded.seconds * 100)


def _latency(quantile: str) -> Value:
    return lambda one: float(getattr(one.loaded.latency, quantile)) if one.loaded else 0.0


CONVERSATION = (
    Column("deliveries/s", _rate("delivered"), ",.0f", spread=True),
    Column("messages/s", _rate("own"), ",.0f"),
    Column("p50 ms", _latency("p50"), ".2f"),
    Column("p99 ms", _latency("p99"), ".2f"),
    Column("server %", _share(*SERVER), ".0f"),
    Column("store %", _share("store"), ".0f"),
    Column("generator %", _share("generator"), ".0f"),
    Column("others %", _others, ".0f"),
    Column("µs/delivery", _cost("delivered", *SERVER), ".2f"),
    Column("µs/message", _cost("own", *SERVER), ".1f"),
    Column("store µs/message", _cost("own", "store"), ".1f"),
)


def _cell(column: Column, measurements: Sequence[Measurement]) -> str:
    values = [column.value(one) for one in measurements]
    median = format(statistics.median(values), column.form)
    if not column.spread or len(values) < 2:
        return median
    return f"{median} ({min(values):{column.form}} to {max(values):{column.form}})"


def _ratio(ours: Sequence[Measurement], theirs: Sequence[Measurement], value: Value) -> str:
    below = statistics.median(map(value, theirs))
    return f"{statistics.median(map(value, ours)) / below:.2f}x" if below else ""


def table(results: Results, scenario: str) -> str:
    """A scenario's table in Markdown: a row for each system, and how the first one compares with it."""
    found = [one for one in results.measurements if one.scenario == scenario and one.loaded]
    names = list(dict.fromkeys(one.system for one in found))
    first = [one for one in found if one.system == names[0]] if names else []
    heads = ["system", *(column.head for column in CONVERSATION), "first to this"]
    rows = [heads, ["---", *("---:" for _ in heads[1:])]]
    for name in names:
        measured = [one for one in found if one.system == name]
        cells = [_cell(column, measured) for column in CONVERSATION]
        rows.append([name, *cells, _ratio(first, measured, CONVERSATION[0].value)])
    return "\n".join(_row(row) for row in rows)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def problems(results: Results) -> list[str]:
    """What makes a figure less than it seems: failures, missing deliveries, errors, a busy generator."""
    found = []
    for one in results.measurements:
        where = f"{one.scenario}, {one.system}, round {one.round}"
        if one.failure:
            found.append(f"{where}: {one.failure}")
        elif one.loaded and (one.loaded.missing or one.loaded.errors or one.loaded.gone):
            said = (
                f"{one.loaded.missing} deliveries missing, {one.loaded.errors} errors, {one.loaded.gone} gone"
            )
            found.append(f"{where}: {said}")
    return found
