"""What is handed to a room's log, as the append script takes it, and what is found there."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from productflo.protocol.codec import Parts
from productflo.store.exchange import Argument

ARGUMENTS = 10
"""Of each event, as append.lua takes it: its kind, and what is done."""


@dataclass(frozen=True, slots=True)
class RunGuard:
    """An assistant's right to write its answer: its lease's token, and the cursor to move with it."""

    assistant: str
    token: str
    cursor: int


class Entry(NamedTuple):
    """A message to append. `content` is what a retry must repeat to count as one.

    Each message needs one, as it does `Parts` and `Appended`; a tuple is made in a quarter of the time that a
    frozen dataclass takes.

    `wakes` are assistants that probably hear it; `Appended.woken` tells which of them were woken with it.
    """

    room: str
    sender: str
    message_id: str
    parts: Parts
    content: bytes
    files: tuple[str, ...] = ()
    guard: RunGuard | None = None
    wakes: frozenset[str] = frozenset()

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
        said = (digest, parts.begin, parts.by, parts.text, parts.rest, parts.mentions)
        return ("chat", self.sender, self.message_id, *said, " ".join(self.files))


class Deed(StrEnum):
    """What can be done to a message."""

    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"


class Revision(NamedTuple):
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
    wakes: frozenset[str] = frozenset()

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
        args = (self.sender, self.operation, digest, self.message_id, self.parts.begin, self.parts.by, *more)
        return (self.deed, *args, *[""] * (ARGUMENTS - 1 - len(args)))


class Appended(NamedTuple):
    """What is in the log.

    `envelope` is set only where it was there already, and tells it as it is now; others reach everybody over
    the bus. A reaction that changes nothing is not written: its `seq` is 0, and `message_seq` its message's.
    `listening` are the assistants that hear the room; `woken` those of them that were woken with it.
    """

    seq: int
    envelope: bytes | None
    listening: frozenset[str]
    message_seq: int | None = None
    woken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Record:
    """A durable event as it is now; `generation` is the store's when it took it."""

    seq: int
    generation: str
    envelope: bytes


def _digest(sender: str, content: bytes) -> bytes:
    return hashlib.blake2b(sender.encode() + b"\n" + content, digest_size=16).digest()
