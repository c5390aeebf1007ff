"""What the server knows of a client's connection, whatever carries it.

Nothing above this interface can tell which implementation it has: ours, which owns the socket after the
upgrade (`wire`), or Quart's own `receive` and `send` (`quart_connection`).
"""

from collections.abc import Iterable, Sequence
from random import uniform
from typing import Protocol

from productflo import metrics
from productflo.domain.passing import Passing
from productflo.protocol import frames
from productflo.protocol.codes import CloseCode

OUTBOX_BYTES = 1_048_576
"""Bytes that may wait for a slow reader: a thousand messages, which is as much as a resume replays."""
LOW_WATER = 65_536
"""Bytes below which the outbox counts as drained."""
JOINED_BYTES = LOW_WATER
"""Bytes of events that are written to a member at once, so that what overflows is noticed after each."""
SLOW_RETURN_WITHIN = (1.0, 6.0)
"""Seconds, of which each slow reader is told to wait some. They were slow together and would come back
together: 100 of them at once held up everybody else for a third of a second."""
CLOSE_TIMEOUT = 2.0
"""Seconds for what is being sent and the close frame to leave; behind a stuck reader they never do."""

_SHED = {kind: metrics.SHED.labels(kind.name.lower()) for kind in Passing}


def too_slow() -> str:
    """The reason with which a slow reader is closed: when to come back."""
    return f"reading too slowly; resume, retry_after={uniform(*SLOW_RETURN_WITHIN):.1f}"  # noqa: S311


class Frame:
    """An envelope on its way to many connections; each form of it is made once for all of them.

    `frame` is the WebSocket frame, for a connection that owns its socket. `passing` where the envelope may be
    shed for a slow reader.
    """

    __slots__ = ("_text", "envelope", "frame", "passing")

    count = 1
    """Envelopes in it."""

    def __init__(self, envelope: bytes, passing: Passing | None = None) -> None:
        self.envelope = envelope
        self.frame = frames.frame(envelope)
        self.passing = passing
        self._text: str | None = None

    @property
    def texts(self) -> Iterable[str]:
        """For a carrier that takes text messages."""
        if self._text is None:
            self._text = self.envelope.decode()
        return (self._text,)

    def __len__(self) -> int:
        return len(self.envelope)


class Joined:
    """Durable events that follow each other, on their way to many connections, to each in one write.

    `frame` are the WebSocket frames of all.
    """

    __slots__ = ("_size", "count", "envelopes", "frame")

    passing = None

    def __init__(self, envelopes: Sequence[bytes]) -> None:
        self.envelopes = envelopes
        self.count = len(envelopes)
        self.frame = frames.joined(envelopes)
        self._size = sum(map(len, envelopes))

    @property
    def texts(self) -> Iterable[str]:
        """As `Frame.texts`, one for each event."""
        return (envelope.decode() for envelope in self.envelopes)

    def __len__(self) -> int:
        return self._size


def bursts_of(envelopes: Sequence[bytes]) -> list[Frame | Joined]:
    """Events as they are written: joined up to `JOINED_BYTES`."""
    if len(envelopes) == 1:
        return [Frame(envelopes[0])]
    if sum(map(len, envelopes)) <= JOINED_BYTES:
        return [Joined(envelopes)]
    bursts: list[Frame | Joined] = []
    begin = size = 0
    for at, one in enumerate(envelopes):
        if at > begin and size + len(one) > JOINED_BYTES:
            bursts.append(Joined(envelopes[begin:at]))
            begin, size = at, 0
        size += len(one)
    bursts.append(Joined(envelopes[begin:]))
    return bursts


class Connection(Protocol):
    """A client's end of a WebSocket."""

    @property
    def id(self) -> str:
        """Unique over all processes."""

    @property
    def address(self) -> str:
        """The client's network address without its port; empty where there is none."""

    @property
    def closed(self) -> bool:
        """Whether nothing more will be sent."""

    def send(self, frame: Frame | Joined) -> None:
        """Hand a frame, or several, over; never blocks.

        The outbox is bounded in bytes. Of a client that reads too slowly, what passes is shed: typing from a
        quarter of the bound on, presence from a half, receipts from three quarters. At the bound it is
        closed with 1013, since it can resume. After a close nothing is sent, silently.
        """

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection with a close frame; the first call counts.

        Of what waits for a slow reader, all but the first `LOW_WATER` bytes is dropped. A peer that does not
        answer within `CLOSE_TIMEOUT` is cut off.
        """

    def read_on(self) -> None:
        """The receiver has room again: take in what the client says."""

    async def drained(self) -> None:
        """Wait until little is waiting to be sent, or the connection is closed: replay keeps this pace."""


class Receiver(Protocol):
    """What a connection tells of its client. Nothing here blocks or raises."""

    @property
    def full(self) -> bool:
        """Whether the client is to be left unread until `Connection.read_on` is called."""

    def received(self, message: str | bytes) -> None:
        """The client said something: a text as str, a binary message as bytes."""

    def lost(self) -> None:
        """The connection is gone, and all that came over it was told; called once."""


def shed(frame: Frame | Joined, waiting: int) -> bool:
    """Whether to keep this from a reader for whom so many bytes are waiting; counted."""
    if frame.passing is None or waiting <= OUTBOX_BYTES * frame.passing // 4:
        return False
    _SHED[frame.passing].inc()
    return True
