"""People who talk in a server's rooms while a test does something to it, and what the checker says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from chatting import PATIENCE_SECONDS, Server, check_documented
from storm.checker import check
from storm.habits import Habits
from storm.journal import Heard
from storm.load import Load
from storm.person import Person

_NOTHING_BY_CHANCE = Habits(back_off=0.05, hurry=0.2, insists=0, repeats=0, leaves=0, abandons=0, revises=0)
WRITER = replace(_NOTHING_BY_CHANCE, pause=0.01, tick=0.02)
"""Hard-working people who stay unless they are thrown out: what happens to them is the test's doing."""
READER = replace(_NOTHING_BY_CHANCE, tick=0.2)
PAGE = 200


class Traffic:
    """Writers and readers at work."""

    def __init__(self, server: Server, rooms: Sequence[str], tasks: asyncio.TaskGroup) -> None:
        self._server = server
        self._rooms = rooms
        self._tasks = tasks
        self.load = Load(lambda: server.ws, seed=0, patience=PATIENCE_SECONDS)
        self.load.inspect = check_documented
        self.writers: list[Person] = []
        self.readers: list[Person] = []

    @property
    def people(self) -> list[Person]:
        """Everybody."""
        return [*self.readers, *self.writers]

    async def begin(self, writers: int, readers: int) -> None:
        """Let people come; every reader is there before the first word."""
        enter = self.load.enter
        for at in range(readers):
            self.readers.append(enter(f"reader{at}", self._rooms, READER, self._tasks, speaks=False))
        await self.load.changes.until(lambda: all(one.present for one in self.readers))
        for at in range(writers):
            self.writers.append(enter(f"writer{at}", self._rooms, WRITER, self._tasks))

    async def goes_on(self, messages: int = 100) -> None:
        """Return when so many more messages were acknowledged, some of each writer."""
        each = {one: one.acknowledged + messages // len(self.writers) // 2 for one in self.writers}
        goal = self.load.acknowledged + messages
        await self.load.changes.until(
            lambda: (
                self.load.acknowledged >= goal
                and all(one.acknowledged >= least for one, least in each.items())
            )
        )

    async def problems(self) -> list[str]:
        """Let the writers end, and say what is wrong with the logs, the acknowledgements and the readings."""
        logs: dict[str, list[Heard]] = {}

        async def last_seqs() -> dict[str, int]:
            logs.update({room: await self._log(room) for room in self._rooms})
            return {room: log[-1].seq for room, log in logs.items()}

        settled = await self.load.settle(last_seqs)
        problems = [] if settled else ["something was not answered, or not heard"]
        for room, log in logs.items():
            result = check(room, log, [one for one in self.load.journals if one.room == room])
            problems += [f"{room}: {finding.kind}: {finding.what}" for finding in result.failures()]
        return problems

    async def _log(self, room: str) -> list[Heard]:
        """The room's log by pages of its history."""
        log: list[Heard] = []
        async with self._server.client("checker") as client:
            await client.join(room)
            while True:
                after = log[-1].seq if log else 0
                await client.say("historic", room, after=after, limit=PAGE)
                page = (await client.until("historic_response"))["data"]
                log += [Heard(message["seq"], message["message_id"]) for message in page["messages"]]
                if not page["has_more"]:
                    return log


@asynccontextmanager
async def talking(
    server: Server, rooms: Sequence[str] = ("one", "two"), writers: int = 4, readers: int = 2
) -> AsyncIterator[Traffic]:
    """Traffic that has begun."""
    async with asyncio.TaskGroup() as tasks:
        traffic = Traffic(server, rooms, tasks)
        try:
            await traffic.begin(writers, readers)
            yield traffic
        finally:
            traffic.load.stop()
