"""Lua scripts: loaded from `scripts/`, called by hash, sent whole where the server does not know them."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from productflo.store.client import Client, look_again, shard_of
from productflo.store.exchange import Argument, Command, exchange
from productflo.store.refusals import NotReplicated, is_elsewhere

INCLUDE = "-- include: "
REPLICATION = 1.0
"""Seconds that replicas have to confirm: on one network they do in a millisecond."""

Call = tuple[Sequence[str], Sequence[Argument]]
"""The keys and the arguments of one call."""


@dataclass(frozen=True, slots=True)
class Script:
    """One script; `source` has its includes in place."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)

    async def __call__(self, redis: Client, keys: Sequence[str], args: Iterable[Argument]) -> Any:
        """Run the script; raises what redis-py raises. Cancelling does not undo a call that was sent."""
        keys_and_args = (*keys, *args)
        try:
            return await redis.evalsha(self.sha, len(keys), *keys_and_args)
        except NoScriptError:
            return await redis.eval(self.source, len(keys), *keys_and_args)

    async def each(
        self, redis: Redis, calls: Sequence[Call], *, replicas: int = 0, after: Sequence[Command] = ()
    ) -> list[Any]:
        """Run the script for each call, in one pipeline of one server; an error stands in its call's place.

        The commands `after` come after all calls, if need be more than once; their answers follow those of
        the calls.

        Raises what redis-py raises where the pipeline as a whole failed: any of the calls may have run; and
        `NotReplicated` where fewer `replicas` than wished have confirmed what was written.
        """
        results = await self._pipeline(redis, calls, replicas, after)
        unknown = [at for at, result in enumerate(results) if isinstance(result, NoScriptError)]
        if unknown:
            await redis.script_load(self.source)
            if replicas:
                unknown = list(range(len(calls)))  # Nobody was asked to confirm the others.
            again = await self._pipeline(redis, [calls[at] for at in unknown], replicas, after)
            unknown += range(len(calls), len(results))
            for at, result in zip(unknown, again, strict=True):
                results[at] = result
        return results

    async def everywhere(self, client: Client, calls: Sequence[Call]) -> list[Any]:
        """Run the script for each call, whichever shard has its keys; an error stands in its call's place.

        Raises what redis-py raises where no shard answered.
        """
        results = await self._on_shards(client, calls)
        moved = [at for at, result in enumerate(results) if is_elsewhere(result)]
        if moved:
            await look_again(client)
            again = await self._on_shards(client, [calls[at] for at in moved])
            for at, result in zip(moved, again, strict=True):
                results[at] = result
        return results

    async def _on_shards(self, client: Client, calls: Sequence[Call]) -> list[Any]:
        """A pipeline for each shard, side by side; an error of a call stands in its place."""
        shards: dict[Redis, list[int]] = {}
        for at, (keys, _) in enumerate(calls):
            shard = shard_of(client, keys[0])
            if shard is None:
                await look_again(client)
                shard = shard_of(client, keys[0])
            if shard is None:
                raise RedisConnectionError(f"No shard of the Cluster has {keys[0]}")
            shards.setdefault(shard, []).append(at)
        answers = await asyncio.gather(
            *(self.each(shard, [calls[at] for at in those]) for shard, those in shards.items()),
            return_exceptions=True,
        )
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        results: list[Any] = [None] * len(calls)
        for those, answer in zip(shards.values(), answers, strict=True):
            for place, at in enumerate(those):
                results[at] = answer if isinstance(answer, BaseException) else answer[place]
        return results

    async def _pipeline(
        self, redis: Redis, calls: Sequence[Call], replicas: int, after: Sequence[Command]
    ) -> list[Any]:
        commands: list[Command] = [("EVALSHA", self.sha, len(keys), *keys, *args) for keys, args in calls]
        commands += after
        if not replicas:
            return await exchange(redis, commands)
        *results, confirmed = await exchange(
            redis, [*commands, ("WAIT", replicas, round(REPLICATION * 1000))]
        )
        if any(isinstance(result, NoScriptError) for result in results):
            return results
        if isinstance(confirmed, RedisError):  # A replica says so of itself; what was written is not known.
            raise NotReplicated(str(confirmed))
        if confirmed < replicas:
            raise NotReplicated(f"{confirmed} replicas have confirmed, {replicas} must")
        return results


@cache
def script(name: str) -> Script:
    """The script `scripts/<name>.lua`."""
    return Script(script_source(f"{name}.lua"))


def script_source(file: str) -> str:
    """A file of `scripts/` with its includes in place."""
    lines = (files("productflo.store") / "scripts" / file).read_text().splitlines()
    return "\n".join(
        script_source(line.removeprefix(INCLUDE)) if line.startswith(INCLUDE) else line for line in lines
    )
