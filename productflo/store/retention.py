"""How much of a room is kept."""

from dataclasses import dataclass

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Retention:
    """The limits of a room's log; 0 is no limit.

    `events` counts durable events: messages, and what was done to them. `days` is their age. `size` is in
    bytes of their envelopes, as they went over the wire. Whichever is reached first counts.
    """

    events: int = 0
    days: float = 0
    size: int = 0

    def arguments(self) -> tuple[int, int, int]:
        """As the scripts take them: events, milliseconds, bytes."""
        return self.events, round(self.days * DAY_MS), self.size
