"""A connection that owns its socket, on a real one: what it sends, sheds, answers, and how it ends."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from faults.raw import frame as masked
from prometheus_client import REGISTRY

from productflo.domain.passing import Passing
from productflo.protocol import frames
from productflo.protocol.codes import CloseCode
from productflo.server import wire as wires
from productflo.server.connection import OUTBOX_BYTES, Frame, Joined
from productflo.server.wire import Wire

PATIENCE_SECONDS = 20.0
MAX_MESSAGE = 1000


class Heard:
    """A receiver that keeps what it is told, and has room for a few messages."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.messages: list[str | bytes] = []
        self.spoken_to = asyncio.Event()
        self.gone = asyncio.Event()

    @property
    def full(self) -> bool:
        return len(self.messages) >= self.room

    def received(self, message: str | bytes) -> None:
        self.messages.append(message)
        self.spoken_to.set()
        if message == "fail":
            raise ZeroDivisionError

    def lost(self) -> None:
        self.gone.set()


class Line:
    """A wire, its receiver, and the peer's end."""

    def __init__(self, wire: Wire, heard: Heard, peer: socket.socket) -> None:
        self.wire = wire
        self.heard = heard
        self._peer = peer
        self._loop = asyncio.get_running_loop()

    async def say(self, data: bytes) -> None:
        """Send as the peer."""
        await self._loop.sock_sendall(self._peer, data)

    async def read(self, size: int) -> bytes:
        """Read so many bytes as the peer; fewer at the end of the connection."""
        read = bytearray()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(read) < size and (part := await self._loop.sock_recv(self._peer, size - len(read))):
                read += part
        return bytes(read)

    async def rest(self) -> bytes:
        """Read as the peer until the wire has ended."""
        try:
            return await self.read(1 << 30)
        except ConnectionResetError:
            return b""

    async def answered(self) -> None:
        """Return when everything that was said before has been read."""
        await self.say(masked(b"?", frames.PING))
        assert await self.read(3) == frames.frame(b"?", frames.PONG)

    def hang_up(self) -> None:
        """End the peer's side of the connection."""
        self._peer.shutdown(socket.SHUT_WR)


@asynccontextmanager
async def line(room: int = 1000) -> AsyncIterator[Line]:
    """A wire on a socket whose other end is the test's."""
    ours, peer = socket.socketpair()
    for end in (ours, peer):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    with ours, peer:
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        transport.pause_reading()
        wire, heard = Wire(transport, "192.0.2.7", MAX_MESSAGE), Heard(room)
        transport.set_protocol(wire)
        wire.start(heard)
        try:
            yield Line(wire, heard, peer)
        finally:
            transport.abort()
            await asyncio.wait_for(heard.gone.wait(), PATIENCE_SECONDS)


def counted(name: str, **labels: str) -> float:
    """What a counter stands at."""
    return REGISTRY.get_sample_value(f"productflo_{name}_total", labels) or 0


def fill(wire: Wire, size: int) -> None:
    """Have so many bytes wait, beyond what the transport takes."""
    while not wire._blocked:
        wire.send(Frame(b"x" * 16_384))
    for _ in range(0, size, 16_384):
        wire.send(Frame(b"x" * 16_384))


async def test_frames_go_out_and_messages_come_in() -> None:
    """In their order; the frame was made once."""
    async with line() as at:
        frame = Frame(b"hello")
        at.wire.send(frame)
        at.wire.send(frame)
        assert await at.read(14) == 2 * b"\x81\x05hello"
        assert frame.frame is frame.frame
        await at.say(masked(b"one") + masked(b"two", frames.BINARY) + masked(b"", frames.BINARY))
        await at.answered()
        assert at.heard.messages == ["one", b"two", b""]


@pytest.mark.parametrize("payload", [b"", b"\x03\xe9bye"])
async def test_a_close_is_answered_with_its_code(payload: bytes) -> None:
    """Then the server ends the connection; what was said before was told."""
    async with line() as at:
        await at.say(masked(b"one") + masked(payload, frames.CLOSE) + masked(b"late"))
        assert await at.rest() == frames.frame(payload[:2], frames.CLOSE)
        assert at.heard.messages == ["one"]
        assert at.wire.closed


async def test_the_first_reason_to_close_counts() -> None:
    """Nothing is sent after it, and nothing heard; the peer's answer ends it."""
    before = counted("closes", code="4401")
    async with line() as at:
        at.wire.close(CloseCode.UNAUTHENTICATED, "expired")
        at.wire.close(CloseCode.RESTART, "again")
        at.wire.send(Frame(b"late"))
        await at.say(masked(b"late") + masked(b"\x11\x31", frames.CLOSE))
        assert await at.rest() == frames.close_frame(4401, "expired")
        assert at.heard.messages == []
    assert counted("closes", code="4401") == before + 1


@pytest.mark.parametrize(
    ("sent", "code"),
    [(masked(b"\xff"), 1007), (masked(b"x" * 1001), 1009), (b"\x00\x00", 1002), (masked(b"fail"), 1011)],
)
async def test_what_is_wrong_is_told_and_nothing_read_on(sent: bytes, code: int) -> None:
    """Whoever's fault it is; what still comes is thrown away until the peer has understood."""
    async with line() as at:
        await at.say(sent + masked(b"late"))
        told = await at.rest()
        assert frames.close_code(told[2:]) == code
        await at.say(masked(b"more") * 1000)
        assert not any(message in ("late", "more") for message in at.heard.messages)
        at.hang_up()
        await asyncio.wait_for(at.heard.gone.wait(), PATIENCE_SECONDS)


async def test_a_receiver_without_room_leaves_the_socket_unread() -> None:
    """What was read of it already waits in the parser; it goes on from there."""
    async with line(room=3) as at:
        await at.say(b"".join(masked(b"%d" % number) for number in range(10)))
        await asyncio.wait_for(at.heard.spoken_to.wait(), PATIENCE_SECONDS)
        flood = asyncio.create_task(at.say(masked(b"x" * 1000) * 1000))
        done, _ = await asyncio.wait({flood}, timeout=0.05)
        assert not done
        assert at.heard.messages == ["0", "1", "2"]
        at.heard.room = 10
        at.wire.read_on()
        assert at.heard.messages == [str(number) for number in range(10)]
        at.heard.room = 10_000
        at.wire.read_on()
        await flood
        await at.answered()
        assert len(at.heard.messages) == 1010


async def test_a_slow_reader_is_closed_and_what_waits_is_dropped() -> None:
    """At the bound, with the code that says to come back; then it is cut off."""
    async with line() as at:
        fill(at.wire, OUTBOX_BYTES - 16_384)
        assert not at.wire.closed
        at.wire.send(Frame(b"x" * 32_768))
        assert at.wire.closed
        assert at.wire._outbox is None
        told = await at.rest()
        reason = told[told.rindex(b"\x03\xf5") + 2 :].decode()
        assert re.fullmatch(r"reading too slowly; resume, retry_after=[1-6]\.\d", reason)


@pytest.mark.parametrize(
    ("passing", "quarters"), [(Passing.TYPING, 1), (Passing.PRESENCE, 2), (Passing.RECEIPT, 3)]
)
async def test_what_passes_is_shed_for_a_slow_reader(passing: Passing, quarters: int) -> None:
    """Typing first, then presence, then receipts; counted, and the connection stays."""
    kind = passing.name.lower()
    before = counted("shed", kind=kind)
    async with line() as at:
        fill(at.wire, OUTBOX_BYTES * quarters // 4 - 16_384)
        at.wire.send(Frame(b"sent", passing))
        assert counted("shed", kind=kind) == before
        at.wire.send(Frame(b"x" * 32_768))
        at.wire.send(Frame(b"shed", passing))
        assert counted("shed", kind=kind) == before + 1
        assert not at.wire.closed


async def test_a_reader_who_catches_up_gets_everything_in_order() -> None:
    """`drained` waits for that, for all who wait; one of them may give up."""
    async with line() as at:
        fill(at.wire, 0)
        for number in range(100):
            at.wire.send(Frame(b"%03d" % number))
        waiting = [asyncio.create_task(at.wire.drained()) for _ in range(3)]
        done, _ = await asyncio.wait(waiting, timeout=0.01)
        assert not done
        waiting[0].cancel()
        reading = asyncio.create_task(at.read(1 << 30))
        await asyncio.gather(*waiting[1:])
        at.wire.send(Frame(b"end"))
        at.wire.close(CloseCode.RESTART, "again")
        at.hang_up()
        told = await reading
        expected = b"".join(frames.frame(b"%03d" % number) for number in range(100))
        assert told.endswith(expected + frames.frame(b"end") + frames.close_frame(1012, "again"))


async def test_a_flood_of_pings_is_left_unread() -> None:
    """Until its answers are read; then each has one, in order with what else was sent and said."""
    async with line() as at:
        fill(at.wire, 0)
        pings = b"".join(masked(b"%06d" % number, frames.PING) for number in range(50_000))
        flood = asyncio.create_task(at.say(pings + masked(b"said")))
        done, _ = await asyncio.wait({flood}, timeout=0.05)
        assert not done
        assert at.wire._transport.get_write_buffer_size() < 100_000
        at.wire.send(Frame(b"sent"))
        reading = asyncio.create_task(at.rest())
        await flood
        await asyncio.wait_for(at.heard.spoken_to.wait(), PATIENCE_SECONDS)
        at.hang_up()
        answers = b"".join(frames.frame(b"%06d" % number, frames.PONG) for number in range(50_000))
        assert (await reading).endswith(frames.frame(b"sent") + answers)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(wires, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(wires, "PING_TIMEOUT", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_a_peer_that_answers_pings_stays() -> None:
    """Asked after each silence, answered or not by a pong: anything that is read is a sign of life."""
    async with line() as at:
        for sign in (masked(b"", frames.PONG), masked(b"hello"), b"\x81"):
            assert await at.read(2) == frames.frame(b"", frames.PING)
            await at.say(sign)
        assert not at.wire.closed


@pytest.mark.usefixtures("impatient")
async def test_a_peer_that_answers_no_ping_is_cut_off() -> None:
    """Without a close frame, which it would not read either; counted."""
    before = counted("closes", code="1006")
    async with line() as at:
        assert await at.rest() in (b"", frames.frame(b"", frames.PING))
        await asyncio.wait_for(at.heard.gone.wait(), PATIENCE_SECONDS)
    assert counted("closes", code="1006") == before + 1


@pytest.mark.usefixtures("impatient")
async def test_a_peer_that_asks_and_does_not_read_is_cut_off() -> None:
    """It is left unread, which is no sign of life."""
    async with line() as at:
        fill(at.wire, 0)
        await at.say(masked(b"there?", frames.PING))
        await asyncio.wait_for(at.heard.gone.wait(), PATIENCE_SECONDS)


@pytest.mark.parametrize("waiting", [0, 100_000])
async def test_a_peer_that_answers_no_close_is_cut_off(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it reads or not."""
    monkeypatch.setattr(wires, "CLOSE_TIMEOUT", 0.05)
    async with line() as at:
        if waiting:
            fill(at.wire, waiting)
        at.wire.close(CloseCode.RESTART, "again")
        await asyncio.wait_for(at.heard.gone.wait(), PATIENCE_SECONDS)


async def test_a_peer_that_hangs_up_is_gone() -> None:
    """Without a close frame; what it said is told first."""
    async with line() as at:
        await at.say(masked(b"one"))
        at.hang_up()
        await asyncio.wait_for(at.heard.gone.wait(), PATIENCE_SECONDS)
        assert at.heard.messages == ["one"]
        at.wire.send(Frame(b"late"))
        at.wire.close(CloseCode.RESTART, "again")
        await asyncio.wait_for(at.wire.drained(), PATIENCE_SECONDS)


async def test_a_joined_write_counts_with_all_its_bytes() -> None:
    """So a slow reader is closed where it would have been with each of its frames alone."""
    many = Joined((b"x" * 1_000,) * 60)
    async with line() as at:
        fill(at.wire, 0)
        for _ in range(OUTBOX_BYTES // len(many)):
            at.wire.send(many)
        assert not at.wire.closed
        at.wire.send(many)
        assert at.wire.closed
