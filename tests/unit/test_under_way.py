"""Events under way: bounded, watched by one timer, and waited for."""

import asyncio

import pytest

from productflo.server import under_way as module
from productflo.server.under_way import MOST, UnderWay


class Told:
    """What it calls back with."""

    def __init__(self) -> None:
        self.answered: list[str] = []
        self.late: list[str] = []
        self.rooms = 0
        self.came = asyncio.Event()

    def has_answer(self, what: str, answer: object) -> None:
        assert answer == f"of {what}"
        self.answered.append(what)

    def is_late(self, what: str) -> None:
        self.late.append(what)
        self.came.set()

    def has_room(self) -> None:
        self.rooms += 1


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is late at once."""
    monkeypatch.setattr(module, "LATE_AFTER", 0.02)


async def test_room_is_told_of_once_when_there_is_some_again() -> None:
    """And not for each answer."""
    told = Told()
    events = UnderWay[str, object](told.has_answer, told.is_late, told.has_room)
    answers = []
    for at in range(MOST):
        assert not events.full
        answers.append(events.add(str(at)))
    assert events.full
    waiting = asyncio.create_task(events.some())
    for at, answer in enumerate(answers[:3]):
        answer(f"of {at}")
    await waiting
    assert not events.full
    assert told.answered == ["0", "1", "2"]
    assert told.rooms == 1


async def test_all_waits_for_those_that_are_there(soon: None) -> None:
    """What is added meanwhile is not waited for."""
    told = Told()
    events = UnderWay[str, object](told.has_answer, told.is_late, told.has_room)
    await events.all()
    first = events.add("first")
    waiting = asyncio.create_task(events.all())
    await asyncio.sleep(0)
    events.add("second")
    first("of first")
    await waiting
    assert told.answered == ["first"]


async def test_what_takes_long_is_told_once(soon: None) -> None:
    """Each at its own time, also what was added after one that was told."""
    told = Told()
    events = UnderWay[str, object](told.has_answer, told.is_late, told.has_room)
    quick = events.add("quick")
    events.add("slow")
    quick("of quick")
    await told.came.wait()
    assert told.late == ["slow"]
    told.came.clear()
    events.add("later")
    await told.came.wait()
    assert told.late == ["slow", "later"]
