"""Hypothesis decides who says what, who comes and goes, and what dies meanwhile; the checker judges.

A few short stories in the suite; `./run test tests/faults/test_state_machine.py --hypothesis-profile=storm`
tells hundreds of longer ones, other ones each time.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from faults.conftest import World
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from processes import kill
from storm.habits import Habits
from storm.load import Load
from storm.person import Person

from productflo.store.connect import open_redis

MANUAL = Habits(tick=0.02, answer=1.5, back_off=0.05, hurry=0.3, insists=0, repeats=0, leaves=0, abandons=0.3)
"""Nobody does anything by himself but connect, join and send again."""
MOST_PEOPLE = 4
MOST_DEATHS = 2
"""Of processes in one story of the suite: each costs a second to start again."""
PATIENCE_SECONDS = 60.0
LONG = settings.get_current_profile_name() == "storm"
STORIES = settings(
    max_examples=300 if LONG else 6,
    stateful_step_count=50 if LONG else 25,
    derandomize=not LONG,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # A story does not happen twice: there is nothing to shrink.
    suppress_health_check=list(HealthCheck),
)

servers = st.integers(0, 1)
people = st.integers(0, MOST_PEOPLE - 1)
moments = st.floats(0.0, 0.3)


class Story(RuleBasedStateMachine):
    """One room, from its first word to the checker's verdict."""

    world: World

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.deployment = self.world.deployment
        self.room = f"story{next(self.world.stories)}"
        self.load = Load(self.deployment.address, seed, PATIENCE_SECONDS)
        self.deaths = 0
        self.tasks = asyncio.TaskGroup()
        self._do(self.tasks.__aenter__())
        for _ in range(2):
            self.enter()

    @precondition(lambda self: len(self.load.people) < MOST_PEOPLE)
    @rule()
    def enter(self) -> None:
        """Somebody comes."""
        number = len(self.load.people)
        self.load.enter(f"{self.room}.{number}", [self.room], MANUAL, self.tasks, speaks=False)

    @rule(who=people, words=st.integers(1, 5))
    def say(self, who: int, words: int) -> None:
        """Messages, edits, deletions and reactions, without waiting for an answer."""
        for _ in range(words):
            self._do(self._person(who).speak())

    @rule(who=people, times=st.integers(1, 3))
    def retry(self, who: int, times: int) -> None:
        """Things acknowledged are sent again."""
        for _ in range(times):
            self._do(self._person(who).repeat())

    @rule(who=people)
    def hang_up(self, who: int) -> None:
        """A connection is lost; its client resumes at any of the servers."""
        self._person(who).drop()

    @rule(seconds=moments)
    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self._do(asyncio.sleep(seconds))

    @rule()
    def cut_bus(self) -> None:
        """Pub/Sub drops what is said now."""
        self._do(self.deployment.store.cut_bus())

    @rule(seconds=moments)
    def pause_store(self, seconds: float) -> None:
        """The store stands still."""
        with self.deployment.store.stopped():
            self._do(asyncio.sleep(seconds))

    @rule(server=servers, seconds=moments)
    def pause_web(self, server: int, seconds: float) -> None:
        """A web server stands still."""
        with self.deployment.webs[server].stopped():
            self._do(asyncio.sleep(seconds))

    @precondition(lambda self: LONG or self.deaths < MOST_DEATHS)
    @rule(server=servers)
    def kill_web(self, server: int) -> None:
        """A web process dies; its parent starts another."""
        self.deaths += 1
        for pid in self.deployment.webs[server].workers():  # None while the one killed before comes back.
            kill(pid)

    @precondition(lambda self: LONG or self.deaths < MOST_DEATHS)
    @rule()
    def kill_store(self) -> None:
        """The store dies, and is started again."""
        self.deaths += 1
        self._do(self.deployment.store.kill())
        self._do(self.deployment.store.recover())

    def teardown(self) -> None:
        """Everything is answered and heard in the end, and nothing is wrong."""
        try:
            self._do(self._judge())
        finally:
            self.load.stop()
            self._do(self.tasks.__aexit__(None, None, None))

    async def _judge(self) -> None:
        async with open_redis(self.deployment.store.url()) as redis:
            settled = await self.load.settle_with(redis)
            (result,) = await self.load.results(redis)
        assert result.failures() == []
        assert settled, "\n".join(map(str, self.load.people))

    def _person(self, number: int) -> Person:
        return self.load.people[number % len(self.load.people)]

    def _do(self, what: Coroutine[Any, Any, object]) -> None:
        self.world.runner.run(what)


def test_stories(world: World) -> None:
    """Whatever happens, and in whatever order: nothing lost, doubled, out of order or missing."""

    class Told(Story):
        pass

    Told.world = world
    run_state_machine_as_test(Told, settings=STORIES)
