"""What one client notes of one room, in the order in which it happened; no sockets, no clocks.

An operation (a chat, an edit, a deletion, a reaction) has a name that tells it from every other one of the
storm: `operation_of` makes it from an envelope, as it was heard or as the log has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Opened:
    """A new connection; what was under way on the one before has no answer any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A join that names a position; without one (None) it asks for what comes from now on.

    Several can be under way: `request` comes back with the answer.
    """

    since: int | None = None
    generation: str | None = None
    request: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to an `Asked`; what follows counts from there."""

    generation: str
    last_seq: int
    continuous: bool = False
    reason: str | None = None
    request: str = ""


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


DURABLE = frozenset({"chat_response", "edit", "delete", "reaction"})
"""Codes of the envelopes that stand in a room's log."""


def operation_of(envelope: Mapping[str, Any]) -> str:
    """The name of the operation that a durable event's envelope tells of.

    The words of a message belong to its name: with other ones it is an operation that nobody sent. In the log
    itself there are none; they stand beside it.
    """
    data = envelope["data"]
    message_id = str(data["message_id"])
    words = data.get("message") or message_id
    if not words.startswith(message_id):
        return f"{message_id} with other words: {words[:40]}"
    match envelope["code"]:
        case "chat_response":
            return message_id
        case "edit":
            return edited(message_id)
        case "delete":
            return deleted(message_id)
        case "reaction":
            return reacted(message_id, data["sender"], data["emoji"], data["action"])
        case other:
            raise ValueError(f"{other} is not a durable event")


def edited(message_id: str) -> str:
    """The name of an edit: a message is edited once, and only by its author."""
    return f"edit {message_id}"


def deleted(message_id: str) -> str:
    """The name of a deletion: a message is deleted once."""
    return f"delete {message_id}"


def reacted(message_id: str, who: str, emoji: str, action: str) -> str:
    """The name of a reaction: each is added once, and taken back once."""
    return f"{action} {emoji} {message_id} {who}"


def words_of(message_id: str) -> str:
    """What the message says at first; from 20 to 200 bytes."""
    return f"{message_id} says " + "word " * (crc32(message_id.encode()) % 40)


def edited_words_of(message_id: str) -> str:
    """What the message says when it has been edited."""
    return f"{message_id} was edited"
