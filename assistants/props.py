"""What stands for a room's store in a rehearsal: its messages, files and kept values, in memory."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from assistants.messages import Message
from assistants.receipt import Receipt
from productflo.domain.files import FileRecord, clean_name
from productflo.domain.media import HEAD_BYTES, media_type
from productflo.errors import NotFound
from productflo.service.clock import stamp, system_clock
from productflo.store.runs import LEASE, Lease


@dataclass(frozen=True, slots=True)
class Said:
    """The room's messages, as a transcript."""

    messages: list[Message]

    async def before(self, seq: int, limit: int) -> list[Message]:
        """See `Transcript.before`."""
        earlier = [message for message in self.messages if message.seq < seq]
        return earlier[-limit:] if limit else []

    async def find(self, message_id: str) -> Message | None:
        """See `Transcript.find`."""
        return next((message for message in self.messages if message.id == message_id), None)


@dataclass(frozen=True, slots=True)
class Attached:
    """The room's files, as `documents.RoomDocuments` reads them."""

    _files: dict[str, tuple[FileRecord, bytes]] = field(default_factory=dict)

    def add(self, name: str, content: bytes, by: str) -> str:
        """Keep a file, of the type that its content has; its id."""
        kind = media_type(content[:HEAD_BYTES], complete=len(content) <= HEAD_BYTES)
        file_id = f"file_{len(self._files) + 1}"
        record = FileRecord(file_id, clean_name(name), len(content), kind, stamp(system_clock), by)
        self._files[file_id] = (record, content)
        return file_id

    def named(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The content of some of them, by name."""
        return {record.name: content for record, content in (self._files[one] for one in ids)}

    async def attached(self, room: str, file_id: str) -> FileRecord:
        """A file; all are of the one room. Raises `NotFound`."""
        if file_id not in self._files:
            raise NotFound(f"There is no file {file_id}.")
        return self._files[file_id][0]

    async def content(self, record: FileRecord, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """Its bytes."""
        yield self._files[record.id][1][begin:end]


@dataclass(frozen=True, slots=True)
class Made:
    """Where an assistant keeps the files that it makes, as `attachments.OwnFiles`."""

    files: Attached
    owner: str

    async def keep(self, name: str, text: str) -> str:
        """See `Attachments.keep`."""
        return self.files.add(name, text.encode(), self.owner)


@dataclass(frozen=True, slots=True)
class Memories:
    """What an assistant keeps, as `keeping.RoomKept` stores it."""

    _values: dict[tuple[str, str], bytes] = field(default_factory=dict)

    async def get(self, room: str, assistant: str, owner: str, key: str) -> bytes | None:
        """A value."""
        return self._values.get((owner, key))

    async def set(self, room: str, assistant: str, owner: str, key: str, value: bytes, most: int) -> bool:
        """Keep a value; False beyond `most`."""
        if (owner, key) not in self._values and len(self._values) >= most:
            return False
        self._values[owner, key] = value
        return True

    async def delete(self, room: str, assistant: str, owner: str, key: str) -> None:
        """Forget a value."""
        self._values.pop((owner, key), None)

    async def keys(self, room: str, assistant: str, owner: str) -> list[str]:
        """The keys of an owner, sorted."""
        return sorted(key for whose, key in self._values if whose == owner)


class Nowhere:
    """Keeps no text of an answer: one that is broken off here is not begun again."""

    lease = LEASE

    async def renew(self, lease: Lease) -> str | None:
        """Nobody asks for a stop here."""
        return None

    async def save(self, lease: Lease, text: str, index: int) -> str | None:
        """Nor here."""
        return None

    async def act(self, lease: Lease) -> None:
        """Nobody would begin it again anyway."""


class Unseen:
    """Shows no pieces as a room sees them: who is at a rehearsal hears each as it is said."""

    async def typing(self, *, started: bool) -> None:
        """Nobody looks."""

    async def piece(self, text: str, index: int) -> None:
        """Nobody looks."""

    async def status(self, receipt: Receipt) -> None:
        """Nobody looks: the rehearsal has told it."""
