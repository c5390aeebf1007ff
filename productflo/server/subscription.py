"""A connection's ear in a room.

A subscription that is new, or resumes, is not live yet: durable events reach it from the log until it has
caught up with the feed (the log is the buffer), and passing events wait in its `held`.
"""

from dataclasses import dataclass, field

from productflo import metrics
from productflo.domain.passing import Passing
from productflo.server.connection import Connection, Frame

HELD = 256
"""Passing events (joins, receipts, presence) kept for a subscription that catches up."""
HELD_BYTES = 65_536
"""Their bytes. What goes beyond either is shed: what may be shed for a slow reader first, oldest first."""

_SHED = {kind: metrics.SHED.labels(kind.name.lower()) for kind in Passing} | {
    None: metrics.SHED.labels("notice")
}


@dataclass(slots=True, eq=False)
class Subscription:
    """A connection's ear in a room.

    `cursor` is the seq of the last durable event handed to it; `leaves` counts the memberships that had ended
    in the room when it joined.
    """

    connection: Connection
    user: str
    stream: bool
    cursor: int = 0
    leaves: int = 0
    held: list[Frame] | None = field(default_factory=list)
    held_bytes: int = 0

    @property
    def live(self) -> bool:
        """Whether events reach it as they happen."""
        return self.held is None

    def hand(self, frame: Frame) -> None:
        """A passing event: sent, or held until the subscription has caught up."""
        if self.held is None:
            self.connection.send(frame)
            return
        self.held.append(frame)
        self.held_bytes += len(frame)
        while len(self.held) > HELD or self.held_bytes > HELD_BYTES:
            shed = next((at for at, one in enumerate(self.held) if one.passing is not None), 0)
            frame = self.held.pop(shed)
            self.held_bytes -= len(frame)
            _SHED[frame.passing].inc()

    def release(self) -> None:
        """What was held is sent, and what follows as it happens."""
        held, self.held = self.held or (), None
        for frame in held:
            self.connection.send(frame)
