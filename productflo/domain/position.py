"""Where a client stands in a room, and whether it may go on from there."""

from dataclasses import dataclass

from productflo.protocol.codes import GapReason

REPLAY_LIMIT = 1_000
"""Missed events that a resume replays; above it a client pages, which it can do in the order it likes."""
REPLAY_BYTES = 1_048_576
"""Bytes of missed events that a resume replays: as much as may wait for a slow reader."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a room stands.

    `generation` names the present state of the store; `predecessors` are the generations before it, each
    with the seq at which it ended here, newest first. `first_seq` is the oldest retained event's.
    """

    generation: str
    last_seq: int
    predecessors: tuple[tuple[str, int], ...]
    first_seq: int

    @classmethod
    def of(cls, generation: bytes, last_seq: int, predecessors: bytes, first_seq: int) -> "Position":
        """The position that the scripts tell."""
        pairs = (pair.split(":") for pair in predecessors.decode().split(",") if pair)
        return cls(
            generation.decode(), int(last_seq), tuple((name, int(seq)) for name, seq in pairs), int(first_seq)
        )

    def gap(self, since: int, generation: str | None, missed_bytes: int = 0) -> GapReason | None:
        """Why a client that has everything up to `since` in `generation` can not go on; None: it can.

        Without a generation the client means the present one, and can not be told that the store went back
        unless it has more than the room. `missed_bytes` are those of the events after `since`.
        """
        if since > self.valid_up_to(generation or self.generation):
            return GapReason.REWOUND
        if since + 1 < self.first_seq:
            return GapReason.TRIMMED
        if self.last_seq - since > REPLAY_LIMIT or missed_bytes > REPLAY_BYTES:
            return GapReason.TOO_MANY
        return None

    def valid_up_to(self, generation: str) -> int:
        """The seq up to which a generation's events are those of this log; -1 where it is not known here.

        What an older generation held up to the seq at which it ended here is still in the log; what lay
        beyond was lost. It counts up to the lowest end of itself and all that followed it, because each
        restart may have gone further back.
        """
        if generation == self.generation:
            return self.last_seq
        lowest = self.last_seq
        for name, ended_at in self.predecessors:
            lowest = min(lowest, ended_at)
            if name == generation:
                return lowest
        return -1


def is_later(generation: str, known: str) -> bool:
    """Whether a generation of a room began after another: they are decimal numbers that grow."""
    return (len(generation), generation) > (len(known), known)


NOWHERE = Position("", 0, (), 1)
"""Where a room stands that is not there: the store was wiped, or goes back to a time before it."""
