"""What assistants keep in rooms: a few small values for each assistant in each room."""

from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo.store.client import Client
from productflo.store.keys import RoomKeys
from productflo.store.refusals import told
from productflo.store.reply import raw, text
from productflo.store.scripts import script


@dataclass(frozen=True, slots=True)
class KeptStore:
    """Values by assistant, room, and owner: a user of the room, or "" for the room itself.

    Methods raise `StoreAway` and `StoreFull`.
    """

    redis: Client

    async def get(self, room: str, assistant: str, owner: str, key: str) -> bytes | None:
        """A value."""
        try:
            found = await self.redis.hget(RoomKeys(room).kept(assistant), _field(owner, key))
        except RedisError as error:
            raise told(error) from error
        return None if found is None else raw(found)

    async def set(self, room: str, assistant: str, owner: str, key: str, value: bytes, most: int) -> bool:
        """Keep a value; False where that would be more than `most` of the assistant in the room."""
        try:
            kept = await script("kept_set")(
                self.redis, [RoomKeys(room).kept(assistant)], [_field(owner, key), value, most]
            )
        except RedisError as error:
            raise told(error) from error
        return bool(kept)

    async def delete(self, room: str, assistant: str, owner: str, key: str) -> None:
        """Forget a value."""
        try:
            await self.redis.hdel(RoomKeys(room).kept(assistant), _field(owner, key))
        except RedisError as error:
            raise told(error) from error

    async def keys(self, room: str, assistant: str, owner: str) -> list[str]:
        """The keys of an owner, sorted."""
        try:
            found = await self.redis.hkeys(RoomKeys(room).kept(assistant))
        except RedisError as error:
            raise told(error) from error
        mine = _field(owner, "")
        return sorted(name.removeprefix(mine) for name in map(text, found) if name.startswith(mine))


def _field(owner: str, key: str) -> str:
    """No id of a user has a space in it."""
    return f"{owner} {key}"
