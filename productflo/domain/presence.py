"""Which of a user's words counts."""

from dataclasses import dataclass

from productflo.protocol.codes import Presence


@dataclass(frozen=True, slots=True)
class Word:
    """A presence with the epoch it belongs to; a user's next word for everywhere begins a new epoch.

    Epochs only grow, so that of two words of a user the one with the higher epoch is the later.
    """

    presence: Presence
    epoch: int

    def __str__(self) -> str:
        return f"{self.presence}|{self.epoch}"

    @classmethod
    def parse(cls, text: str) -> "Word":
        """The word behind `word|epoch`; what the store notes after that is its own."""
        presence, epoch = text.split("|")[:2]
        return cls(Presence(presence), int(epoch))


def effective(everywhere: Word | None, in_room: Word | None) -> Presence:
    """A user's presence in a room: the room's word while its epoch lasts, else the word for everywhere."""
    if everywhere is None:
        return Presence.OFFLINE
    if in_room is not None and in_room.epoch == everywhere.epoch:
        return in_room.presence
    return everywhere.presence
