"""Assistants that workers have loaded, as they present themselves."""

from dataclasses import asdict, dataclass

import orjson

from productflo.store.client import Client
from productflo.store.keys import ASSISTANTS
from productflo.store.reply import Reply


@dataclass(frozen=True, slots=True)
class Profile:
    """How an assistant presents itself; `on` tells what wakes it."""

    id: str
    name: str
    description: str
    on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of all assistants. Methods raise what redis-py raises."""

    redis: Client

    async def register(self, profile: Profile) -> None:
        """Write a profile; a worker does so when it starts."""
        await self.redis.hset(ASSISTANTS, profile.id, orjson.dumps(asdict(profile)))

    async def all(self) -> list[Profile]:
        """Every profile, by id."""
        found = await self.redis.hgetall(ASSISTANTS)
        return [_profile(found[key]) for key in sorted(found)]

    async def find(self, assistant: str) -> Profile | None:
        """The profile of an assistant, if a worker ever registered it."""
        found = await self.redis.hget(ASSISTANTS, assistant)
        return _profile(found) if found else None


def _profile(record: Reply) -> Profile:
    known = orjson.loads(record)
    return Profile(known["id"], known["name"], known["description"], tuple(known["on"]))
