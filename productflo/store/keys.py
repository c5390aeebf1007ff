"""The names of everything kept in Redis. docs/reference/redis-keys.md tells what each holds.

The keys of a room share the hash tag `{room}`, so that they stay in one Cluster slot and one script can
change them together; room ids contain no braces (`protocol.ids`).
"""

import zlib
from dataclasses import dataclass, field

PRESENCE_SHARDS = 64
"""Slots that presence is spread over: enough for a large cluster, few enough to sweep every second."""


_OF_A_ROOM = (
    *("log", "meta", "ids", "members", "reads", "files", "words", "assistants", "bus"),
    *("messages", "deleted", "feedback", "seen", "approvals"),
)


@dataclass(frozen=True, slots=True)
class RoomKeys:
    """The keys of one room."""

    room: str
    log: str = field(init=False)
    meta: str = field(init=False)
    ids: str = field(init=False)
    members: str = field(init=False)
    reads: str = field(init=False)
    files: str = field(init=False)
    words: str = field(init=False)
    assistants: str = field(init=False)
    bus: str = field(init=False)
    messages: str = field(init=False)
    deleted: str = field(init=False)
    feedback: str = field(init=False)
    seen: str = field(init=False)
    approvals: str = field(init=False)

    def __post_init__(self) -> None:
        for name in _OF_A_ROOM:
            object.__setattr__(self, name, f"{{{self.room}}}:{name}")

    @property
    def seen_before(self) -> str:
        """`seen` of the day before."""
        return f"{self.seen}:before"

    def run(self, assistant: str) -> str:
        """Lease, fence, cursor and live answer of an assistant in this room."""
        return f"{{{self.room}}}:run:{assistant}"

    def admitted(self, assistant: str) -> str:
        """Questions to an assistant in this room that its rate has let through."""
        return f"{{{self.room}}}:admitted:{assistant}"

    def spent(self, assistant: str) -> str:
        """Budget of an assistant in this room."""
        return f"{{{self.room}}}:spent:{assistant}"

    def claim(self, seq: int) -> str:
        """Which of several assistants that hear a question answers it."""
        return f"{{{self.room}}}:claim:{seq}"

    def kept(self, assistant: str) -> str:
        """What an assistant keeps in this room."""
        return f"{{{self.room}}}:kept:{assistant}"


def slot(room: str) -> str:
    """A key in the slot of all keys of a room, for who only wants to know where they are.

    What a hash tag holds has by itself the slot that it gives.
    """
    return room


@dataclass(frozen=True, slots=True)
class PresenceKeys:
    """The keys of one presence shard. The slash in their hash tag keeps them apart from those of any room."""

    shard: int

    def _key(self, name: str) -> str:
        return f"{{p/{self.shard:02}}}:{name}"

    @property
    def leases(self) -> str:
        """Sorted set `user|connection` -> end of its lease, in ms of Redis TIME."""
        return self._key("leases")

    @property
    def counts(self) -> str:
        """Hash user -> number of leases."""
        return self._key("counts")

    @property
    def words(self) -> str:
        """Hash user -> `word|epoch`, for users who are there."""
        return self._key("words")

    @property
    def changes(self) -> str:
        """Sorted set user -> epoch of the newest change of their presence, kept for a day."""
        return self._key("changes")

    @property
    def sweep(self) -> str:
        """Hash: when this shard was last swept, and until when nothing may be."""
        return self._key("sweep")

    @property
    def bus(self) -> str:
        """Channel of presence changes."""
        return self._key("bus")


def presence_shard(user: str) -> int:
    """The shard of a user; crc32 because it is the same in every process."""
    return zlib.crc32(user.encode()) % PRESENCE_SHARDS


def user_rooms(user: str) -> str:
    """Set of the rooms that a user is a member of; an index of the rooms' own members."""
    return f"user:{user}:rooms"


def user_teams(user: str) -> str:
    """Set of the teams that a user is in; an index of the teams' own members."""
    return f"user:{user}:teams"


def team(team_id: str) -> str:
    """Set of a team's users."""
    return f"team:{team_id}"


def ready(assistant: str) -> str:
    """Stream of wake-ups of an assistant; the rooms' logs and cursors are the truth."""
    return f"ready:{assistant}"


def slots(assistant: str) -> str:
    """Hash worker -> slots of an assistant that it holds, where their number is limited."""
    return f"slots:{assistant}"


def admitted(assistant: str, user: str) -> str:
    """Questions of a user to an assistant in all rooms that its rate has let through."""
    return f"admitted:{assistant}:{user}"


def spent(assistant: str, user: str | None = None) -> str:
    """Budget of an assistant in all rooms: for one user who asks, or for all."""
    return f"spent:{assistant}" if user is None else f"spent:{assistant}:{user}"


SWEEPER = "presence:sweeper"
"""The process whose turn it is to sweep presence; anybody's where it is not there."""

TEAMS = "teams"
"""Set of all team ids."""

ASSISTANTS = "assistants"
"""Hash assistant id -> its profile, written by workers."""

RETENTION_SWEEP = "retention:sweep"
"""String that is there while no sweep of the quiet rooms is due."""
