"""What is handed to a room's log, as the append script takes it, and what comes of it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from productflo.errors import Conflict, LeaseLost, NotFound, PermissionDenied, ProductFloError, TooLarge
from productflo.protocol.codec import Parts
from productflo.store.scripts import Argument


@dataclass(frozen=True, slots=True)
class RunGuard:
    """An assistant's right to write its answer: its lease's token, and the cursor to move with it."""

    assistant: str
    token: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A message to append. `content` is what a retry must repeat to count as one."""

    room: str
    sender: str
    message_id: str
    parts: Parts
    content: bytes
    files: tuple[str, ...] = ()
    guard: RunGuard | None = None

    @property
    def alone(self) -> bool:
        """A guarded answer moves its assistant's cursor: no other may share its call."""
        return self.guard is not None

    @property
    def answering(self) -> tuple[str, ...]:
        """A new message has no answer that could be stopped."""
        return ()

    @property
    def size(self) -> int:
        """Bytes that it takes up while it waits, roughly."""
        return self.parts.size + len(self.content)

    def arguments(self) -> Iterable[Argument]:
        """As append.lua takes it."""
        digest = _digest(self.sender, self.content)
        parts = self.parts
        said = (digest, parts.head, parts.text, parts.rest, parts.mentions)
        args: tuple[Argument, ...] = (self.sender, self.message_id, *said, *self.files)
        return ("chat", len(args), *args)


class Deed(StrEnum):
    """What can be done to a message."""

    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"


@dataclass(frozen=True, slots=True)
class Revision:
    """Something to do to a message, once for each `operation` of its sender.

    `details` are what append.lua takes beyond the encoded event; with it they are what a retry must repeat.
    `answering` are the assistants that may be writing an answer to the message.
    """

    room: str
    sender: str
    operation: str
    deed: Deed
    message_id: str
    parts: Parts
    details: tuple[str, ...] = ()
    answering: tuple[str, ...] = ()
    guard: None = None

    @property
    def alone(self) -> bool:
        """It shares a call with what its sender said before."""
        return False

    @property
    def size(self) -> int:
        """Bytes that it takes up while it waits, roughly."""
        return self.parts.size

    def arguments(self) -> Iterable[Argument]:
        """As append.lua takes it."""
        said = (self.deed, self.message_id, *self.details)
        digest = _digest("\n".join(said), self.parts.text)
        more = (self.parts.text, self.parts.mentions) if self.deed is Deed.EDIT else self.details
        args = (self.sender, self.operation, digest, self.message_id, self.parts.head, *more)
        return (self.deed, len(args), *args)


@dataclass(frozen=True, slots=True)
class Appended:
    """What is in the log.

    `envelope` is set only where it was there already, and tells it as it is now; others reach everybody over
    the bus. A reaction that changes nothing is not written: its `seq` is 0, and `message_seq` its message's.
    `assistants` are the room's, with what they listen to.
    """

    seq: int
    envelope: bytes | None
    assistants: dict[str, str]
    message_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A durable event as it is now."""

    seq: int
    envelope: bytes


def outcome(result: Any, entry: Entry | Revision, assistants: dict[str, str]) -> Appended | ProductFloError:
    """What append.lua tells of an entry: `PermissionDenied`, `NotFound`, `Conflict`, `TooLarge` or
    `LeaseLost` where it refused it."""
    match result:
        case [b"ok", seq]:
            return Appended(seq, None, assistants)
        case [b"duplicate", seq, envelope]:
            return Appended(seq, envelope, assistants)
        case [b"unchanged", message_seq]:
            return Appended(0, None, assistants, message_seq)
        case [refusal]:
            return _refusal(refusal, entry)
    raise AssertionError(f"append.lua told {result!r}")


def _refusal(told: bytes, entry: Entry | Revision) -> ProductFloError:
    match told, entry:
        case b"conflict", Revision():
            return Conflict(
                f"The request_id {entry.operation} stands for something else that you did. Use a new one.",
                field="request_id",
            )
        case b"conflict", _:
            return Conflict(
                f"The message_id {entry.message_id} stands for another message of this room. Use a new one.",
                field="data.message_id",
            )
        case b"not_found", _:
            return NotFound(f"The room has no message {entry.message_id}.", field="data.message_id")
        case b"not_yours", _:
            return PermissionDenied(
                f"The message {entry.message_id} is not yours to change.", field="data.message_id"
            )
        case b"full", _:
            return TooLarge(
                "The message has as many reactions as one may have: 20 emoji, 1,000 in all.",
                field="data.emoji",
            )
        case b"lost", _:
            return LeaseLost("Another worker has taken this answer over.")
    return PermissionDenied("You are not a member of this room. Join it first.", field="room_id")


def _digest(sender: str, content: bytes) -> bytes:
    return hashlib.blake2b(sender.encode() + b"\n" + content, digest_size=16).digest()
