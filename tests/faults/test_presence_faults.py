"""Presence when processes die or stand still, and when the store does; tests/long has the real times."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from faults.attendees import TELLING, attending
from faults.deployment import paused
from processes import holder, kill
from redis.asyncio import Redis

from productflo.server.heartbeat import Heartbeat
from productflo.store.bus import Bus
from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore
from productflo.store.presence import Pace, PresenceStore

PART = 0.2
"""Of the real times, for whole processes: a busy machine delays a beat by a second."""
QUICK = Pace(lease=0.5, grace=0.2, beat=0.13, sweep=0.03, usual_pause=0.13)
"""A thirtieth of the real times, in one event loop: what delays a beat delays the sweeps as well."""


async def test_a_process_stands_still_and_is_killed(tmp_path: Path) -> None:
    """Its users go offline once each time, and come back once; who has a tab elsewhere does not."""
    pace = Pace()
    most = PART * (pace.lease + pace.grace) + TELLING
    async with (
        EmbeddedStore(tmp_path, "the fault tests") as store,
        attending(store.url, tmp_path, 60, PART) as attendance,
    ):
        first, watchers = attendance.webs[0], attendance.watchers[1:]
        began = time.monotonic()
        with paused(first.pid):
            for watcher in watchers:
                await watcher.until(began, attendance.only[0], "offline", most)
        for watcher in watchers:
            await watcher.until(began, attendance.only[0], "online", most)
        killed = time.monotonic()
        kill(first.pid)
        for watcher in watchers:
            await watcher.until(killed, attendance.only[0], "offline", most)
            changes = {(user, "online"): 1 for user in (*attendance.only[0], "watcher_0")}
            changes |= {(user, "offline"): 2 for user in (*attendance.only[0], "watcher_0")}
            assert watcher.since(began) == changes


class Told:
    """Three processes' heartbeats for people of their own, in one loop, and what the store tells of them."""

    def __init__(self, redis: Redis, hearts: list[Heartbeat]) -> None:
        self.redis = redis
        self.hearts = hearts
        self.changes: list[str] = []
        self._next = asyncio.Event()

    def changed(self, user: str, word: str) -> None:
        """Take a change from the bus."""
        self.changes.append(word.split("|")[0])
        changed, self._next = self._next, asyncio.Event()
        changed.set()

    async def until(self, changes: int) -> None:
        """Wait for so many changes in all."""
        async with asyncio.timeout(QUICK.lease + QUICK.grace + TELLING):
            while len(self.changes) < changes:
                await self._next.wait()


@asynccontextmanager
async def beating(tmp_path: Path, people: int) -> AsyncIterator[tuple[Told, int]]:
    """People online on three heartbeats; the process id of their store."""
    async with EmbeddedStore(tmp_path, "the fault tests") as store, open_redis(store.url) as redis:
        told = Told(redis, [Heartbeat(PresenceStore(redis, QUICK)) for _ in range(3)])
        bus = Bus(redis)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(bus.run(lambda *_: None, told.changed, lambda _: None)),
                *(tasks.create_task(heart.run()) for heart in told.hearts),
            ]
            await bus.heard()
            for number in range(people):
                await told.hearts[number % 3].begin(f"user_{number}", f"tab_{number}")
            pid = holder(tmp_path).server
            assert pid is not None
            yield told, pid
            for one in running:
                one.cancel()


async def test_the_store_forgets_everything(tmp_path: Path) -> None:
    """Whoever is there is there again after a beat, told once; nobody is said to be gone."""
    async with beating(tmp_path, 30) as (told, _):
        await told.until(30)
        await told.redis.flushall()
        await told.until(60)
        await asyncio.sleep(QUICK.lease + QUICK.grace)
        assert told.changes == ["online"] * 60


async def test_the_store_stands_still(tmp_path: Path) -> None:
    """For half a lease, and for four: nobody goes offline, then or in the lease after it, but who ends."""
    async with beating(tmp_path, 60) as (told, pid):
        for seconds in (QUICK.lease / 2, 4 * QUICK.lease):
            with paused(pid):
                await asyncio.sleep(seconds)
            await asyncio.sleep(QUICK.lease + QUICK.grace)
        assert told.changes == ["online"] * 60
        for number in range(60):
            await told.hearts[number % 3].end(f"user_{number}", f"tab_{number}")
        await told.until(120)
        assert told.changes == ["online"] * 60 + ["offline"] * 60
