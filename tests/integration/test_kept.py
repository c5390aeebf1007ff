"""What assistants keep in rooms."""

import pytest
from redis.asyncio import Redis

from assistants import AssistantError, Memory
from assistants.keeping import MOST_KEYS, RoomKept
from productflo.store.kept import KeptStore
from productflo.store.keys import RoomKeys


def memory(redis: Redis, room: str = "lab", assistant: str = "echo", asker: str = "ada") -> Memory:
    """That of an assistant which answers a person in a room."""
    return Memory(RoomKept(KeptStore(redis), room, assistant), None, asker)


async def test_values_come_back(redis: Redis) -> None:
    """Anything that is JSON; none is None."""
    kept = memory(redis)
    await kept.set("plan", {"parts": ["M4", 2.5, None], "übrig": True})
    await kept.set("a", 1)
    assert await kept.get("plan") == {"parts": ["M4", 2.5, None], "übrig": True}
    assert await kept.get("other") is None
    assert await kept.keys() == ["a", "plan"]
    await kept.delete("plan")
    await kept.delete("plan")
    assert await kept.keys() == ["a"]


async def test_nothing_reaches_another_room_assistant_or_person(redis: Redis) -> None:
    """Under the same key each has its own."""
    await memory(redis).set("plan", "room")
    await memory(redis).user.set("plan", "Ada")
    for other in (
        memory(redis, room="other"),
        memory(redis, assistant="scribe"),
        memory(redis, asker="bo").user,
    ):
        assert await other.get("plan") is None
        assert await other.keys() == []
    assert await memory(redis, asker="bo").get("plan") == "room"
    assert await memory(redis).user.get("plan") == "Ada"
    assert await memory(redis).user.user.keys() == ["plan"]


async def test_a_key_names_no_other_place(redis: Redis) -> None:
    """Whatever a model makes of it."""
    await memory(redis, room="other").set("plan", "canary")
    await memory(redis, asker="bo").user.set("plan", "canary")
    for key in ("{other}:kept:echo plan", "other plan", "bo plan", " plan", "../other", "*", "bo|plan"):
        assert await memory(redis).get(key) is None
        assert await memory(redis).user.get(key) is None


async def test_it_is_bounded(redis: Redis) -> None:
    """By value, by key, by number; the errors say so in words for a model or a room."""
    kept = memory(redis)
    for key, value, words in (
        ("plan", "x" * 65_536, "The value of plan has 65,538 bytes, more than 65,536"),
        ("x" * 129, 1, "A key has 1 to 128 characters, not 129"),
        ("", 1, "not 0"),
        ("plan", object(), "The value of plan is not JSON"),
    ):
        with pytest.raises(AssistantError, match=words):
            await kept.set(key, value)  # type: ignore[arg-type]
    await redis.hset(
        RoomKeys("lab").kept("echo"), mapping={f" {number}": 1 for number in range(MOST_KEYS - 1)}
    )
    await kept.user.set("one more", 1)
    with pytest.raises(AssistantError, match="There are 1,000 values"):
        await kept.set("too many", 1)
    await kept.set("5", "instead")
    assert await kept.get("5") == "instead"
