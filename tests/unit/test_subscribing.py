"""How many rooms one connection may hear."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from ears import Ear

from productflo.domain.identity import Identity
from productflo.errors import TooLarge
from productflo.server.feed import Feed
from productflo.server.subscribing import ROOMS, Subscriber


async def test_a_connection_hears_so_many_rooms() -> None:
    """One more is refused, and the field named; rooms whose subscription has ended do not count."""
    ear = Ear("1")
    feeds = {f"room{number}": Feed(f"room{number}") for number in range(ROOMS)}
    for feed in feeds.values():
        feed.subscriptions[ear.id] = Any  # type: ignore[assignment]
    door: Any = SimpleNamespace(hub=SimpleNamespace(feeds=feeds))
    async with asyncio.TaskGroup() as tasks:
        subscriber = Subscriber(door, ear, tasks, rooms=set(feeds))
        with pytest.raises(TooLarge, match="at most 1000 rooms") as refused:
            await subscriber.subscribe(Identity("ada", "Ada"), "one more")
        assert refused.value.field == "room_id"
        del feeds["room7"].subscriptions[ear.id]
        with pytest.raises(AttributeError):  # It goes on to the entrance, which is not there.
            await subscriber.subscribe(Identity("ada", "Ada"), "one more")
    assert len(subscriber.rooms) == ROOMS - 1
