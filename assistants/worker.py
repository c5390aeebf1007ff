"""The worker: the process in which assistants live, as members of their rooms."""

import asyncio
import logging

from redis.exceptions import RedisError

from assistants.cancelling import end
from assistants.configuration import Misconfigured
from assistants.crew import Crew, every, profile_of
from assistants.post import RETRY, Pace
from assistants.registry import Registry, Selection
from assistants.services import Services
from productflo import tallies
from productflo.errors import ProductFloError
from productflo.parent import run_name
from productflo.store.outage import OUTAGE
from productflo.store.profiles import Profiles
from productflo.store.refusals import note

log = logging.getLogger(__name__)

HAND_OVER = 4.0
"""Seconds in which running answers are handed to another worker when this one ends."""
LAST_WORD = 1.0
"""Seconds for an answer that was not handed over in time to end at least."""
USUAL_PACE = Pace()


class Worker:
    """Runs the assistants of a registry until it is told to stop.

    Any number of workers, on any machines, may share the assistants: a room has one of them at a time. With
    a `selection` the registry is read again when its files change.
    """

    def __init__(
        self,
        services: Services,
        registry: Registry,
        pace: Pace = USUAL_PACE,
        selection: Selection | None = None,
    ) -> None:
        self.name = run_name()
        self.ready = asyncio.Event()
        self._services = services
        self._registry = registry
        self._pace = pace
        self._selection = selection
        self._profiles = Profiles(services.rooms.redis)
        self._reload_asked = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Hand running answers over and end: `run` returns within `HAND_OVER` seconds and a little."""
        self._stopping.set()

    def reload(self) -> None:
        """Read the operator's files again. Answers under way end as they began; the next are by the new."""
        self._reload_asked.set()

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
                tasks.create_task(tallies.tell_regularly()),
                tasks.create_task(OUTAGE.watch(self._services.rooms.redis)),
            ]
            crew = Crew(self._services, self.name, self._pace, tasks)
            await self._look_for_work(crew)
            self._services.stops.shut_down()
            await self._hand_over(crew)
            await end(beneath)

    async def _look_for_work(self, crew: Crew) -> None:
        async with asyncio.TaskGroup() as looking:
            loops = [
                looking.create_task(every(self._pace.beat, self._beat)),
                looking.create_task(self._register()),
                looking.create_task(self._follow(crew, looking)),
            ]
            await crew.follow(self._registry, looking)
            await self._stopping.wait()
            await end(loops)
            await crew.close()

    async def _follow(self, crew: Crew, looking: asyncio.TaskGroup) -> None:
        """Read the operator's files again when they change, or when that is asked for.

        A file that was just written may not be whole: it counts when it has stayed as it is for a look.
        """
        if self._selection is None:
            return
        read = seen = self._selection.fingerprint()
        while True:
            asked = await self._asked_within(self._pace.reread)
            before, seen = seen, self._selection.fingerprint()
            if asked or seen == before != read:
                read = seen
                await self._read_again(self._selection, crew, looking)

    async def _asked_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._reload_asked.wait()
        except TimeoutError:
            return False
        self._reload_asked.clear()
        return True

    async def _read_again(self, selection: Selection, crew: Crew, looking: asyncio.TaskGroup) -> None:
        """Work with what the files say now; with what they said before where they can not be used."""
        try:
            # In a thread, because an assistant's module may take its time, and leases do not wait.
            found = await asyncio.to_thread(selection.reload, self._registry)
        except Misconfigured as error:
            log.error("The assistants go on as they were: %s", error)
            return
        gone = [lease for lease in self._leases() if lease[0] not in found.ready]
        self._registry = found
        retired = await crew.follow(found, looking)
        await self._register()
        try:
            for post in retired:
                await post.stream.leave()
            await self._services.presence.end(gone)
        except (ProductFloError, RedisError) as error:
            note(error)  # Leases and wake-ups end by themselves.

    async def _hand_over(self, crew: Crew) -> None:
        """Let the turns give their rooms back, put back what was taken and not begun, and go offline."""
        if turns := crew.turns:
            _, late = await asyncio.wait(turns, timeout=HAND_OVER)
            await end(late, LAST_WORD)
        try:
            for post in crew.posts:
                await post.stream.leave()
            await self._services.presence.end(self._leases())
        except (ProductFloError, RedisError) as error:
            note(error)  # Leases and wake-ups end by themselves.

    async def _register(self) -> None:
        """Present the assistants, so that people can find and add them."""
        while True:
            try:
                for ready in self._registry.ready.values():
                    await self._profiles.register(profile_of(ready.assistant))
                for assistant, reason in self._registry.told.items():
                    await self._profiles.register_broken(assistant, reason)
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

    def _leases(self) -> list[tuple[str, str]]:
        return [(assistant, f"worker-{self.name}") for assistant in self._registry.ready]
