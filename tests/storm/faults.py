"""What is done to a deployment in the midst of traffic. Each fault returns when it is over."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from processes import kill
from storm.clock import library
from storm.crowd import reconnect_at_once
from storm.deployment import Deployment, Web
from storm.load import Load
from storm.network import Links
from storm.race import race

HOUR_SECONDS = 3600


@dataclass(slots=True)
class Storm:
    """What a fault can lay its hands on. `notes` go into the report."""

    deployment: Deployment
    load: Load
    chance: random.Random
    tasks: asyncio.TaskGroup
    notes: list[str] = field(default_factory=list)

    def web(self) -> Web:
        """Any web process."""
        return self.chance.choice(self.deployment.webs)

    async def moment(self, most: float) -> None:
        """Wait for a random time."""
        await asyncio.sleep(self.chance.uniform(0, most))


Fault = Callable[[Storm], Awaitable[None]]


async def kill_web(storm: Storm) -> None:
    """`kill -9` of a web process, which is started again within a second."""
    web = storm.web()
    await web.kill()
    await storm.moment(1)
    await web.start()
    await web.ready()


async def restart_web(storm: Storm) -> None:
    """A web process is asked to end (SIGTERM), and started again."""
    web = storm.web()
    await web.end(signal.SIGTERM)
    await web.start()
    await web.ready()


async def kill_worker(storm: Storm) -> None:
    """`kill -9` of one of a server's processes; their parent starts another."""
    web = storm.web()
    before = web.workers()
    kill(storm.chance.choice(before))
    await web.replaced(before, 1)


async def reload_web(storm: Storm) -> None:
    """SIGHUP: a server's processes are replaced, one after the other."""
    web = storm.web()
    before = web.workers()
    web.reload()
    await web.replaced(before, len(before))


async def kill_store(storm: Storm) -> None:
    """`kill -9` of the store, which is started again within a second."""
    await storm.deployment.store.kill()
    await storm.moment(1)
    await storm.deployment.store.recover()


async def restart_store(storm: Storm) -> None:
    """The store is asked to end (SIGTERM), and started again."""
    await storm.deployment.store.end()
    await storm.deployment.store.recover()


async def kill_everything(storm: Storm) -> None:
    """All processes at once, as when the machine loses its power (what the disk was given stays)."""
    deployment = storm.deployment
    await asyncio.gather(deployment.store.kill(), *(web.kill() for web in deployment.webs))
    await deployment.store.recover()
    for web in deployment.webs:
        await web.start()
    for web in deployment.webs:
        await web.ready()


async def stop_web(storm: Storm) -> None:
    """A web process stands still (SIGSTOP) for 2 to 8 seconds."""
    with storm.web().stopped():
        await asyncio.sleep(storm.chance.uniform(2, 8))


async def stop_store(storm: Storm) -> None:
    """The store stands still (SIGSTOP) for 2 to 8 seconds; after 5 the server asks again elsewhere."""
    with storm.deployment.store.stopped():
        await asyncio.sleep(storm.chance.uniform(2, 8))


async def cut_bus(storm: Storm) -> None:
    """The store closes the connections that listen to Pub/Sub: what they would have heard is dropped."""
    await storm.deployment.store.cut_bus()


async def cut_web(storm: Storm, seconds: float) -> None:
    """A web process and the store hear nothing of each other; its clients stay connected to it."""
    links, link = _links(storm), storm.chance.randrange(len(storm.deployment.webs)) + 1
    links.cut(link)
    try:
        await asyncio.sleep(seconds)
    finally:
        links.mend(link)


async def cut_all(storm: Storm, seconds: float) -> None:
    """No web process hears of the store, nor it of them."""
    links = _links(storm)
    webs = links.links[1:]
    for link in webs:
        links.cut(link)
    try:
        await asyncio.sleep(seconds)
    finally:
        for link in webs:
            links.mend(link)


async def web_clock_off(storm: Storm) -> None:
    """The clock of a web process is an hour fast, then an hour slow, then right."""
    clock = storm.web().clock
    for hours in (1, -1):
        with clock.off(hours * HOUR_SECONDS):
            await storm.load.goes_on(200)
            await asyncio.sleep(2)


async def store_clock_off(storm: Storm) -> None:
    """The store's clock is an hour fast, then an hour slow, and the store is killed under each."""
    clock = storm.deployment.store.clock
    assert clock is not None, "this store's clock can not be set"
    for hours in (1, -1):
        with clock.off(hours * HOUR_SECONDS):
            await storm.load.goes_on(200)
            await asyncio.sleep(2)
            await kill_store(storm)
            await storm.load.goes_on(200)


async def race_one_id(storm: Storm) -> None:
    """One message id is sent 1,000 times at once, over all web processes."""
    journal = await race(storm.deployment, f"race{len(storm.load.raced)}", 1000)
    storm.load.raced.append(journal)


async def reconnect_crowd(storm: Storm) -> None:
    """1,000 clients lose their connections at once, come back and resume."""
    storm.notes.append(await reconnect_at_once(storm.load, storm.tasks, 1000))


def _links(storm: Storm) -> Links:
    network = storm.deployment.network
    assert isinstance(network, Links), "cuts need links"
    return network


FAULTS: Mapping[str, Fault] = {
    "kill-web": kill_web,
    "kill-store": kill_store,
    "kill-everything": kill_everything,
    "kill-worker": kill_worker,
    "reload-web": reload_web,
    "restart-web": restart_web,
    "restart-store": restart_store,
    "stop-web": stop_web,
    "stop-store": stop_store,
    "cut-bus": cut_bus,
    **{f"cut-web-{seconds}s": partial(cut_web, seconds=seconds) for seconds in (5, 30, 150)},
    **{f"cut-all-{seconds}s": partial(cut_all, seconds=seconds) for seconds in (5, 30, 150)},
    "web-clock": web_clock_off,
    "store-clock": store_clock_off,
    "race": race_one_id,
    "reconnect": reconnect_crowd,
}
"""The faults by the name that `--faults` knows them by."""

FULL = {
    "kill-web": 20,
    "kill-store": 20,
    "kill-everything": 2,
    "kill-worker": 6,
    "reload-web": 6,
    "restart-web": 4,
    "restart-store": 2,
    "stop-web": 4,
    "stop-store": 4,
    "cut-bus": 10,
    "cut-web-5s": 2,
    "cut-web-30s": 1,
    "cut-web-150s": 1,
    "cut-all-5s": 1,
    "cut-all-30s": 1,
    "web-clock": 1,
    "store-clock": 1,
    "race": 3,
    "reconnect": 1,
}
"""The whole storm."""

QUICK = {
    "kill-web": 2,
    "kill-store": 2,
    "kill-everything": 1,
    "kill-worker": 1,
    "reload-web": 1,
    "restart-web": 1,
    "stop-web": 1,
    "stop-store": 1,
    "cut-bus": 2,
    "cut-web-5s": 1,
    "cut-all-5s": 1,
    "web-clock": 1,
    "store-clock": 1,
    "race": 1,
}
"""About a minute."""


CALM = frozenset({"race", "reconnect"})
"""Faults that are a load of their own, and come when the others are over."""


def cuts(name: str) -> bool:
    """Whether the fault needs links that can be cut."""
    return name.startswith(("cut-web", "cut-all"))


def sets_a_clock(name: str) -> bool:
    """Whether the fault needs libfaketime."""
    return name.endswith("-clock")


def missing(name: str, store: str) -> str | None:
    """What the fault lacks here."""
    if sets_a_clock(name) and library() is None:
        return "libfaketime (Debian, Ubuntu: apt install libfaketime)"
    if store != "single" and (cuts(name) or name == "store-clock"):
        return "the single store"
    return None
