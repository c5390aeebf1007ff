"""A connection that owns its socket: the data phase of a WebSocket, without a task.

The event loop calls in when something was read, when the socket takes more, and when a timer is due; nothing
here waits. How the socket is come by is `take_over`'s business.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from productflo import metrics
from productflo.protocol.codes import CloseCode
from productflo.protocol.frames import CLOSE, PING, PONG, Parser, ProtocolViolation, close_frame
from productflo.protocol.frames import frame as encoded
from productflo.protocol.ids import random_id
from productflo.server.connection import (
    CLOSE_TIMEOUT,
    LOW_WATER,
    OUTBOX_BYTES,
    Frame,
    Joined,
    Receiver,
    shed,
    too_slow,
)
from productflo.timers import NO_CONTEXT, later

log = logging.getLogger(__name__)

PING_INTERVAL = 20.0
"""Seconds of silence after which a peer is asked whether it is there."""
PING_TIMEOUT = 15.0
"""Seconds that it has for the answer. With the interval less than the minute after which proxies cut."""
GONE = "1006"
"""Label in the count of closes for those cut off without a close frame (RFC 6455, 7.4.1)."""

_PING = encoded(b"", PING)


class Wire(asyncio.Protocol):
    """A `Connection` on a transport whose upgrade is done; reading is paused until `start`."""

    __slots__ = (
        "_alive",
        "_blocked",
        "_closing",
        "_deaf",
        "_drained",
        "_keep",
        "_outbox",
        "_owed",
        "_parser",
        "_paused",
        "_receiver",
        "_timer",
        "_transport",
        "_waiting",
        "address",
        "id",
    )

    def __init__(
        self, transport: asyncio.Transport, address: str, max_message: int, keep: object = None
    ) -> None:
        """`max_message` is in bytes; what is larger closes the connection with 1009.

        `keep` lives as long as the socket: a StreamWriter closes its transport when it is collected.
        """
        self.id = random_id("conn")
        self.address = address
        self._transport = transport
        self._keep = keep
        self._parser = Parser(max_message)
        self._receiver: Receiver | None = None
        self._closing = False  # a close frame was sent, or will never be
        self._deaf = False  # whatever still comes is thrown away
        self._paused = True  # the receiver is full: the socket is left unread
        self._blocked = False  # the transport has enough to send for now
        self._outbox: deque[Frame | Joined] | None = None  # what waits for a reader who is slow
        self._waiting = 0  # bytes in it
        self._alive = False  # something was read since the last look
        self._owed: bytes | None = (
            None  # the ping of a slow reader, which is left unread until it has its answer
        )
        self._drained: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        transport.set_write_buffer_limits(high=LOW_WATER)
        self._arm(PING_INTERVAL, self._look)

    def start(self, receiver: Receiver) -> None:
        """Tell `receiver` from now on what the client says."""
        self._receiver = receiver
        self._read()

    @property
    def closed(self) -> bool:
        """Whether nothing more will be sent."""
        return self._closing or self._transport.is_closing()

    def send(self, frame: Frame | Joined) -> None:
        """See `Connection.send`."""
        if self._closing or self._transport.is_closing():
            return
        if self._blocked:
            self._keep_for_later(frame)
        else:
            self._transport.write(frame.frame)

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Connection.close`."""
        if self._closing:
            return
        metrics.CLOSES.labels(code.value).inc()
        self._end(close_frame(code, reason))
        if self._paused:  # The answer to the close frame is to be read.
            self._read()

    def read_on(self) -> None:
        """See `Connection.read_on`."""
        if self._paused:
            self._read()

    async def drained(self) -> None:
        """See `Connection.drained`."""
        while self._blocked and not self.closed:
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    def data_received(self, data: bytes) -> None:
        """The loop's: something was read."""
        self._alive = True
        if not self._deaf:
            self._parser.feed(data)
            self._read()

    def pause_writing(self) -> None:
        """The loop's: enough waits to be sent. What follows is kept here, where it can be dropped."""
        self._blocked = True

    def resume_writing(self) -> None:
        """The loop's: the reader goes on. May be blocked again by what was kept for it."""
        self._blocked = False
        while self._outbox and not self._blocked and not self.closed:
            frame = self._outbox.popleft()
            self._waiting -= len(frame)
            self._transport.write(frame.frame)
        if self._blocked or self.closed:
            return
        self._outbox = None
        if self._owed is not None:
            owed, self._owed = self._owed, None
            self._transport.write(encoded(owed, PONG))
            self.read_on()
        self._wake()

    def eof_received(self) -> bool:
        """The loop's: the peer will say no more. The transport closes itself."""
        self._deaf = self._closing = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The loop's: the socket is gone."""
        self._deaf = self._closing = True
        if self._timer:
            self._timer.cancel()
        self._timer = self._owed = self._outbox = self._keep = None
        self._wake()
        receiver, self._receiver = self._receiver, None
        if receiver:
            receiver.lost()

    def _read(self) -> None:
        """Hand on what was read, for as long as the receiver has room."""
        receiver = self._receiver
        if receiver is None:
            return
        try:
            while not self._deaf:
                if (receiver.full or self._owed is not None) and not self._closing:
                    self._pause()
                    return
                event = self._parser.next()
                if event is None:
                    break
                self._handle(receiver, *event)
        except ProtocolViolation as violation:
            self._fail(violation.code, violation.reason)
        except Exception:
            log.exception("A connection's receiver failed")
            self._fail(CloseCode.INTERNAL, "internal error; reconnect and resume")
        if self._paused and not self._transport.is_closing():
            self._paused = False
            NO_CONTEXT.copy().run(self._transport.resume_reading)  # asyncio's reader keeps its context

    def _handle(self, receiver: Receiver, opcode: int, payload: str | bytes) -> None:
        if opcode < CLOSE:
            if not self._closing:
                receiver.received(payload)
        elif isinstance(payload, bytes):
            if opcode == PING:
                self._answer(payload)
            elif opcode == CLOSE:
                self._left(payload)

    def _answer(self, ping: bytes) -> None:
        """Whoever does not read the answers is not read either: a flood of pings costs nothing."""
        if self._blocked:
            self._owed = ping
        elif not self._closing:
            self._transport.write(encoded(ping, PONG))

    def _left(self, payload: bytes) -> None:
        """The peer closes, or answers our close: the server goes first (RFC 6455, 7.1.1)."""
        self._deaf = True
        if not self._closing:
            self._end(encoded(payload[:2], CLOSE))
        self._transport.close()

    def _fail(self, code: CloseCode, reason: str) -> None:
        """Close because of what the client sent, and read nothing more of it.

        Only our half of the socket is shut at first: closing it with bytes unread would send a reset, and
        the client might never see why.
        """
        self.close(code, reason)
        self._deaf = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _end(self, farewell: bytes) -> None:
        """Send the last frame instead of all that was kept; whoever does not take it in time is cut off."""
        self._closing = True
        self._outbox = self._owed = None
        if not self._transport.is_closing():
            self._transport.write(farewell)
        self._arm(CLOSE_TIMEOUT, self._transport.abort)
        self._wake()

    def _keep_for_later(self, frame: Frame | Joined) -> None:
        """For a slow reader. All of them share the frame; nothing of it is copied."""
        if shed(frame, self._waiting):
            return
        if self._outbox is None:
            self._outbox, self._waiting = deque(), 0
        if self._waiting + len(frame) > OUTBOX_BYTES and self._outbox:
            self.close(CloseCode.SLOW, too_slow())
            return
        self._outbox.append(frame)
        self._waiting += len(frame)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _look(self, *, asked: bool = False) -> None:
        """Nothing read since the last look: ask; nothing since then either: give up."""
        if self._alive or (self._paused and self._owed is None):
            self._alive = False
            self._arm(PING_INTERVAL, self._look)
        elif not asked:
            if not self._blocked:
                self._transport.write(_PING)
            self._arm(PING_TIMEOUT, self._look_again)
        else:
            metrics.CLOSES.labels(GONE).inc()
            self._closing = True
            self._transport.abort()

    def _look_again(self) -> None:
        self._look(asked=True)

    def _arm(self, delay: float, action: Callable[[], object]) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = later(delay, action)

    def _wake(self) -> None:
        if self._drained and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
