"""Records of files, and which rooms attach them.

The truth about an attachment is the room's own `{room}:files` (file id -> number of messages that attach it),
which only the append script writes. `file:<id>:rooms` is an index, a superset: a room is written there
before the chat is appended, and whoever reads it asks each room itself.
"""

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from redis.typing import EncodableT, FieldT

from productflo.domain.files import FileRecord
from productflo.store.client import Client
from productflo.store.keys import RoomKeys


def file_record(file_id: str) -> str:
    """Hash: what is known of a file."""
    return f"file:{file_id}"


def file_rooms(file_id: str) -> str:
    """Set of the rooms in which a chat attached the file, or was about to."""
    return f"file:{file_id}:rooms"


class FileStore:
    """Asks in pipelines. Methods raise what redis-py raises."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def put(self, record: FileRecord) -> None:
        """Write `file:<id>`, a hash; empty fields are left out."""
        fields = asdict(record) | {"tags": orjson.dumps(record.tags) if record.tags else None}
        known: dict[FieldT, EncodableT] = {
            name: value for name, value in fields.items() if name != "id" and value is not None
        }
        await self._redis.hset(file_record(record.id), mapping=known)

    async def get(self, file_id: str) -> FileRecord | None:
        found = await self._redis.hgetall(file_record(file_id))
        fields = {_text(name): _text(value) for name, value in found.items()}
        return _record(file_id, fields) if fields else None

    async def uploaders(self, file_ids: Sequence[str]) -> list[str | None]:
        """Who uploaded each file; None where there is no such file."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for file_id in file_ids:
                pipe.hget(file_record(file_id), "created_by")
            return [None if value is None else value.decode() for value in await pipe.execute()]

    async def intend(self, room: str, file_ids: Sequence[str]) -> None:
        """Write the index of a chat that is about to attach the files."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for file_id in file_ids:
                pipe.sadd(file_rooms(file_id), room)
            await pipe.execute()

    async def is_attached(self, room: str, file_id: str) -> bool:
        """Whether a message of the room attaches the file now."""
        return int(await self._redis.hget(RoomKeys(room).files, file_id) or 0) > 0

    async def seen_in_a_room(self, user_id: str, file_ids: Sequence[str]) -> frozenset[str]:
        """Those of the files that a room attaches now, of which the user is a member."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for file_id in file_ids:
                pipe.smembers(file_rooms(file_id))
            named = zip(file_ids, await pipe.execute(), strict=True)
        pairs = [(file_id, RoomKeys(room.decode())) for file_id, rooms in named for room in rooms]
        async with self._redis.pipeline(transaction=False) as pipe:
            for file_id, keys in pairs:
                pipe.hget(keys.files, file_id)
                pipe.hexists(keys.members, user_id)
            answers = await pipe.execute()
        return frozenset(
            file_id
            for (file_id, _), count, is_member in zip(pairs, answers[::2], answers[1::2], strict=True)
            if is_member and int(count or 0) > 0
        )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _record(file_id: str, fields: dict[str, str]) -> FileRecord:
    return FileRecord(
        file_id,
        name=fields["name"],
        size=int(fields["size"]),
        mime_type=fields["mime_type"],
        created_at=fields["created_at"],
        created_by=fields["created_by"],
        product_id=fields.get("product_id"),
        description=fields.get("description"),
        tags=tuple(orjson.loads(fields.get("tags", "[]"))),
    )
