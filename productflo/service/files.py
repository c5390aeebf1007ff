"""Files: taking them in, and who may read and attach them.

A file is its uploader's until an accepted chat attaches it; then every member of that chat's room may read
it, and attach it elsewhere, for as long as a message there attaches it and they are members.
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from productflo.blobs.base import Blobs
from productflo.domain.files import ID_PREFIX, FileRecord, clean_name, is_own_id
from productflo.domain.identity import Identity
from productflo.domain.media import HEAD_BYTES, media_type
from productflo.errors import NotFound, PermissionDenied
from productflo.protocol.ids import random_id
from productflo.protocol.timestamps import format_time
from productflo.store.files import FileStore

ATTACHMENTS = "data.attached_files"


@dataclass(frozen=True, slots=True)
class Received:
    """A file whose bytes are kept and whose record is not written yet: nobody can read it."""

    id: str
    name: str
    size: int
    mime_type: str


@dataclass(frozen=True, slots=True)
class Details:
    """What an uploader may say about a file."""

    product_id: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Files:
    """`max_bytes` is the largest file taken."""

    def __init__(
        self, store: FileStore, blobs: Blobs, max_bytes: int, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._now = now
        self.max_bytes = max_bytes

    async def receive(self, name: str, chunks: AsyncIterable[bytes]) -> Received:
        """Keep the bytes under a new id while they arrive; `keep` or `discard` them then.

        Raises `TooLarge` and `StoreFull`. Nothing stays when it raises, is cancelled, or `chunks` raises.
        """
        file_id = random_id(ID_PREFIX)
        watched = _WatchedHead(chunks)
        size = await self._blobs.put(file_id, watched, self.max_bytes)
        mime_type = media_type(watched.head, complete=size <= HEAD_BYTES)
        return Received(file_id, clean_name(name), size, mime_type)

    async def keep(self, identity: Identity, received: Received, details: Details) -> FileRecord:
        """Make what was received a file of `identity`; on any failure the bytes are discarded."""
        record = FileRecord(
            received.id,
            received.name,
            received.size,
            received.mime_type,
            format_time(self._now()),
            identity.user_id,
            details.product_id,
            details.description,
            details.tags,
        )
        try:
            await self._store.put(record)
        except BaseException:
            await self.discard(received)
            raise
        return record

    async def discard(self, received: Received) -> None:
        """Forget the bytes of a file that is not wanted."""
        await self._blobs.delete(received.id)

    async def readable(self, identity: Identity, file_id: str) -> FileRecord:
        """The record, for those with the right to it. Raises `NotFound` and `PermissionDenied`."""
        record = await self._store.get(file_id) if is_own_id(file_id) else None
        if record is None:
            raise NotFound(f"There is no file {file_id!r}")
        if identity.operator or record.created_by == identity.user_id:
            return record
        if not await self._store.seen_in_a_room(identity.user_id, [file_id]):
            raise PermissionDenied("This file is its uploader's, or of a room that you are not a member of")
        return record

    async def attached(self, room: str, file_id: str) -> FileRecord:
        """The record of a file that a message of the room attaches now. Raises `NotFound` for any other.

        The right of a member of the room, whoever uploaded it: an assistant has no other.
        """
        known = is_own_id(file_id) and await self._store.is_attached(room, file_id)
        record = await self._store.get(file_id) if known else None
        if record is None:
            raise NotFound(f"No message of {room} attaches a file {file_id!r}")
        return record

    async def size(self, record: FileRecord) -> int:
        """Bytes that are kept of a readable file. Raises `NotFound` when they are gone."""
        return await self._blobs.size(record.id)

    def content(self, record: FileRecord, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        """Bytes `begin` up to, not including, `end` of a readable file, in blocks; see `Blobs.open`."""
        return self._blobs.open(record.id, begin, end)

    async def attachable(self, identity: Identity, file_ids: Sequence[str]) -> tuple[str, ...]:
        """Check that `identity` may attach these, before a chat does, and return those that are of our form.

        Ids of another form are references to other services, and pass. Raises `NotFound` and
        `PermissionDenied` that name `data.attached_files`. Asks the store once where all are the sender's
        own, and not at all where no id is of our form.
        """
        ours = tuple(file_id for file_id in dict.fromkeys(file_ids) if is_own_id(file_id))
        if not ours:
            return ()
        uploaders = dict(zip(ours, await self._store.uploaders(ours), strict=True))
        for file_id, uploader in uploaders.items():
            if uploader is None:
                raise NotFound(f"There is no file {file_id!r}: upload it with POST /files", field=ATTACHMENTS)
        others = [file_id for file_id, uploader in uploaders.items() if uploader != identity.user_id]
        if others and not identity.operator:
            seen = await self._store.seen_in_a_room(identity.user_id, others)
            if unseen := [file_id for file_id in others if file_id not in seen]:
                raise PermissionDenied(f"The file {unseen[0]!r} is not yours to attach", field=ATTACHMENTS)
        return ours

    async def intend(self, room: str, file_ids: Sequence[str]) -> None:
        """Note that a chat in `room` is about to attach these files of ours: before it is appended, so that
        its members find them however the append ends."""
        if file_ids:
            await self._store.intend(room, file_ids)


class _WatchedHead:
    """Passes chunks on and remembers the first bytes, from which the type is found."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks
        self._seen = bytearray()

    @property
    def head(self) -> bytes:
        return bytes(self._seen)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            if len(self._seen) < HEAD_BYTES:
                self._seen += chunk[: HEAD_BYTES - len(self._seen)]
            yield chunk
