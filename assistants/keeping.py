"""What an assistant keeps in one room."""

from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from assistants.errors import AssistantError
from productflo.store.kept import KeptStore

MOST_KEYS = 1000
"""Values of one assistant in one room, those of all users counted."""
MOST_BYTES = 65_536
"""Of one value as JSON."""
MOST_CHARACTERS = 128
"""Of a key."""


@dataclass(frozen=True, slots=True)
class RoomKept:
    """The values of one assistant in one room, and of no other."""

    store: KeptStore
    room: str
    assistant: str

    async def get(self, user: str | None, key: str) -> JsonValue:
        """See `Kept.get`."""
        found = await self.store.get(self.room, self.assistant, user or "", _checked(key))
        value: JsonValue = None if found is None else orjson.loads(found)
        return value

    async def set(self, user: str | None, key: str, value: JsonValue) -> None:
        """See `Kept.set`."""
        try:
            encoded = orjson.dumps(value)
        except TypeError as error:
            raise AssistantError(f"The value of {key} is not JSON.") from error
        if len(encoded) > MOST_BYTES:
            raise AssistantError(f"The value of {key} has {len(encoded):,} bytes, more than {MOST_BYTES:,}.")
        if not await self.store.set(self.room, self.assistant, user or "", _checked(key), encoded, MOST_KEYS):
            raise AssistantError(f"There are {MOST_KEYS:,} values in this room already; delete one first.")

    async def delete(self, user: str | None, key: str) -> None:
        """See `Kept.delete`."""
        await self.store.delete(self.room, self.assistant, user or "", _checked(key))

    async def keys(self, user: str | None) -> list[str]:
        """See `Kept.keys`."""
        return await self.store.keys(self.room, self.assistant, user or "")


def _checked(key: str) -> str:
    if not 1 <= len(key) <= MOST_CHARACTERS:
        raise AssistantError(f"A key has 1 to {MOST_CHARACTERS} characters, not {len(key)}.")
    return key
