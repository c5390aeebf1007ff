"""What many callers ask of one server at the same time, asked in one go.

A command by itself costs some 90 us of this process, in redis-py and the kernel: more than most of them cost
the store. When hundreds come at once, what they all ask for leaves in a few exchanges (`exchange`), and a
command costs a tenth of that. Who asks alone waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from productflo.store.client import Client, Cluster, look_again, shard_of
from productflo.store.exchange import Argument, Command, exchange
from productflo.store.refusals import is_elsewhere
from productflo.store.scripts import Script

CARRIERS = 2
"""Exchanges under way at once with a server: while one waits for the disk, another one can read. More would
only make them smaller."""
MOST = 128
"""Commands of an exchange, but for those of its last caller: they hold the store for some 3 ms."""


async def ask(client: Client, key: str, *commands: Command) -> list[Any]:
    """Have the server that has `key` carry commands out, in order; their replies are as it sent them.

    All keys must be in one slot. Raises the first refusal, and what redis-py raises; any of the commands may
    have been carried out then, and any may be carried out twice. Cancelling does not take back what was sent.
    """
    replies = await _ask_shard(client, key, commands)
    if any(map(is_elsewhere, replies)):
        await look_again(client)
        replies = await _ask_shard(client, key, commands)
    unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        whole = [_with_source(commands[at]) for at in unknown]
        for at, reply in zip(unknown, await _ask_shard(client, key, whole), strict=True):
            replies[at] = reply
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return replies


async def ask_any(client: Client, commands: Sequence[tuple[str, Command]]) -> list[Any]:
    """As `ask`, each command of the server that has its own key; in order where one server has them all."""
    if isinstance(client, Cluster):
        each = await asyncio.gather(*(ask(client, key, command) for key, command in commands))
        return [reply for (reply,) in each]
    return await ask(client, "", *(command for _, command in commands)) if commands else []


async def call(client: Client, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
    """Run a script, as `ask`."""
    (reply,) = await ask(client, keys[0], running(script, keys, args))
    return reply


def running(script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Command:
    """The command that runs a script; a server that does not know it yet is told what it is."""
    _SOURCES[script.sha] = script.source
    return ("EVALSHA", script.sha, len(keys), *keys, *args)


def _with_source(command: Command) -> Command:
    _, sha, *rest = command
    return ("EVAL", _SOURCES[str(sha)], *rest)


async def _ask_shard(client: Client, key: str, commands: Sequence[Command]) -> list[Any]:
    shard = shard_of(client, key)
    if shard is None:
        await look_again(client)
        shard = shard_of(client, key)
    if shard is None:
        raise RedisConnectionError(f"No shard of the Cluster has {key}")
    if shard not in _SERVERS:
        _SERVERS[shard] = Together()
    return await _SERVERS[shard].ask(shard, commands)


class _Asked:
    """What one caller asks; it is told the replies, or (None) that it is its turn to carry."""

    __slots__ = ("carries", "commands", "told")

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = commands
        self.told: asyncio.Future[list[Any] | None] = asyncio.get_running_loop().create_future()
        self.carries = False


class Together:
    """The callers of one server. One of those who wait carries what all have to ask, and tells them."""

    def __init__(self) -> None:
        self._waiting: deque[_Asked] = deque()
        self._carriers = 0

    async def ask(self, redis: Redis, commands: Sequence[Command]) -> list[Any]:
        """As `exchange`, together with what others ask of that server."""
        asked = _Asked(commands)
        self._waiting.append(asked)
        self._appoint()
        try:
            replies = await asked.told
            return await self._carry(redis, asked) if replies is None else replies
        finally:
            if asked.carries:
                self._carriers -= 1
                self._appoint()

    def _appoint(self) -> None:
        """Let some of those who wait carry, as far as there is room for them on the way."""
        while self._waiting and self._carriers < CARRIERS:
            asked = self._waiting.popleft()
            if not asked.told.done():
                asked.carries = True
                self._carriers += 1
                asked.told.set_result(None)

    async def _carry(self, redis: Redis, own: _Asked) -> list[Any]:
        """Ask for all who wait. Where the carrier is cancelled, the others wait again."""
        await asyncio.sleep(0)  # What is asked in this turn of the loop comes along.
        along = self._along(len(own.commands))
        commands = [*own.commands, *(command for one in along for command in one.commands)]
        try:
            replies = await exchange(redis, commands)
        except RedisError as error:
            for one in along:
                if not one.told.done():
                    one.told.set_exception(error)
                    one.told.exception()  # A caller that is cancelled now does not ask for it.
            raise
        except BaseException:
            self._waiting.extendleft(reversed(along))
            raise
        at = len(own.commands)
        for one in along:
            if not one.told.done():
                one.told.set_result(replies[at : at + len(one.commands)])
            at += len(one.commands)
        return replies[: len(own.commands)]

    def _along(self, size: int) -> list[_Asked]:
        """Those who wait, and still do, as many as fit beside so many commands."""
        along: list[_Asked] = []
        while self._waiting and size < MOST:
            asked = self._waiting.popleft()
            if not asked.told.done():
                along.append(asked)
                size += len(asked.commands)
        return along


_SOURCES: dict[str, str] = {}
"""Of the scripts that were run."""
_SERVERS: WeakKeyDictionary[Redis, Together] = WeakKeyDictionary()
