"""The worker: the process in which assistants live, as members of their rooms."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable

from redis.exceptions import RedisError

from assistants.plugin import Assistant
from assistants.post import RETRY, Pace, Post
from assistants.registry import Registry
from assistants.requests import schemas
from assistants.services import Services
from productflo.errors import ProductFloError
from productflo.store.outage import OUTAGE
from productflo.store.profiles import Profile, Profiles
from productflo.store.refusals import note

log = logging.getLogger(__name__)

HAND_OVER = 4.0
"""Seconds in which running answers are handed to another worker when this one ends."""
LAST_WORD = 1.0
"""Seconds for an answer that was not handed over in time to end at least."""
CANCEL_AGAIN = 0.2
"""Seconds until a task that was cancelled, and goes on, is cancelled again."""
USUAL_PACE = Pace()


class Worker:
    """Runs the assistants of a registry until it is told to stop.

    Any number of workers, on any machines, may share the assistants: a room has one of them at a time.
    """

    def __init__(self, services: Services, registry: Registry, pace: Pace = USUAL_PACE) -> None:
        self.name = secrets.token_hex(6)
        self.ready = asyncio.Event()
        self._services = services
        self._registry = registry
        self._pace = pace
        self._profiles = Profiles(services.rooms.redis)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Hand running answers over and end: `run` returns within `HAND_OVER` seconds and a little."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`. The store may be away at any time, also at the start: the worker waits for it.

        Returns late, or never, where an assistant refuses to end; the process should then be ended.
        """
        async with asyncio.TaskGroup() as tasks:
            beneath = [
                tasks.create_task(self._services.log.run()),
                tasks.create_task(self._services.stops.run()),
                tasks.create_task(self._services.performances.stages.run()),
                tasks.create_task(self._services.receipts.run()),
                tasks.create_task(self._services.chat.wakeups.run()),
                tasks.create_task(OUTAGE.watch(self._services.rooms.redis)),
            ]
            posts = [
                Post(self._services, ready, self.name, self._pace, tasks)
                for ready in self._registry.ready.values()
            ]
            await self._look_for_work(posts)
            self._services.stops.shut_down()
            await self._hand_over(posts)
            await _end(beneath)

    async def _look_for_work(self, posts: list[Post]) -> None:
        async with asyncio.TaskGroup() as looking:
            loops = [
                looking.create_task(_every(self._pace.beat, self._beat)),
                looking.create_task(self._register()),
            ]
            for post in posts:
                loops.append(looking.create_task(post.listen()))
                loops.append(looking.create_task(_every(self._pace.sweep, post.sweep)))
            await self._stopping.wait()
            await _end(loops)

    async def _hand_over(self, posts: list[Post]) -> None:
        """Let the turns give their rooms back, put back what was taken and not begun, and go offline."""
        turns = {turn for post in posts for turn in post.turns}
        if turns:
            _, late = await asyncio.wait(turns, timeout=HAND_OVER)
            await _end(late, LAST_WORD)
        try:
            for post in posts:
                await post.stream.leave()
            await self._services.presence.end(self._leases())
        except (ProductFloError, RedisError) as error:
            note(error)  # Leases and wake-ups end by themselves.

    async def _register(self) -> None:
        """Present the assistants, so that people can find and add them."""
        profiles = [_profile(ready.assistant) for ready in self._registry.ready.values()]
        while True:
            try:
                for profile in profiles:
                    await self._profiles.register(profile)
                await self._beat()
            except RedisError as error:
                note(error)
                await asyncio.sleep(RETRY)
                continue
            log.info("Assistants at work: %s", ", ".join(self._registry.ready))
            self.ready.set()
            return

    async def _beat(self) -> None:
        """Being here is a lease: when the worker dies, its assistants go offline by themselves."""
        await self._services.presence.beat(self._leases())

    def _leases(self) -> Iterable[tuple[str, str]]:
        return [(assistant, f"worker-{self.name}") for assistant in self._registry.ready]


def _profile(assistant: Assistant) -> Profile:
    return Profile(
        assistant.id,
        assistant.name,
        assistant.description,
        tuple(sorted(assistant.on)),
        schemas(assistant.requests),
        assistant.commands,
    )


async def _end(tasks: Iterable[asyncio.Task[None]], seconds: float = float("inf")) -> None:
    """Cancel tasks until they have ended, at most so many seconds.

    More than once, because up to Python 3.11 `asyncio.wait_for`, in which redis-py sends, loses a
    cancellation that comes as it ends (python/cpython#86296).
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    pending = set(tasks)
    while pending and loop.time() < give_up:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do it again and again; while the store is away, sooner and without complaining each time."""
    failing = False
    while True:
        try:
            await work()
            failing = False
        except (ProductFloError, RedisError) as error:
            note(error)
            failing = True
        await asyncio.sleep(min(seconds, RETRY) if failing else seconds)
