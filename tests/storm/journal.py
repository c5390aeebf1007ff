"""What one client notes of one room, in the order in which it happened; no sockets, no clocks.

An operation (a chat, later an edit, a deletion, a reaction) has a name that tells it from every other one of
the storm: `operation_of` makes it from an envelope, as it was heard or as the log has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Opened:
    """A new connection; what was under way on the one before has no answer any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A join that names a position; without one (None) it asks for what comes from now on."""

    since: int | None = None
    generation: str | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to the last `Asked`."""

    generation: str
    last_seq: int
    continuous: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """GENERATION_CHANGED, told to a live reader; a gap goes on after `last_seq`."""

    generation: str
    last_seq: int
    continuous: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """GAP, told to a live reader: it goes on after `last_seq`."""

    last_seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An operation, each time that it is sent."""

    operation: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A durable event. A client's own one is the acknowledgement."""

    seq: int
    operation: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An error that names an operation, or UNCONFIRMED."""

    operation: str
    code: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The client was told that the operation is not written, and does not send it again."""

    operation: str


Entry = Opened | Asked | Joined | Changed | Skipped | Sent | Heard | Refused | Abandoned


@dataclass(slots=True)
class Journal:
    """One client in one room. `stayed`: it was there when the log was read, and has to know its end."""

    who: str
    room: str
    entries: list[Entry] = field(default_factory=list)
    stayed: bool = True


def operation_of(envelope: Mapping[str, Any]) -> str:
    """The name of the operation that a durable event's envelope tells of."""
    data = envelope["data"]
    message_id = data["message_id"]
    match envelope["code"]:
        case "chat_response":
            return str(message_id)
        case "edit":
            return edited(message_id, data["message"])
        case "delete":
            return deleted(message_id)
        case "reaction":
            return reacted(message_id, data["sender"], data["emoji"], data["action"])
        case other:
            raise ValueError(f"{other} is not a durable event")


def edited(message_id: str, text: str) -> str:
    """The name of an edit; the clients never give a message the same text twice."""
    return f"edit {message_id} {text}"


def deleted(message_id: str) -> str:
    """The name of a deletion: a message is deleted once."""
    return f"delete {message_id}"


def reacted(message_id: str, who: str, emoji: str, action: str) -> str:
    """The name of a reaction; the clients add and remove each emoji once."""
    return f"{action} {emoji} {message_id} {who}"


DURABLE = frozenset({"chat_response", "edit", "delete", "reaction"})
"""Codes of the envelopes that stand in a room's log."""
