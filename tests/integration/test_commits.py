"""Group commits by themselves: order, bounds and repetition, with a script of the tests' own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from productflo.errors import ProductFloError, StoreAway, StoreFull, Unconfirmed
from productflo.store import commit as commit_module
from productflo.store.commit import Commits
from productflo.store.exchange import Command
from productflo.store.scripts import Call, Script

WRITE = Script("""
-- Refuses as often as `refuse` says, with the words that it holds; then writes what is new.
local refuse = redis.call('LPOP', 'refuse')
if refuse then return redis.error_reply(refuse) end
for _, text in ipairs(ARGV) do
  if string.find(text, '!', 1, true) then return redis.error_reply('OOM the store is full') end
end
for _, text in ipairs(ARGV) do redis.call('RPUSH', KEYS[1], text) end
return ARGV
""")


@dataclass(frozen=True, slots=True)
class Line:
    """An item; one that begins with `=` needs a call of its own."""

    room: str
    text: str

    @property
    def alone(self) -> bool:
        return self.text.startswith("=")

    @property
    def size(self) -> int:
        return len(self.text)


def call(lines: Sequence[Line]) -> Call:
    return [lines[0].room], [line.text for line in lines]


def outcomes(
    lines: Sequence[Line], result: Any, followed: Sequence[Command]
) -> list[bytes | ProductFloError]:
    assert [line.text.encode() for line in lines] == result
    return result  # type: ignore[no-any-return]


@asynccontextmanager
async def committing(redis: Redis) -> AsyncIterator[Commits[Line, bytes]]:
    commits = Commits[Line, bytes](redis, WRITE, call, outcomes)
    running = asyncio.create_task(commits.run())
    try:
        yield commits
    finally:
        running.cancel()
        await asyncio.wait({running})


async def written(redis: Redis, room: str) -> list[str]:
    return [line.decode() for line in await redis.lrange(room, 0, -1)]


@pytest.mark.parametrize(
    "reply", ["MISCONF the disk is full", "NOREPLICAS", "TRYAGAIN slot", "CLUSTERDOWN The cluster is down"]
)
async def test_what_was_refused_for_a_while_is_not_overtaken(redis: Redis, reply: str) -> None:
    """Though several calls of its room went out of one turn, and only the first was refused."""
    await redis.rpush("refuse", reply)
    async with committing(redis) as commits:
        texts = ["a", "=b", "c", "d", "=e"]
        await asyncio.gather(*(commits.hand_in(Line("room", text)) for text in texts))
        assert await written(redis, "room") == texts


async def test_one_that_is_refused_does_not_take_the_others_with_it(redis: Redis) -> None:
    """Each of those that went together has an answer of its own: it may have been written before."""
    async with committing(redis) as commits:
        texts = ["a", "b", "too much!", "c"]
        several = [commits.hand_in(Line("room", text)) for text in texts]
        other = commits.hand_in(Line("other", "x"))
        await asyncio.wait({*several, other})
        assert isinstance(several[2].exception(), StoreFull)
        assert await written(redis, "room") == ["a", "b", "c"]
        assert await other == b"x"


async def test_what_waits_is_bounded_in_bytes(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was answered makes room again."""
    monkeypatch.setattr(commit_module, "MAX_WAITING_BYTES", 100)
    async with committing(redis) as commits:
        first = [commits.hand_in(Line("room", "x" * 30)) for _ in range(3)]
        with pytest.raises(StoreAway):
            commits.hand_in(Line("room", "x" * 30))
        await asyncio.gather(*first)
        await commits.hand_in(Line("room", "x" * 100))


async def test_a_batch_is_bounded_in_items_and_bytes(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is larger than the bound by itself goes all the same."""
    monkeypatch.setattr(commit_module, "MAX_BATCH", 3)
    monkeypatch.setattr(commit_module, "MAX_BATCH_BYTES", 10)
    async with committing(redis) as commits:
        texts = ["1", "2", "3", "4", "5" * 50, "6" * 6, "7" * 6]
        await asyncio.gather(*(commits.hand_in(Line("room", text)) for text in texts))
        assert await written(redis, "room") == texts


async def test_what_is_given_up_is_unconfirmed(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one finds out whether the store is there again."""
    monkeypatch.setattr(commit_module, "GIVE_UP_AFTER", 0.0)
    await redis.rpush("refuse", "MISCONF")
    async with committing(redis) as commits:
        with pytest.raises(Unconfirmed):
            await commits.hand_in(Line("room", "a"))
        assert await commits.hand_in(Line("room", "b")) == b"b"


async def test_at_the_end_what_was_not_sent_is_away_and_the_rest_unconfirmed(redis: Redis) -> None:
    """Nobody is left waiting."""
    await redis.rpush("refuse", *["MISCONF"] * 100)
    async with committing(redis) as commits:
        sent = [commits.hand_in(Line("room", "a")), commits.hand_in(Line("room", "=b"))]
        while await redis.llen("refuse") == 100:  # noqa: ASYNC110 - Redis tells nobody.
            await asyncio.sleep(0)
    assert [type(one.exception()) for one in sent] == [Unconfirmed, StoreAway]
