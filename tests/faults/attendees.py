"""People with tabs on several web processes, and what a watcher on each process is told of their presence."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from chatting import Client, Envelope, Server
from processes import Spoken, environment, running
from websockets.exceptions import ConnectionClosed

from productflo.protocol.codes import Kind, RoomKind
from productflo.server.presence_relay import BIG_ROOM
from productflo.store.connect import open_redis
from productflo.store.rooms import Member, Room, Rooms

PROCESSES = 3
TELLING = 2.0  # Seconds within which what the store decided is told to everybody.
ROOM_SIZE = BIG_ROOM // 2  # Above BIG_ROOM a room is told counts.


class Watcher:
    """One who is a member of all rooms, on one process, and notes each change that is told."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._next = asyncio.Event()
        self.told: list[tuple[float, str, str]] = []

    async def watch(self) -> None:
        """Note what comes until the connection ends, however long nothing does."""
        try:
            while True:
                envelope: Envelope = json.loads(await self._client.socket.recv())
                if envelope["code"] == "presence":
                    self.told.append(
                        (time.monotonic(), envelope["data"]["sender"], envelope["data"]["status"])
                    )
                    changed, self._next = self._next, asyncio.Event()
                    changed.set()
        except ConnectionClosed:
            return

    def since(self, began: float) -> Counter[tuple[str, str]]:
        """How often it was told what, from a moment on."""
        return Counter((user, status) for at, user, status in self.told if at >= began)

    async def until(self, began: float, users: Iterable[str], status: str, seconds: float) -> float:
        """Wait until this was told of all the users; how many seconds after `began` it was."""
        missing = {(user, status) for user in users}
        try:
            async with asyncio.timeout(seconds):
                while not missing <= self.since(began).keys():
                    await self._next.wait()
        except TimeoutError:
            raise AssertionError(f"never told: {sorted(missing - self.since(began).keys())[:5]}") from None
        return max(at for at, user, told in self.told if at >= began and (user, told) in missing) - began


class Attendance:
    """The web processes with their people: of each process some are there only, others elsewhere too."""

    def __init__(self, webs: Sequence[Spoken], only: Sequence[Sequence[str]], both: Sequence[str]) -> None:
        self.webs = webs
        self.only = only  # By process: who has tabs on it alone.
        self.both = both  # Who has tabs on the first and on the second process.
        self.watchers: list[Watcher] = []

    @property
    def everybody(self) -> set[str]:
        return {*self.both, *(user for users in self.only for user in users)}


@asynccontextmanager
async def attending(url: str, data_dir: Path, people: int, part: float) -> AsyncIterator[Attendance]:
    """So many people online on three web processes at a part of the real pace, all of whom were told."""
    users = [f"user_{number:03}" for number in range(people)]
    quarter = people // 4
    only = [users[:quarter], users[quarter : 2 * quarter], users[2 * quarter : 3 * quarter]]
    attendance_people = (only, users[3 * quarter :])
    await _make_rooms(url, users)
    async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
        webs, servers = [], []
        program = str(Path(__file__).with_name("quick_web.py"))
        for _ in range(PROCESSES):
            command = (sys.executable, program, url, str(data_dir), str(part))
            env = environment(data_dir, PYTHONPATH=":".join(path for path in sys.path if path))
            webs.append(await stack.enter_async_context(running(*command, env=env)))
        for web in webs:
            servers.append(Server(int((await web.says(r"serving on (\d+)"))[1])))
        attendance = Attendance(webs, *attendance_people)
        began = time.monotonic()
        for number, server in enumerate(servers):
            client = await stack.enter_async_context(server.client(f"watcher_{number}", ping_interval=None))
            for room in _rooms(users):
                await client.join(room)
            attendance.watchers.append(Watcher(client))
            stack.callback(tasks.create_task(attendance.watchers[-1].watch()).cancel)
        tabs = [(user, server) for users, server in zip(only, servers, strict=True) for user in users]
        tabs += [(user, server) for user in attendance.both for server in servers[:2]]
        for user, server in tabs:
            tab = await stack.enter_async_context(server.client(user, ping_interval=None))
            await tab.say("ping")
        for watcher in attendance.watchers:
            await watcher.until(began, users, "online", 30.0)
        yield attendance


def _rooms(users: Sequence[str]) -> list[str]:
    return [f"room_{at}" for at in range(0, len(users), ROOM_SIZE)]


async def _make_rooms(url: str, users: Sequence[str]) -> None:
    async with open_redis(url) as redis:
        for at, room in zip(range(0, len(users), ROOM_SIZE), _rooms(users), strict=True):
            members = [Member(user, user, Kind.HUMAN) for user in users[at : at + ROOM_SIZE]]
            await Rooms(redis).create(Room(room, RoomKind.OPEN, users[0]), [], members)
