"""Assistants that workers have loaded, as they present themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from productflo.store.client import Client
from productflo.store.keys import ASSISTANTS
from productflo.store.reply import Reply
from productflo.store.together import ask


@dataclass(frozen=True, slots=True)
class Profile:
    """How an assistant presents itself; `on` tells what wakes it.

    `requests` are the codes of typed requests that it owns, each with the JSON schema of its fields;
    `commands` the words that call it after a `/`, each with what it does.
    `broken` says, fit for a room, why the worker that wrote this could not load it.
    """

    id: str
    name: str
    description: str
    on: tuple[str, ...]
    requests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of all assistants. Methods raise what redis-py raises."""

    redis: Client

    async def register(self, profile: Profile) -> None:
        """Write a profile; a worker does so when it starts."""
        await self.redis.hset(ASSISTANTS, profile.id, orjson.dumps(asdict(profile)))

    async def register_broken(self, assistant: str, reason: str) -> None:
        """Write that an assistant can not be loaded; it keeps the name under which it is known."""
        known = await self.find(assistant) or Profile(assistant, assistant.capitalize(), "", ())
        await self.register(replace(known, broken=reason))

    async def all(self) -> list[Profile]:
        """Every profile, by id."""
        found = await self.redis.hgetall(ASSISTANTS)
        return [_profile(found[key]) for key in sorted(found)]

    async def among(self, assistants: Sequence[str]) -> dict[str, Profile]:
        """The profiles of those assistants that a worker ever registered, by id."""
        if not assistants:
            return {}
        (found,) = await ask(self.redis, ASSISTANTS, ("HMGET", ASSISTANTS, *assistants))
        return {one: _profile(record) for one, record in zip(assistants, found, strict=True) if record}

    async def find(self, assistant: str) -> Profile | None:
        """The profile of an assistant, if a worker ever registered it."""
        found = await self.redis.hget(ASSISTANTS, assistant)
        return _profile(found) if found else None


def _profile(record: Reply) -> Profile:
    known = orjson.loads(record)
    return Profile(
        known["id"],
        known["name"],
        known["description"],
        tuple(known["on"]),
        known.get("requests", {}),
        known.get("commands", {}),
        known.get("broken"),
    )
