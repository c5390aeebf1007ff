"""A drawing of how costs grow: microseconds of CPU against members, connections and processes, as SVG."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import SERVERS, cost
from benchmarks.rounds import Measurement, Results

WIDTH, HEIGHT = 380, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 34, 40
"""Margins of a panel, in pixels."""
TICKS = (1, 2, 5)
"""Marks of an axis stand at these times a power of ten."""
PROCESSES = ("server", "#1f6feb"), ("store", "#bf8700")


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing: scenarios whose names end in a number, and what they are counted by."""

    title: str
    prefix: str
    axis: str
    counted: str
    """`own` for messages, `delivered` for deliveries."""


PANELS = (
    Panel("µs a delivery, 20,000 deliveries/s", "scale-members-", "members of the room", "delivered"),
    Panel("µs a message, 1,000 messages/s, rooms of 10", "scale-connections-", "connections", "own"),
    Panel("µs a message, 250 rooms of 4", "scale-processes-", "web processes", "own"),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """From a number to a place in pixels, by its logarithm."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where it stands."""
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round numbers between the ends."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        return [
            tick * 10.0**power
            for power in powers
            for tick in TICKS
            if self.low <= tick * 10.0**power <= self.high
        ]


def points(results: Results, panel: Panel, process: str) -> list[tuple[int, float]]:
    """Medians over the rounds: the scenario's number, and microseconds."""
    names = SERVERS if process == "server" else (process,)
    found: dict[int, list[Measurement]] = {}
    for one in results.measurements:
        if one.loaded and one.scenario.startswith(panel.prefix):
            found.setdefault(int(one.scenario.removeprefix(panel.prefix)), []).append(one)
    value = cost(panel.counted, *names)
    return [(number, statistics.median(map(value, found[number]))) for number in sorted(found)]


def svg(results: Results) -> str:
    """The whole drawing: a panel for each of `PANELS`, side by side."""
    panels = [_panel(results, panel, number * WIDTH) for number, panel in enumerate(PANELS)]
    legend = "".join(
        f'<text x="{LEFT + 90 * number}" y="{HEIGHT + 14}" fill="{colour}">{name}</text>'
        for number, (name, colour) in enumerate(PROCESSES)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(PANELS)} {HEIGHT + 24}" '
        'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "".join(panels)
        + legend
        + "\n</svg>\n"
    )


def _panel(results: Results, panel: Panel, offset: int) -> str:
    lines = {name: points(results, panel, name) for name, _ in PROCESSES}
    every = [point for line in lines.values() for point in line]
    if not every:
        return ""
    numbers, values = [number for number, _ in every], [value for _, value in every]
    across = Scale(min(numbers) * 0.8, max(numbers) * 1.25, LEFT, WIDTH - RIGHT)
    up = Scale(min(values) * 0.7, max(values) * 1.4, HEIGHT - BOTTOM, TOP)
    drawn = [
        f'<g transform="translate({offset} 0)">',
        f'<text x="{LEFT}" y="16" font-weight="bold">{panel.title}</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{panel.axis}</text>',
        *(_tick_up(up(tick), tick) for tick in up.ticks()),
        *(_tick_across(across(number), number) for number in sorted(set(numbers))),
        *(_line(lines[name], across, up, colour) for name, colour in PROCESSES),
        "</g>\n",
    ]
    return "\n".join(drawn)


def _tick_up(y: float, value: float) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    )


def _tick_across(x: float, value: int) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:,}</text>'


def _line(line: Sequence[tuple[int, float]], across: Scale, up: Scale, colour: str) -> str:
    places = [(across(number), up(value)) for number, value in line]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
