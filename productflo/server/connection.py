"""What the server knows of a client's connection, whatever carries it.

Nothing above this interface can tell which implementation it has: Quart's own `receive` and `send`
(`quart_connection`), or one that owns the socket after the upgrade.
"""

from functools import cached_property
from typing import Protocol

from productflo.domain.passing import Passing
from productflo.protocol.codes import CloseCode


class Frame:
    """An envelope on its way to many connections; each form of it is made once for all of them.

    `passing` where it may be shed for a slow reader.
    """

    def __init__(self, envelope: bytes, passing: Passing | None = None) -> None:
        self.envelope = envelope
        self.passing = passing

    @cached_property
    def text(self) -> str:
        """For a carrier that takes text messages."""
        return self.envelope.decode()

    def __len__(self) -> int:
        return len(self.envelope)


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

    def send(self, frame: Frame) -> None:
        """Hand a frame over; never blocks.

        The outbox is bounded in bytes. Of a client that reads too slowly, what passes is shed: typing from a
        quarter of the bound on, presence from a half, receipts from three quarters. At the bound it is
        closed with 1013, and what it has not read is dropped, since it can resume. After a close nothing is
        sent, silently.
        """

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection with a close frame, as soon as it can be sent; what waits is dropped."""

    async def drained(self) -> None:
        """Wait until little is waiting to be sent, or the connection is closed: replay keeps this pace."""
