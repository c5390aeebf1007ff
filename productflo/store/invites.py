"""Open invitations, known by the hash of their code only: who reads the store can not use them."""

from dataclasses import asdict, dataclass
from hashlib import sha256

import orjson

from productflo.store.client import Client
from productflo.store.keys import user_rooms


@dataclass(frozen=True, slots=True)
class InviteRecord:
    """`user_id` is set where the operator vouched for a known user; `expires_at` is in Unix seconds."""

    name: str
    user_id: str | None
    expires_at: float


def _key(code: str) -> str:
    return f"invite:{sha256(code.encode()).hexdigest()}"


class InviteStore:
    """`invite:<sha256 of the code>` -> JSON, which the store forgets by itself when it has expired.

    Methods raise what redis-py raises.
    """

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def put(self, code: str, record: InviteRecord) -> None:
        await self._redis.set(_key(code), orjson.dumps(asdict(record)), exat=int(record.expires_at))

    async def get(self, code: str) -> InviteRecord | None:
        return _record(await self._redis.get(_key(code)))

    async def take(self, code: str) -> InviteRecord | None:
        """The invitation, which nobody gets after this: of two that take at once, one gets None."""
        return _record(await self._redis.getdel(_key(code)))

    async def claim_user(self, user_id: str) -> bool:
        """Whether `user_id` was free, and is now taken by an invited guest.

        Free means: no invitation made it before, and no user of that id has joined a room.
        """
        if await self._redis.exists(user_rooms(user_id)):
            return False
        return bool(await self._redis.set(f"user:{user_id}:invited", 1, nx=True))


def _record(raw: bytes | str | None) -> InviteRecord | None:
    return None if raw is None else InviteRecord(**orjson.loads(raw))
