"""How often an answer under way is saved, and its lease renewed, on a clock that leaps."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from itertools import pairwise

from leaping import LeapingLoop

from assistants.answering import SAVE, Answering
from assistants.props import Nowhere, Unseen
from assistants.receipt import Receipt
from productflo.store.runs import Lease

LEASE = Lease("lab", "echo", "token", 0)


@dataclass
class _Noting(Nowhere):
    """Notes when it was asked for what, in seconds."""

    saves: list[float] = field(default_factory=list)
    renewals: list[float] = field(default_factory=list)

    async def save(self, lease: Lease, text: str, index: int) -> None:
        """The text was saved."""
        self.saves.append(asyncio.get_running_loop().time())

    async def renew(self, lease: Lease) -> None:
        """The lease was."""
        self.renewals.append(asyncio.get_running_loop().time())


async def nothing() -> None:
    """Nothing is done with a renewal."""


def answered(*waits: float) -> _Noting:
    """What an answer asks for that says a word after each of so many seconds."""

    async def words() -> AsyncGenerator[str, None]:
        for wait in waits:
            await asyncio.sleep(wait)
            yield "word "

    async def run() -> _Noting:
        noting = _Noting()
        async with asyncio.TaskGroup() as tasks:
            answering = Answering(noting, LEASE, Unseen(), Receipt(), tasks, nothing)
            outcome = await answering.run(words(), 600)
        assert outcome.text == "word " * len(waits)
        return noting

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(run())


def test_a_steady_flow_renews_the_lease_with_its_saves() -> None:
    """Each word is saved, and nothing else is asked for: of a worker's work for long answers that is most."""
    noting = answered(*[0.21] * 50)
    assert len(noting.saves) == 50
    assert noting.renewals == []


def test_silence_renews_it_by_itself() -> None:
    """An assistant that thinks keeps its lease, and hears of a stop as soon as one that talks."""
    noting = answered(0.1, 10.0)
    assert len(noting.saves) == 2
    at = [0.1, *noting.renewals, 10.1]
    assert max(later - earlier for earlier, later in pairwise(at)) < 2 * SAVE


def test_what_was_shown_just_after_a_save_is_saved_soon() -> None:
    """Words that come too fast to be saved one by one are, with the next look."""
    noting = answered(*[0.05] * 4, 10.0)
    first, *others, last = noting.saves
    assert first < 0.2
    assert others
    assert max(others) < 0.2 + 2 * SAVE
    assert last > 10
