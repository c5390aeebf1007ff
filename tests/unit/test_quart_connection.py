"""A connection's outbox: bounded in bytes, dropped with the connection, never waited for by the sender."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from productflo.domain.passing import Passing
from productflo.protocol.codes import CloseCode
from productflo.server import quart_connection
from productflo.server.connection import LOW_WATER, OUTBOX_BYTES, Frame
from productflo.server.quart_connection import QuartConnection


class Carrier:
    """A WebSocket whose reader reads when told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed_with: tuple[int, str] | None = None
        self.reading = asyncio.Event()

    async def receive(self) -> str:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def send(self, text: str) -> None:
        await self.reading.wait()
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        await self.reading.wait()
        self.closed_with = (code, reason)


class Silence:
    """The receiver of a client that says nothing."""

    full = False

    def received(self, message: str | bytes) -> None:
        raise AssertionError(message)

    def lost(self) -> None:
        pass


class Line:
    """A connection on such a carrier."""

    def __init__(self) -> None:
        self.carrier = Carrier()
        self.connection = QuartConnection(self.carrier, "192.0.2.7", 65_536)  # type: ignore[arg-type]

    def fill(self, frame: Frame) -> int:
        """Send until the connection gives up; how many frames that took."""
        sent = 0
        while not self.connection.closed:
            self.connection.send(frame)
            sent += 1
        return sent


def kilobytes(number: int) -> Frame:
    """A frame of a size."""
    return Frame(b"x" * 1024 * number)


async def test_frames_leave_in_their_order() -> None:
    """And the close frame after those that were under way; nothing is sent after a close."""
    line = Line()
    line.carrier.reading.set()
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(line.connection.run(Silence()))
        for text in (b"1", b"2", b"3"):
            line.connection.send(Frame(text))
        line.connection.send(kilobytes(LOW_WATER // 1024))
        await line.connection.drained()
        assert line.carrier.sent[:3] == ["1", "2", "3"]
        line.connection.close(CloseCode.RESTART, "again")
        line.connection.send(Frame(b"4"))
        await writing
    assert line.carrier.closed_with == (1012, "again")
    assert "4" not in line.carrier.sent


async def test_the_first_reason_to_close_counts() -> None:
    """A connection is closed once."""
    line = Line()
    line.carrier.reading.set()
    line.connection.close(CloseCode.UNAUTHENTICATED, "expired")
    line.connection.close(CloseCode.RESTART, "again")
    await line.connection.run(Silence())
    assert line.carrier.closed_with == (4401, "expired")


async def test_a_slow_reader_is_closed_and_its_outbox_dropped() -> None:
    """At the bound, with the code that says to come back; what it did read stays read."""
    line = Line()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(line.connection.run(Silence()))
        assert line.fill(kilobytes(64)) == OUTBOX_BYTES // (64 * 1024) + 1
        line.carrier.reading.set()
    assert line.carrier.closed_with is not None
    assert line.carrier.closed_with[0] == CloseCode.SLOW
    assert len(line.carrier.sent) <= 1


def shed(passing: Passing) -> float:
    """How often this was shed, over all connections."""
    return REGISTRY.get_sample_value("productflo_shed_total", {"kind": passing.name.lower()}) or 0


@pytest.mark.parametrize(
    ("passing", "quarters"), [(Passing.TYPING, 1), (Passing.PRESENCE, 2), (Passing.RECEIPT, 3)]
)
async def test_what_passes_is_shed_for_a_slow_reader(passing: Passing, quarters: int) -> None:
    """Typing first, then presence, then receipts; counted, and the connection stays."""
    line = Line()
    before = shed(passing)
    line.connection.send(kilobytes(OUTBOX_BYTES * quarters // 4096))
    line.connection.send(Frame(b"sent", passing))
    assert shed(passing) == before
    line.connection.send(Frame(b"shed", passing))
    assert shed(passing) == before + 1
    assert not line.connection.closed


async def test_one_frame_above_the_bound_is_sent_to_a_reader_who_keeps_up() -> None:
    """A page of history may be larger than the outbox."""
    line = Line()
    line.carrier.reading.set()
    line.connection.send(kilobytes(2 * OUTBOX_BYTES // 1024))
    assert not line.connection.closed


async def test_a_reader_that_is_stuck_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer of a closed connection ends, though neither the frame nor the close frame leaves."""
    monkeypatch.setattr(quart_connection, "CLOSE_TIMEOUT", 0.05)
    line = Line()
    writing: asyncio.Task[Any] = asyncio.create_task(line.connection.run(Silence()))
    line.connection.send(kilobytes(1))
    await asyncio.wait({writing}, timeout=0.01)
    assert line.fill(kilobytes(64)) > 1
    await asyncio.wait_for(writing, 5)
    assert line.carrier.closed_with is None


async def test_drained_keeps_the_readers_pace() -> None:
    """It waits above the low-water mark, and a close ends the wait."""
    line = Line()
    await line.connection.drained()
    line.connection.send(kilobytes(LOW_WATER // 1024 + 1))
    waiting = asyncio.create_task(line.connection.drained())
    done, _ = await asyncio.wait({waiting}, timeout=0.01)
    assert not done
    line.connection.close(CloseCode.RESTART, "again")
    await waiting
