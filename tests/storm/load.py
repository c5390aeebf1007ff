"""People in rooms: the load of a storm, and what the checker makes of it at the end."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

from storm.changes import Changes
from storm.checker import check
from storm.findings import Result
from storm.habits import Habits
from storm.history import of_history
from storm.journal import Journal
from storm.person import Envelope, Person
from storm.truth import indexes_agree, read_last_seq, read_log

from productflo.store.client import Client

PATIENCE_SECONDS = 90.0
"""For everything to be answered and heard after the last fault: the bus's idle check takes 30."""


class StoodStill(TimeoutError):
    """Nothing went on for longer than anything takes; the text says who waits for what."""


class Load:
    """Everybody who takes part. `address()` is where the next connection goes."""

    def __init__(self, address: Callable[[], str], seed: int, patience: float = PATIENCE_SECONDS) -> None:
        self.changes = Changes(patience)
        self.inspect: Callable[[Envelope], None] | None = None
        self.people: list[Person] = []
        self.raced: list[Journal] = []
        self._gone: list[Journal] = []
        self._address = address
        self._chance = random.Random(seed)
        self._running: dict[Person, asyncio.Task[None]] = {}

    @property
    def acknowledged(self) -> int:
        """Operations acknowledged up to now."""
        return sum(one.acknowledged for one in self.people)

    def enter(
        self,
        user: str,
        rooms: Sequence[str],
        habits: Habits,
        tasks: asyncio.TaskGroup,
        *,
        speaks: bool = True,
    ) -> Person:
        """Somebody comes, and lives in `tasks`."""
        chance = random.Random(self._chance.random())
        person = Person(user, rooms, self._address, self.changes, chance, habits, speaks, self.inspect)
        self.people.append(person)
        self._running[person] = tasks.create_task(person.run(), name=user)
        return person

    def leave(self, people: Iterable[Person]) -> None:
        """People go, and need not have heard the end."""
        for person in people:
            self.people.remove(person)
            self._running.pop(person).cancel()
            for place in person.places.values():
                place.journal.stayed = False
                self._gone.append(place.journal)

    async def goes_on(self, operations: int) -> None:
        """Return when so many more operations were acknowledged. Raises `StoodStill` when patience ends."""
        goal = self.acknowledged + operations
        try:
            await self.changes.until(lambda: self.acknowledged >= goal)
        except TimeoutError as error:
            waiting = [str(one) for one in self.people if not (one.settled and one.present)]
            raise StoodStill("\n".join(["Too little was acknowledged.", *waiting])) from error

    async def settle(
        self, last_seqs: Callable[[], Awaitable[Mapping[str, int]]], seconds: float | None = None
    ) -> bool:
        """Say nothing more, and wait until all is answered and heard; False where it is not by then.

        `last_seqs` is asked for the newest seq of each room when everything has been answered.
        """
        for person in self.people:
            person.speaks = False
        try:
            await self.changes.until(lambda: all(one.settled and one.present for one in self.people), seconds)
            last = await last_seqs()
            await self.changes.until(
                lambda: all(
                    place.position >= last[room] for one in self.people for room, place in one.places.items()
                ),
                seconds,
            )
        except TimeoutError:
            return False
        return True

    async def settle_with(self, redis: Client, seconds: float | None = None) -> bool:
        """As `settle`, with the newest seqs of the store's own logs."""

        async def last_seqs() -> Mapping[str, int]:
            return {room: await read_last_seq(redis, room) for room in self.rooms}

        return await self.settle(last_seqs, seconds)

    @property
    def rooms(self) -> list[str]:
        """Every room that somebody was in."""
        return sorted({journal.room for journal in self.journals})

    @property
    def journals(self) -> list[Journal]:
        """What everybody noted."""
        present = [place.journal for one in self.people for place in one.places.values()]
        return [*present, *self._gone, *self.raced]

    def stop(self) -> None:
        """Send everybody home; their journals stay, and have to know the end."""
        for task in self._running.values():
            task.cancel()

    def save(self, folder: Path) -> None:
        """Write what everybody noted to a file a person and room, to look into what the checker found."""
        folder.mkdir(exist_ok=True)
        for journal in self.journals:
            with (folder / f"{journal.room}-{journal.who}").open("a") as file:
                file.writelines(f"{entry}\n" for entry in journal.entries)

    async def results(self, redis: Client) -> list[Result]:
        """What the checker finds, room by room; history is read through the server. Nobody may be at work."""
        results = []
        for room in self.rooms:
            log = await read_log(redis, room)
            result = check(room, log, [one for one in self.journals if one.room == room])
            result.findings += await indexes_agree(redis, room, log)
            result.findings += await of_history(self._address(), room, log)
            results.append(result)
        return results
