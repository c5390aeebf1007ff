"""Measurements in turns: each round measures every system, so that a noisy machine disturbs all alike."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.crowd import Failed, Joined, Latency, Loaded
from benchmarks.machine import load_average
from benchmarks.outcome import Outcome, Scenario
from benchmarks.systems import System


class Measurement(BaseModel):
    """One system in one scenario of one round. `failure` says why there is nothing else."""

    model_config = ConfigDict(frozen=True)

    scenario: str
    system: str
    round: int
    at: datetime
    load_average: float
    """Of the machine, before it began: what else went on."""
    joined: Joined | None = None
    loaded: Loaded | None = None
    undisturbed: Loaded | None = None
    answers: Loaded | None = None
    baseline: Loaded | None = None
    memory: Mapping[str, float] | None = None
    failure: str | None = None


class Results(BaseModel):
    """All that a call of `./run bench` measured."""

    model_config = ConfigDict(frozen=True)

    date: datetime
    machine: str
    flush: Latency | None = None
    """Of the disk, before the rounds began; None where it was not looked at."""
    measurements: tuple[Measurement, ...]

    def save(self, path: Path) -> None:
        """Write them down, one measurement a line."""
        lines = ",\n".join(one.model_dump_json(exclude_none=True) for one in self.measurements)
        head = f'{{"date":{json.dumps(self.date.isoformat())},"machine":{json.dumps(self.machine)},'
        if self.flush:
            head += f'"flush":{self.flush.model_dump_json()},'
        path.write_text(f'{head}"measurements":[\n{lines}\n]}}\n')

    def instead(self, measurements: Sequence[Measurement]) -> "Results":
        """The same, with these in place of what there was of their scenarios."""
        again = {one.scenario for one in measurements}
        kept = (one for one in self.measurements if one.scenario not in again)
        return self.model_copy(update={"measurements": (*kept, *measurements)})

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what `save` wrote."""
        return cls.model_validate_json(path.read_text())


@dataclass(frozen=True, slots=True)
class Rounds:
    """What is to be measured, how often. The first `own` systems are this server.

    The systems of a scenario are measured within a `turn`, which may wait for others on the machine.
    """

    scenarios: Sequence[Scenario]
    systems: Sequence[System]
    own: int
    count: int
    turn: Callable[[], AbstractContextManager[None]] = nullcontext

    def measurements(self) -> Iterator[Measurement]:
        """Measure everything; what fails is noted, and the rest goes on."""
        for number in range(1, self.count + 1):
            for scenario in self.scenarios:
                with self.turn():
                    yield from self._turn(scenario, number)

    def _turn(self, scenario: Scenario, number: int) -> Iterator[Measurement]:
        """Every system, one after the other."""
        for system in self.systems if scenario.for_peers else self.systems[: self.own]:
            yield _measure(scenario, system, number)


def _measure(scenario: Scenario, system: System, number: int) -> Measurement:
    known = {
        "scenario": scenario.name,
        "system": system.name,
        "round": number,
        "at": datetime.now(UTC),
        "load_average": load_average(),
    }
    try:
        outcome = scenario.measure(system)
    except Failed as failure:
        return Measurement.model_validate({**known, "failure": str(failure)})
    return Measurement.model_validate(
        {**known, **{name: getattr(outcome, name) for name in Outcome.__slots__}}
    )
