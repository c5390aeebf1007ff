"""A chat's path through this server, and nothing beside it: `python -m benchmarks.floor PORT STORE_URL`.

The parts are the product's own: frames, checks, encoding, the append script, the store's connections, the
bus. Left out is what makes a server of them: who speaks, rate limits, the tie between a message and its
answer, what becomes of it when the store is away or something on the bus is lost, slow readers, presence,
assistants, metrics. Nobody could use it. What it takes is the least that this path takes in Python.
"""

import asyncio
import sys
from collections import defaultdict
from typing import Any

import orjson
import uvloop
from redis.asyncio import Redis

from productflo.protocol import frames, inbound
from productflo.protocol.codec import parse, validate
from productflo.protocol.codes import Kind, RoomKind
from productflo.service.chat import Chat
from productflo.service.clock import system_clock
from productflo.store.bus import Bus
from productflo.store.commit import MAX_BATCH
from productflo.store.connect import open_redis
from productflo.store.entries import Entry
from productflo.store.events import Logged, RoomEvent
from productflo.store.retention import Retention
from productflo.store.rooms import Member, Room
from productflo.store.scripts import script
from productflo.store.store import Store
from productflo.store.waiting import PIPELINES

EVENTS = 100_000
"""That a room keeps, as by default."""
HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class Path:
    """From clients to the log, and from the bus to clients."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self.members: defaultdict[str, list[asyncio.Transport]] = defaultdict(list)
        self._redis = redis
        self._store = store
        self._waiting: dict[str, list[Entry]] = {}
        self._arrived = asyncio.Event()
        nobody: Any = None  # Plain chats have neither files nor names in them, and wake nobody.
        self._chat = Chat(store.log, nobody, nobody, nobody, system_clock)

    def say(self, said: inbound.Chat) -> None:
        """Have a message written with the others of this turn."""
        if (entry := self._chat.plain(said.room_id, said.data, said.timestamp)) is not None:
            self._waiting.setdefault(said.room_id, []).append(entry)
            self._arrived.set()

    async def carry(self) -> None:
        """Take what waits to the store, until cancelled."""
        append = script("append")
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                calls, count = [], 0
                while self._waiting and count < MAX_BATCH:
                    room = next(iter(self._waiting))
                    entries = self._waiting.pop(room)
                    calls.append(self._store.log._call(entries))
                    count += len(entries)
                for told in await append.each(self._redis, calls):
                    if isinstance(told, Exception):
                        raise told

    async def join(self, said: inbound.Join, transport: asyncio.Transport) -> None:
        """Come into a room, which is made where there is none."""
        room, member = said.room_id, Member(said.user_id, said.user_id, Kind.HUMAN)
        await self._store.rooms.create(Room(room, RoomKind.OPEN, said.user_id), [], [])
        await self._store.rooms.join(room, member, granted=True)
        await self._store.bus.subscribe(room)
        self.members[room].append(transport)
        transport.write(frames.frame(orjson.dumps({"code": "join", "room_id": room, "last_seq": 0})))

    def heard(self, room: str, event: RoomEvent) -> None:
        """Write to everybody what was written."""
        if isinstance(event, Logged):
            joined = frames.joined(event.envelopes)
            for transport in self.members[room]:
                transport.write(joined)


class Client(asyncio.Protocol):
    """A connection."""

    transport: asyncio.Transport

    def __init__(self, path: Path, tasks: asyncio.TaskGroup) -> None:
        self._path = path
        self._tasks = tasks
        self._parser = frames.Parser(1 << 20)
        self._shaken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake."""
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Take the handshake, which comes alone, then frames."""
        if not self._shaken:
            self._shaken = True
            self.transport.write(HANDSHAKE)
            return
        self._parser.feed(data)
        while (read := self._parser.next()) is not None:
            if read[0] == frames.TEXT:
                said = validate(parse(read[1]))
                if isinstance(said, inbound.Chat):
                    self._path.say(said)
                elif isinstance(said, inbound.Join):
                    self._tasks.create_task(self._path.join(said, self.transport))


async def main() -> None:
    """Serve until stopped."""
    port, url = int(sys.argv[1]), sys.argv[2]
    async with open_redis(url) as redis, asyncio.TaskGroup() as tasks:
        if not isinstance(redis, Redis):
            raise TypeError("A Cluster has more on its path.")
        bus = Bus(redis, shards=(0,))
        path = Path(redis, Store.on(redis, bus, retention=Retention(events=EVENTS)))
        tasks.create_task(bus.run(path.heard, lambda user, word: None, lambda room: None))
        for _ in range(PIPELINES):
            tasks.create_task(path.carry())
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Client(path, tasks), "127.0.0.1", port, backlog=1024)
        print("listening", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
