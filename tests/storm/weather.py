"""A storm from its beginning to its end: traffic, faults among it, quiet, and what the checker finds."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storm.deployment import Deployment
from storm.faults import CALM, FAULTS, Storm, cuts
from storm.findings import Result
from storm.habits import Habits
from storm.load import Load

from productflo.store.connect import open_redis

ROOMS = 10
ROOMS_EACH = 2
BETWEEN_FAULTS = 60
"""Operations acknowledged before the next fault: it must hit a system at work, not one that still starts."""
LONGEST_PAUSE_SECONDS = 2.0
LONGEST_SECONDS = 3600.0
"""For the number of messages that was asked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen. The seed decides on everything that is left to chance, except how fast it goes."""

    seed: int
    faults: Mapping[str, int]
    people: int = 48
    messages: int = 0
    """The traffic goes on until so many operations are acknowledged."""
    habits: Habits = field(default_factory=Habits)
    between: int = BETWEEN_FAULTS
    longest_pause: float = LONGEST_PAUSE_SECONDS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `settled`: in the end everything was answered, and everybody had heard everything."""

    results: Sequence[Result]
    settled: bool
    seconds: float
    notes: Sequence[str]


async def weather(deployment: Deployment, plan: Plan, journals: Path | None = None) -> Outcome:
    """Let it happen; `journals` is a folder for what everybody noted."""
    begun = time.monotonic()
    chance = random.Random(plan.seed)
    load = Load(deployment.address, plan.seed)
    async with (
        open_redis(deployment.store.url()) as redis,
        asyncio.TaskGroup() as tasks,
    ):
        rooms = [f"room{number}" for number in range(ROOMS)]
        for number in range(plan.people):
            load.enter(f"person{number}", chance.sample(rooms, ROOMS_EACH), plan.habits, tasks)
        storm = Storm(deployment, load, chance, tasks)
        try:
            await load.changes.until(lambda: all(one.present for one in load.people))
            await _faults(storm, plan)
            await load.changes.until(lambda: load.acknowledged >= plan.messages, LONGEST_SECONDS)
            settled = await load.settle_with(redis)
        finally:
            load.stop()
        if journals:
            load.save(journals)
        results = await load.results(redis)
    return Outcome(results, settled, time.monotonic() - begun, storm.notes)


async def _faults(storm: Storm, plan: Plan) -> None:
    """Cuts go on beside the faults of processes; those that are a load of their own come at the end."""
    names = list(Counter(plan.faults).elements())
    storm.chance.shuffle(names)
    calm = [name for name in names if name in CALM]
    cut = [name for name in names if cuts(name)]
    others = [name for name in names if name not in CALM and not cuts(name)]
    async with asyncio.TaskGroup() as lanes:
        lanes.create_task(_lane(storm, plan, others))
        lanes.create_task(_lane(storm, plan, cut))
    await _lane(storm, plan, calm)


async def _lane(storm: Storm, plan: Plan, names: Sequence[str]) -> None:
    for name in names:
        await storm.load.goes_on(plan.between)
        await storm.moment(plan.longest_pause)
        await FAULTS[name](storm)
