"""A store that goes back to a backup, or is wiped: everybody is told, and ends with what its log holds."""

import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from chatting import Client, Server, web_process
from faults.deployment import deployed

from productflo.store import valkey
from productflo.store.connect import open_redis

ROOM = "lab"


class External:
    """A Valkey of the operator's own: it can be stopped, put back to a copy of its files, and started."""

    def __init__(self, folder: Path) -> None:
        (folder / "data").mkdir()
        self._place = valkey.Place(folder / "data", folder / "valkey.log", folder / "valkey.sock")
        self._backup = folder / "backup"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._place.socket}"

    async def start(self) -> None:
        """Start on the files that are there."""
        self._process = await valkey.start(valkey.find_binary(), self._place, "always")

    async def stop(self) -> None:
        """End it as `systemctl stop` does."""
        if self._process is not None:
            await valkey.stop(self._process)

    def back_up(self) -> None:
        """Copy its files, as they are on the disk."""
        shutil.copytree(self._place.data, self._backup)

    def restore(self) -> None:
        """Put the copy in the place of its files."""
        shutil.rmtree(self._place.data)
        shutil.copytree(self._backup, self._place.data)


@asynccontextmanager
async def external(folder: Path) -> AsyncIterator[External]:
    """Such a Valkey, running."""
    store = External(folder)
    try:
        await store.start()
        yield store
    finally:
        await store.stop()


class Room:
    """What one client knows of the room, kept as the protocol tells it to."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.messages: dict[int, str] = {}
        self.told: list[tuple[str, str | None]] = []
        self.position: dict[str, Any] = {}

    async def join(self) -> dict[str, Any]:
        """Join, from the position that is known."""
        await self.client.say("join", ROOM, **self.position)
        data = (await self.until("join", lambda data: "generation" in data))["data"]
        told: dict[str, Any] = data
        return told

    async def until(self, code: str, holds: Any) -> dict[str, Any]:
        """Take in everything up to the envelope that is waited for."""
        while True:
            envelope = await self.client.next()
            self._take(envelope)
            if envelope["code"] == code and holds(envelope["data"]):
                return envelope

    async def hears(self, message: str) -> None:
        """Take in everything up to this message."""
        await self.until("chat_response", lambda data: data["message"] == message)

    def _take(self, envelope: dict[str, Any]) -> None:
        data = envelope["data"]
        if envelope["code"] == "chat_response":
            assert data["seq"] == self.position["since"] + 1, (data, self.position)
            self.messages[data["seq"]] = data["message"]
            self.position["since"] = data["seq"]
        elif "generation" in data:
            if data.get("gap"):
                self.told.append((data.get("code", "join"), data["reason"]))
                self.messages.clear()
            if data.get("gap") or not self.position:
                self.position["since"] = data["last_seq"]
            self.position["generation"] = data["generation"]

    async def read_back(self) -> None:
        """Page what was not heard."""
        await self.client.say("historic", ROOM, after=0, limit=200)
        page = await self.client.until("historic_response")
        self.messages |= {one["seq"]: one["message"] for one in page["data"]["messages"]}


async def talk(client: Client, words: list[str]) -> None:
    """Say things, each after the one before was heard."""
    for word in words:
        await client.chat(ROOM, word)


def words(name: str, count: int) -> list[str]:
    """So many different things to say."""
    return [f"{name} {number}" for number in range(count)]


async def test_a_store_restored_under_running_web_processes_is_noticed_by_all(tmp_path: Path) -> None:
    """Live clients of two processes, and those who come back: before, at, and after what was lost."""
    async with (
        external(tmp_path) as store,
        web_process(tmp_path / "a", REDIS_URL=store.url, PRODUCTFLO_DEFAULT_ASSISTANTS=",") as one,
        web_process(tmp_path / "b", REDIS_URL=store.url, PRODUCTFLO_DEFAULT_ASSISTANTS=",") as other,
    ):
        async with one.client("ada") as ada, other.client("bob") as bob:
            here, there = Room(ada), Room(bob)
            await here.join()
            await there.join()
            early = await visit(other, "early", there, ada, words("first", 3))
            await talk(ada, words("kept", 5))
            await there.hears("kept 4")
            store.back_up()
            late = await visit(other, "late", there, ada, words("lost", 4))
            await store.stop()
            store.restore()
            await store.start()
            for room in (here, there):
                await room.until("system", lambda data: data["code"] == "GENERATION_CHANGED")
                assert room.told == [("GENERATION_CHANGED", "rewound")]
                assert room.position["since"] == 8
            await talk(bob, words("again", 6))  # Seqs 9 to 14, of which four stood for others before.
            await here.hears("again 5")
            truth = dict(enumerate([*words("first", 3), *words("kept", 5), *words("again", 6)], 1))
            for room in (here, there):
                await room.read_back()
                assert room.messages == truth
        assert await comes_back(one, "early", early) == (True, None, list(range(4, 15)))
        assert await comes_back(one, "late", late) == (None, "rewound", [])


async def visit(server: Server, user: str, there: Room, speaker: Client, said: list[str]) -> dict[str, Any]:
    """Somebody comes, hears what is said, and goes; their position."""
    async with server.client(user) as client:
        room = Room(client)
        await room.join()
        await talk(speaker, said)
        await room.hears(said[-1])
        await there.hears(said[-1])
        return room.position


async def comes_back(
    server: Server, user: str, position: dict[str, Any]
) -> tuple[bool | None, str | None, list[int]]:
    """What one who resumes is told, and the seqs that follow."""
    async with server.client(user) as client:
        answer = (await client.join(ROOM, **position))["data"]
        if answer.get("continuous"):
            await client.until("chat_response", seq=answer["last_seq"])
        else:
            await client.settled()
        seqs = [one["data"]["seq"] for one in client.heard if one["code"] == "chat_response"]
        return answer.get("continuous"), answer.get("reason"), seqs


async def test_an_embedded_store_restored_from_a_copy_is_noticed_by_all(tmp_path: Path) -> None:
    """Everything was stopped meanwhile; the room has grown past those who come back to it."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    async with deployed(data) as deployment, deployment.server.client("ada") as ada:
        here = Room(ada)
        await here.join()
        await talk(ada, words("kept", 3))
        await here.read_back()
        kept = {**here.position, "since": 3}
        shutil.copytree(data / "store", copy, ignore=shutil.ignore_patterns("*.sock"))
        await talk(ada, words("lost", 3))
        lost = {**kept, "since": 6}
    shutil.rmtree(data / "store")
    shutil.copytree(copy, data / "store")
    async with deployed(data) as deployment:
        async with deployment.server.client("bob") as bob:
            await bob.join(ROOM)
            await talk(bob, words("again", 5))
        assert await comes_back(deployment.server, "ada", kept) == (True, None, [4, 5, 6, 7, 8])
        assert await comes_back(deployment.server, "ada", lost) == (None, "rewound", [])


async def test_a_store_wiped_under_live_clients_is_noticed_with_the_next_word(tmp_path: Path) -> None:
    """The server is the same process, its rooms are gone: one who joins makes the room anew."""
    async with deployed(tmp_path) as deployment, open_redis(deployment.redis_url) as redis:
        async with deployment.server.client("ada") as ada, deployment.server.client("bob") as bob:
            here, there = Room(ada), Room(bob)
            await here.join()
            await there.join()
            await talk(ada, words("lost", 5))
            await there.hears("lost 4")
            await redis.flushall()
            position = dict(there.position)
            await here.join()
            assert {reason for _, reason in here.told} == {"rewound"}
            await there.until("system", lambda data: data["code"] == "GENERATION_CHANGED")
            assert (there.told, there.position["since"]) == ([("GENERATION_CHANGED", "rewound")], 0)
            await there.join()
            await talk(ada, words("new", 2))
            await there.hears("new 1")
            assert there.messages == {1: "new 0", 2: "new 1"}
        assert await comes_back(deployment.server, "bob", position) == (None, "rewound", [])
