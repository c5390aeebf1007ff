"""Clients as they should be: they send on, reconnect, resume, send again, and keep a journal of it all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from chatting import PATIENCE_SECONDS, Client, Envelope, Server
from faults.checker import From, Heard, Said, problems_of_log, problems_of_reader
from websockets.exceptions import WebSocketException

WINDOW = 4  # Messages that a writer sends ahead of their acknowledgement.
AGAIN_SECONDS = 0.05  # A client's pause before it tries again.
PAGE = 200


class Changes:
    """Lets a test wait for something that clients note."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def note(self) -> None:
        """Something has changed."""
        changed, self._next = self._next, asyncio.Event()
        changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when it holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await self._next.wait()


class Reader:
    """Follows rooms through any number of lost connections, and notes everything that it heard."""

    def __init__(self, server: Server, user: str, rooms: Sequence[str], changes: Changes) -> None:
        self.user = user
        self.rooms = rooms
        self.heard: dict[str, list[Heard]] = {room: [] for room in rooms}
        self.gaps: list[Envelope] = []
        self.connections = 0
        self._server = server
        self._changes = changes
        self._generation: dict[str, str] = {}

    def position(self, room: str) -> int:
        """The seq of the last event heard."""
        return self.heard[room][-1].seq if self.heard[room] else 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while not self.finished:
            try:
                async with self._server.client(self.user) as client:
                    self.connections += 1
                    await self._converse(client)
            except (OSError, EOFError, WebSocketException):
                await asyncio.sleep(AGAIN_SECONDS)

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return False

    async def _converse(self, client: Client) -> None:
        for room in self.rooms:
            await self._join(client, room)
        await self._begin(client)
        while not self.finished:
            await self._take(client, await client.next())
            self._changes.note()

    async def _begin(self, client: Client) -> None:
        """What follows the joins."""

    async def _join(self, client: Client, room: str) -> None:
        if room in self._generation:
            await client.say("join", room, since=self.position(room), generation=self._generation[room])
        else:
            await client.say("join", room)

    async def _take(self, client: Client, envelope: Envelope) -> None:
        data, room = envelope["data"], envelope.get("room_id", "")
        match envelope["code"], envelope["status"]:
            case "join", _ if "generation" in data:
                if room not in self._generation:
                    self.heard[room].append(From(data["last_seq"]))
                elif not data.get("continuous"):
                    self.gaps.append(data)
                    self.heard[room].append(From(data["last_seq"]))
                self._generation[room] = data["generation"]
            case "chat_response", "success":
                self._hear(room, Said(data["seq"], data["message_id"]), data["sender"])
            case "system", "success":
                self._generation[room] = data["generation"]
                if data.get("gap"):
                    self.gaps.append(data)
                    self.heard[room].append(From(data["last_seq"]))
            case "system", "error":
                await self._refused(client, room, data)

    def _hear(self, room: str, said: Said, sender: str) -> None:
        self.heard[room].append(said)

    async def _refused(self, client: Client, room: str, data: Envelope) -> None:
        assert data["code"] in ("STORE_AWAY", "UNCONFIRMED"), data
        assert data["retry_after"] > 0
        if data["request_code"] == "join":
            await asyncio.sleep(AGAIN_SECONDS)
            await self._join(client, room)


class Writer(Reader):
    """Says things in its rooms in turn, each until it is acknowledged, and follows them as well."""

    def __init__(self, server: Server, user: str, rooms: Sequence[str], changes: Changes) -> None:
        super().__init__(server, user, rooms, changes)
        self.sent: dict[str, str] = {}  # Room by message id.
        self.times: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self.told: Counter[str] = Counter()  # Errors and pendings, by their code.
        self.open = True

    @property
    def finished(self) -> bool:
        """Whether everything is acknowledged, and nothing more is to be said."""
        return not self.open and len(self.acknowledged) == len(self.sent)

    @property
    def unacknowledged(self) -> list[str]:
        """The ids of what was sent and is not known to be in the log, oldest first."""
        return [message_id for message_id in self.sent if message_id not in self.acknowledged]

    async def _begin(self, client: Client) -> None:
        for message_id in self.unacknowledged:
            await self._send(client, message_id)
        await self._go_on(client)

    async def _go_on(self, client: Client) -> None:
        while self.open and len(self.sent) - len(self.acknowledged) < WINDOW:
            message_id = f"{self.user}-{len(self.sent)}"
            self.sent[message_id] = self.rooms[len(self.sent) % len(self.rooms)]
            await self._send(client, message_id)

    async def _send(self, client: Client, message_id: str) -> None:
        self.times[message_id] += 1
        room = self.sent[message_id]
        await client.say(
            "chat", room, message=f"text of {message_id}", sender=self.user, message_id=message_id
        )

    async def _take(self, client: Client, envelope: Envelope) -> None:
        if envelope["code"] == "system" and envelope["status"] != "success":
            self.told[envelope["data"]["code"]] += 1
            if (
                envelope["status"] == "pending" and "retry_after" in envelope["data"]
            ):  # Nobody tries any more.
                await self._send(client, envelope["data"]["message_id"])
        await super()._take(client, envelope)
        await self._go_on(client)

    def _hear(self, room: str, said: Said, sender: str) -> None:
        """A message sent again is answered with the first result, which may be heard already."""
        if sender == self.user:
            first = self.acknowledged.setdefault(said.message_id, said.seq)
            assert first == said.seq, f"{said.message_id} was acknowledged as {first} and {said.seq}"
            if self.times[said.message_id] > 1 and said.seq <= self.position(room):
                return
        super()._hear(room, said, sender)

    async def _refused(self, client: Client, room: str, data: Envelope) -> None:
        await super()._refused(client, room, data)
        if data["request_code"] == "chat":
            await asyncio.sleep(AGAIN_SECONDS)
            await self._send(client, data["message_id"])


class Traffic:
    """Writers and readers at work."""

    def __init__(self, server: Server, rooms: Sequence[str], writers: int, readers: int) -> None:
        self.changes = Changes()
        self.rooms = rooms
        self.writers = [Writer(server, f"writer{at}", rooms, self.changes) for at in range(writers)]
        self.readers = [Reader(server, f"reader{at}", rooms, self.changes) for at in range(readers)]
        self._server = server

    @property
    def acknowledged(self) -> int:
        """How many messages were acknowledged."""
        return sum(len(writer.acknowledged) for writer in self.writers)

    async def goes_on(self, messages: int = 100) -> None:
        """Return when so many more messages were acknowledged, some of each writer."""
        goal = self.acknowledged + messages
        each = {
            writer: len(writer.acknowledged) + messages // len(self.writers) // 2 for writer in self.writers
        }
        await self.changes.until(
            lambda: (
                self.acknowledged >= goal
                and all(len(one.acknowledged) >= least for one, least in each.items())
            )
        )

    async def problems(self) -> list[str]:
        """Let the writers end, and say what is wrong with the logs, the acknowledgements and the readings."""
        for writer in self.writers:
            writer.open = False
        await self.changes.until(lambda: all(writer.finished for writer in self.writers))
        problems = []
        for room in self.rooms:
            log = await self._log(room)
            last = log[-1].seq
            await self.changes.until(lambda: all(one.position(room) >= last for one in self.readers))  # noqa: B023
            problems += [f"{room}: {problem}" for problem in self._problems_of(room, log)]
        return problems

    def _problems_of(self, room: str, log: Sequence[Said]) -> list[str]:
        sent = [one for writer in self.writers for one in writer.sent if writer.sent[one] == room]
        acknowledged = {
            one: seq
            for writer in self.writers
            for one, seq in writer.acknowledged.items()
            if writer.sent[one] == room
        }
        problems = problems_of_log(log, sent, acknowledged)
        for reader in self.readers:
            problems += [f"{reader.user} {one}" for one in problems_of_reader(log, reader.heard[room])]
        for writer in self.writers:  # It leaves when its own are acknowledged, whatever follows.
            heard = writer.heard[room]
            until = [said for said in log if said.seq <= writer.position(room)]
            problems += [f"{writer.user} {one}" for one in problems_of_reader(until, heard)]
        return problems

    async def _log(self, room: str) -> list[Said]:
        """The room's log by pages of its history."""
        log: list[Said] = []
        async with self._server.client("checker") as client:
            await client.join(room)
            while True:
                after = log[-1].seq if log else 0
                await client.say("historic", room, after=after, limit=PAGE)
                page = (await client.until("historic_response"))["data"]
                log += [Said(message["seq"], message["message_id"]) for message in page["messages"]]
                if not page["has_more"]:
                    return log


@asynccontextmanager
async def talking(
    server: Server, rooms: Sequence[str] = ("one", "two"), writers: int = 4, readers: int = 2
) -> AsyncIterator[Traffic]:
    """Traffic that has begun, every reader being there before the first word."""
    traffic = Traffic(server, rooms, writers, readers)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(reader.run()) for reader in traffic.readers]
        everywhere = set(rooms)
        await traffic.changes.until(
            lambda: all(
                {room for room in everywhere if one.heard[room]} == everywhere for one in traffic.readers
            )
        )
        running += [tasks.create_task(writer.run()) for writer in traffic.writers]
        yield traffic
        for one in running:
            one.cancel()
