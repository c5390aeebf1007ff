"""Local accounts, and how often somebody tried to sign in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson

from productflo.store.client import Client
from productflo.store.reply import text
from productflo.store.scripts import script

_PREFIX = "account:"


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """`email` is in lower case; `password` is a hash as `service.passwords` writes it."""

    email: str
    user_id: str
    name: str
    teams: tuple[str, ...]
    password: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many there were of late, and in how many seconds they are forgotten."""

    number: int
    forgotten_in: int


class AccountStore:
    """`account:<email>`, a hash; `login:<subject>`, a number that expires. Raises what redis-py raises."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def add(self, record: AccountRecord) -> bool:
        """Whether the email had no account, and has this one now."""
        teams = orjson.dumps(record.teams)
        fields = (record.password, "user_id", record.user_id, "name", record.name, "teams", teams)
        return bool(await script("account_add")(self._redis, [_PREFIX + record.email], fields))

    async def get(self, email: str) -> AccountRecord | None:
        found = await self._redis.hgetall(_PREFIX + email)
        fields = {text(name): text(value) for name, value in found.items()}
        if not fields:
            return None
        teams = tuple(orjson.loads(fields["teams"]))
        return AccountRecord(email, fields["user_id"], fields["name"], teams, fields["password"])

    async def set_password(self, email: str, password: str) -> None:
        """Change the hash of an account that exists."""
        await self._redis.hset(_PREFIX + email, "password", password)

    async def remove(self, email: str) -> bool:
        """Whether there was one."""
        return bool(await self._redis.delete(_PREFIX + email))

    async def all(self) -> AsyncIterator[AccountRecord]:
        """Every account, in no order; walks through all keys of the store."""
        async for key in self._redis.scan_iter(f"{_PREFIX}*", count=1000):
            record = await self.get(text(key).removeprefix(_PREFIX))
            if record is not None:
                yield record

    async def count(self, subject: str, by: int, seconds: int) -> Attempts:
        """Add to the attempts of `subject`, which are forgotten `seconds` after the first of them."""
        key = f"login:{subject}"
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=seconds, nx=True)
            pipe.incrby(key, by)
            pipe.ttl(key)
            _, number, left = await pipe.execute()
        return Attempts(number, max(1, left))

    async def forget(self, subject: str) -> None:
        """Forget the attempts of `subject`."""
        await self._redis.delete(f"login:{subject}")
