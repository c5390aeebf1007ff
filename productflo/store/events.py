"""What travels on a room's channel, and how it is written there.

A message is a line with a JSON array, kind first, then the envelopes, one a line (encoded JSON holds no
line break). A receiver reads the first line only and hands the envelopes on as they are.
"""

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from productflo.domain.passing import Passing


class Logged(NamedTuple):
    """Durable events, from `first_seq` on without a hole. Written by append.lua, never by `encode`.

    `generation` is the store's when it took them, `accepted_ms` its clock then, in ms since 1970.
    """

    first_seq: int
    generation: str
    accepted_ms: int
    envelopes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """An envelope that is not kept: to all subscriptions, all but one user's, or only some users'.

    `passing` where it may be shed for a slow reader.
    """

    envelope: bytes
    but: str | None = None
    only: tuple[str, ...] | None = None
    passing: Passing | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """Somebody started or stopped typing; `envelope` tells it, `stopped` tells its end."""

    user: str
    started: bool
    envelope: bytes
    stopped: bytes


@dataclass(frozen=True, slots=True)
class PieceSaid:
    """The next piece of an answer that is being written."""

    message_id: str
    run_id: str
    index: int
    envelope: bytes


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Somebody stops the answer that will have this message id."""

    message_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A user is a member from now on; `envelope` tells it to the others."""

    user: str
    member_count: int
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Removed:
    """A user is no member any more; `envelope` tells it. Written by leave.lua, never by `encode`.

    `leaves` counts the memberships that have ended in the room: of the user's subscriptions those end that
    began when fewer had.
    """

    user: str
    leaves: int
    member_count: int
    envelope: bytes


Published = Live | Typed | PieceSaid | StopAsked | Entered
"""Events that the processes publish; the others are the scripts'."""

RoomEvent = Published | Logged | Removed


def encode(event: Published) -> bytes:
    """An event as it is published."""
    match event:
        case Live():
            return _lines(["live", event.but, event.only, event.passing], event.envelope)
        case Typed():
            return _lines(["typed", event.user, event.started], event.envelope, event.stopped)
        case PieceSaid():
            return _lines(["piece", event.message_id, event.run_id, event.index], event.envelope)
        case StopAsked():
            return _lines(["stop", event.message_id, event.by])
        case Entered():
            return _lines(["entered", event.user, event.member_count], event.envelope)


def decode(message: bytes) -> RoomEvent:
    """The event of a published message. Raises ValueError for anything that this version does not write."""
    head, *envelopes = message.split(b"\n")
    match orjson.loads(head), envelopes:
        # As class patterns, the three would take half a microsecond each, for every message on a chat's path.
        case ["log", first_seq, generation, accepted_ms], _ if (
            type(first_seq) is int and type(generation) is str and type(accepted_ms) is int
        ):
            return Logged(first_seq, generation, accepted_ms, tuple(envelopes))
        case ["live", but, only, passing], [envelope]:
            return Live(
                envelope,
                but,
                None if only is None else tuple(only),
                None if passing is None else Passing(passing),
            )
        case ["typed", user, started], [envelope, stopped]:
            return Typed(user, started, envelope, stopped)
        case ["piece", message_id, run_id, index], [envelope]:
            return PieceSaid(message_id, run_id, index, envelope)
        case ["stop", message_id, by], []:
            return StopAsked(message_id, by)
        case ["entered", user, member_count], [envelope]:
            return Entered(user, member_count, envelope)
        case ["removed", user, int(leaves), member_count], [envelope]:
            return Removed(user, leaves, member_count, envelope)
    raise ValueError(f"no event of this version: {head[:80]!r}")


def _lines(head: list[object], *envelopes: bytes) -> bytes:
    return b"\n".join((orjson.dumps(head), *envelopes))
