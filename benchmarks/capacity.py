"""What so many people need, from what was measured: `python -m benchmarks.capacity RESULTS PEOPLE...`.

The model is a sum. A web process spends time on each message that it takes in, on each delivery of one to a
connection, and on each message of its rooms that another process took in; the store on each message. What
each costs is fitted to the measurements at fixed rates (`scale-*`, `rate`), in which nothing is saturated
and hardly anything is joined; under pressure (`rate-high`) a server does better, which no sum of costs tells.
"""

import argparse
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import others
from benchmarks.rounds import Measurement, Results

FIT_FROM = ("scale-members-", "scale-connections-")
"""Names of the scenarios that costs are fitted to begin with these, or are `rate`."""
MOST_OTHERS = 15.0
"""Per cent of the server's core that others may take where costs are to be seen."""
BUSY = 0.5
"""Of a core, on average: the rest is for bursts, and for those who come back after a process has ended."""
CONNECTIONS = 10_000
"""Of one process at most: the default of PRODUCTFLO_MAX_CONNECTIONS."""
CORES = 8
"""Of a host."""


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds, and bytes of memory, of a web process and of the store."""

    message: float
    """Of the web process that takes a message in, for checking, storing and acknowledging it."""
    delivery: float
    """Of a web process for each connection that a message goes to."""
    stored: float
    """Of the store, for each message."""
    connection_bytes: float
    """Of a web process, for a connection that is idle in its rooms."""

    def web(self, messages: float, deliveries: float) -> float:
        """Cores that web processes use for so many a second."""
        return messages * self.message + deliveries * self.delivery


@dataclass(frozen=True, slots=True)
class Community:
    """People who are connected at once, and how they talk."""

    people: int
    devices: float = 1.2
    """Connections of one of them."""
    room: int = 20
    """Of the members of the room that is spoken in, those who are connected."""
    messages_an_hour: float = 30.0
    """Of one of them, at the busiest time of the day: one every two minutes."""

    @property
    def connections(self) -> float:
        """All together."""
        return self.people * self.devices

    @property
    def messages(self) -> float:
        """A second, of all."""
        return self.people * self.messages_an_hour / 3600

    @property
    def deliveries(self) -> float:
        """A second, to all connections."""
        return self.messages * self.room * self.devices


@dataclass(frozen=True, slots=True)
class Needs:
    """What runs a community. `web_cores` and `store_cores` are what is used, on average."""

    web_cores: float
    store_cores: float
    processes: int
    hosts: int
    shards: int
    memory: float
    """Bytes of connections, over all processes."""


def needs(costs: Costs, community: Community) -> Needs:
    """What runs a community, with every core busy for at most `BUSY` of the time.

    A message is taken in by one process and received by each that has a member of its room: with many
    processes about each of them has a process of its own, and receiving costs as much as taking in, at most.
    """
    processes = math.ceil(community.connections / CONNECTIONS)
    while True:
        received = community.messages * (min(processes, community.room * community.devices) - 1)
        web = costs.web(community.messages + received, community.deliveries)
        enough = max(processes, math.ceil(web / BUSY))
        if enough == processes:
            break
        processes = enough
    stored = community.messages * costs.stored
    shards = max(1, math.ceil(stored / BUSY))
    hosts = math.ceil((processes + shards) / CORES)
    memory = community.connections * costs.connection_bytes
    return Needs(web, stored, processes, hosts, shards, memory)


def is_fit(one: Measurement) -> bool:
    """Whether costs can be taken from a measurement: at a fixed rate, on a core that it had to itself.

    Who waits for the core handles what has come meanwhile at once, which is cheaper.
    """
    alone = one.scenario == "rate" or one.scenario.startswith(FIT_FROM)
    return bool(one.loaded and alone and others(one) < MOST_OTHERS)


def fitted(measurements: Iterable[Measurement]) -> Costs:
    """The costs that explain the first system's measurements best.

    Raises `ValueError` where there are too few of them, or too noisy ones.
    """
    every = list(measurements)
    every = [one for one in every if one.system == every[0].system]
    used = [one for one in every if is_fit(one)]
    if len({one.scenario for one in used}) < 3:
        raise ValueError("Costs need three scenarios at fixed rates: ./run bench --scenario 'scale-*'")
    points = [_point(one) for one in used]
    message, delivery = _least_squares(points)
    stored = statistics.median(one.loaded.cpu["store"] / one.loaded.own for one in used if one.loaded)
    memory = [one.memory["server"] for one in every if one.memory and "server" in one.memory]
    return Costs(message, delivery, stored, statistics.median(memory) if memory else 0.0)


def said_to_measured(costs: Costs, measurements: Iterable[Measurement]) -> list[float]:
    """How many times what was measured the model says, for each measurement that it was fitted to."""
    points = [_point(one) for one in measurements if is_fit(one)]
    return [costs.web(messages, deliveries) / cores for messages, deliveries, cores in points]


def _point(one: Measurement) -> tuple[float, float, float]:
    """Messages, deliveries and cores of the web process, a second."""
    if one.loaded is None:
        raise ValueError(f"{one.scenario} has no load")
    seconds = one.loaded.seconds
    return one.loaded.own / seconds, one.loaded.delivered / seconds, one.loaded.share("server")


def _least_squares(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The costs of a message and of a delivery with the least relative error: each point counts alike."""
    scaled = [(messages / cores, deliveries / cores) for messages, deliveries, cores in points]
    mm = sum(m * m for m, _ in scaled)
    md = sum(m * d for m, d in scaled)
    dd = sum(d * d for _, d in scaled)
    m1, d1 = sum(m for m, _ in scaled), sum(d for _, d in scaled)
    determinant = mm * dd - md * md
    message, delivery = (m1 * dd - d1 * md) / determinant, (d1 * mm - m1 * md) / determinant
    if message <= 0 or delivery <= 0:
        raise ValueError("The measurements are too noisy: a cost comes out below zero")
    return message, delivery


def told(costs: Costs, people: Sequence[int]) -> str:
    """A table in Markdown."""
    rows = [
        "| people connected | messages/s | deliveries/s | web processes | store shards | hosts | memory |",
        "|" + " ---: |" * 7,
    ]
    for count in people:
        community = Community(count)
        need = needs(costs, community)
        rows.append(
            f"| {count:,} | {community.messages:,.0f} | {community.deliveries:,.0f} | {need.processes:,} "
            f"| {need.shards:,} | {need.hosts:,} | {need.memory / 1e9:.2f} GB |"
        )
    return "\n".join(rows)


def main() -> None:
    """Read results, and tell what communities need."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("people", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    asked = parser.parse_args()
    print(told(fitted(Results.load(asked.results).measurements), asked.people))


if __name__ == "__main__":
    main()
