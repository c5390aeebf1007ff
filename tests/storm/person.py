"""A client as one should be: it reconnects, resumes, sends again, and keeps a journal of it all."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from storm.changes import Changes
from storm.checker import RETRYABLE
from storm.habits import Habits
from storm.journal import (
    DURABLE,
    Abandoned,
    Asked,
    Changed,
    Heard,
    Joined,
    Journal,
    Opened,
    Refused,
    Sent,
    Skipped,
    operation_of,
)
from storm.repertoire import Repertoire
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

Envelope = dict[str, Any]


RECENT = 20
"""Acknowledged operations that a client keeps, to send one of them again."""


@dataclass(slots=True)
class Place:
    """A client in one room."""

    journal: Journal
    repertoire: Repertoire
    position: int = 0
    generation: str | None = None
    joined: bool = False
    join_due: float = 0.0
    asked: dict[str, Asked] = field(default_factory=dict)


@dataclass(slots=True)
class Operation:
    """Something said, until it is acknowledged. `request_id` comes back with what is wrong with it."""

    name: str
    room: str
    request_id: str
    envelope: bytes
    due: float = 0.0
    times: int = 0


@dataclass(slots=True, eq=False)
class Person:
    """One device of one user. `address()` says where to connect, anew each time: nothing is sticky."""

    user: str
    rooms: Sequence[str]
    address: Callable[[], str]
    changes: Changes
    chance: random.Random
    habits: Habits = field(default_factory=Habits)
    speaks: bool = True
    inspect: Callable[[Envelope], None] | None = None
    """Sees every envelope that comes."""
    places: dict[str, Place] = field(init=False)
    outbox: dict[str, Operation] = field(default_factory=dict)
    done: deque[Operation] = field(default_factory=lambda: deque(maxlen=RECENT))
    said: int = 0
    acknowledged: int = 0
    connections: int = 0
    joins: int = 0
    connected_to: str = ""
    closes: list[int] = field(default_factory=list)
    _socket: ClientConnection | None = None
    _next_word: float = 0.0

    def __post_init__(self) -> None:
        self.places = {room: Place(Journal(self.user, room), Repertoire(self.user)) for room in self.rooms}

    @property
    def settled(self) -> bool:
        """Whether everything said has been answered."""
        return not self.outbox

    @property
    def gaps(self) -> list[Joined | Changed | Skipped]:
        """What it was told of gaps."""
        told = [
            entry
            for place in self.places.values()
            for entry in place.journal.entries
            if isinstance(entry, Joined | Changed | Skipped)
        ]
        return [entry for entry in told if entry.reason]

    @property
    def told(self) -> Counter[str]:
        """Errors and pendings about what it said, by their code."""
        return Counter(
            entry.code
            for place in self.places.values()
            for entry in place.journal.entries
            if isinstance(entry, Refused)
        )

    @property
    def present(self) -> bool:
        """Whether it hears all its rooms."""
        return all(place.joined for place in self.places.values())

    def __str__(self) -> str:
        away = [room for room, place in self.places.items() if not place.joined]
        there = "at" if self._socket else "on the way to"
        waits = [f"{one.name} in {one.room} sent {one.times} times" for one in self.outbox.values()]
        return f"{self.user} {there} {self.connected_to}, outside {away}, waits for {waits}"

    async def run(self) -> None:
        """Live until cancelled."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self.habits.connecting):
                    self.connected_to = self.address()
                    socket = await connect(
                        self.connected_to,
                        compression=None,
                        max_queue=None,
                        ping_interval=None,
                        close_timeout=1,
                    )
                failures = 0
                try:
                    await self._converse(socket)
                finally:
                    self._socket = None
                    socket.transport.abort()
            except (OSError, EOFError, TimeoutError, WebSocketException):
                failures += 1
            await asyncio.sleep(self._jitter(self.habits.back_off * 2 ** min(failures, 3)))

    def drop(self) -> None:
        """Lose the connection, without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def speak(self) -> None:
        """Say something now, or do something to what was said, if it is in a room."""
        if self._socket is not None:
            with suppress(WebSocketException):  # Then it comes back, and sends it again.
                await self._say(self._socket)

    async def repeat(self) -> None:
        """Send something again that was acknowledged long ago."""
        if self._socket is not None and self.done:
            with suppress(WebSocketException):
                await self._send(self._socket, self.chance.choice(self.done))

    async def _converse(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.connections += 1
        for operation in self.outbox.values():
            operation.due = 0.0
        for place in self.places.values():
            place.joined, place.join_due = False, 0.0
            place.journal.entries.append(Opened())
        ticking = asyncio.create_task(self._act(socket))
        try:
            async for message in socket:
                self._take(orjson.loads(message))
                self.changes.note()
            self.closes.append(socket.close_code or 1006)
        except WebSocketException:
            self.closes.append(socket.close_code or 1006)
        finally:
            ticking.cancel()
            for place in self.places.values():
                place.joined = False

    async def _act(self, socket: ClientConnection) -> None:
        """Join what is to be joined, send again what is due, say something new, sometimes hang up."""
        try:
            while True:
                now = self._now()
                for room, place in self.places.items():
                    if not place.joined and place.join_due <= now:
                        await self._join(socket, room, place)
                for operation in [one for one in self.outbox.values() if one.due <= now]:
                    await self._send(socket, operation)
                if self.speaks and len(self.outbox) < self.habits.window and self._next_word <= now:
                    self._next_word = now + self.chance.expovariate(1 / self.habits.pause)
                    await self._say(socket)
                if self.chance.random() < self.habits.leaves * self.habits.tick:
                    self.drop()
                await asyncio.sleep(self.habits.tick)
        except WebSocketException:
            pass  # The reading side ends, and tells why.

    async def _join(self, socket: ClientConnection, room: str, place: Place) -> None:
        place.join_due = self._now() + self.habits.answer
        self.joins += 1
        request, data = f"join {self.joins}", {}
        asked = Asked(request=request)
        if place.generation is not None:
            data = {"since": place.position, "generation": place.generation}
            asked = Asked(place.position, place.generation, request)
        place.asked[request] = asked
        place.journal.entries.append(asked)
        await socket.send(self._envelope("join", room, data, request), text=True)

    async def _say(self, socket: ClientConnection) -> None:
        if self.done and self.chance.random() < self.habits.repeats:
            await self._send(socket, self.chance.choice(self.done))
            return
        room = self.chance.choice(self.rooms)
        if not self.places[room].joined:
            return
        operation = self._next(room, self.places[room].repertoire)
        self.outbox[operation.name] = operation
        await self._send(socket, operation)
        if self.chance.random() < self.habits.insists:
            await self._send(socket, operation)

    def _next(self, room: str, repertoire: Repertoire) -> Operation:
        self.said += 1
        request_id = f"{self.user}-{self.said}"
        saying = repertoire.revision(self.chance) if self.chance.random() < self.habits.revises else None
        saying = saying or repertoire.message(request_id)
        data = {**saying.data, "sender": self.user}
        return Operation(saying.name, room, request_id, self._envelope(saying.code, room, data, request_id))

    async def _send(self, socket: ClientConnection, operation: Operation) -> None:
        if not self.places[operation.room].joined:
            return
        operation.times += 1
        operation.due = self._now() + self._jitter(self.habits.answer)
        self.places[operation.room].journal.entries.append(Sent(operation.name))
        await socket.send(operation.envelope, text=True)

    def _envelope(self, code: str, room: str, data: Envelope, request_id: str) -> bytes:
        envelope = {"code": code, "user_id": self.user, "room_id": room, "data": data}
        return orjson.dumps({**envelope, "request_id": request_id})

    def _take(self, envelope: Envelope) -> None:
        if self.inspect:
            self.inspect(envelope)
        place = self.places.get(envelope.get("room_id") or "")
        if place is None:
            return
        code, data = envelope["code"], envelope["data"]
        if code in DURABLE and "seq" not in data:
            self._refused(place, {"code": "UNCHANGED"}, envelope.get("request_id"))
        elif code in DURABLE and envelope["status"] == "success":
            self._hear(place, code, data, operation_of(envelope))
        elif code == "join" and "generation" in data:
            self._joined(place, data, envelope["request_id"])
        elif code == "system" and data["code"] == "GENERATION_CHANGED":
            self._changed(place, data)
        elif code == "system" and data["code"] == "GAP":
            place.journal.entries.append(Skipped(data["last_seq"], data["reason"]))
            place.position = data["last_seq"]
        elif code == "system":
            self._refused(place, data, envelope.get("request_id"))

    def _hear(self, place: Place, code: str, data: Envelope, operation: str) -> None:
        seq = data["seq"]
        place.journal.entries.append(Heard(seq, operation))
        if seq > place.position:
            place.repertoire.heard(code, data)
        place.position = max(place.position, seq)
        if said := self.outbox.pop(operation, None):
            self.acknowledged += 1
            self.done.append(said)
            place.repertoire.acknowledged(code, data)

    def _joined(self, place: Place, data: Envelope, request: str) -> None:
        since, last_seq = place.asked.pop(request).since, data["last_seq"]
        continuous = data.get("continuous", False)
        place.journal.entries.append(
            Joined(data["generation"], last_seq, continuous, data.get("reason"), request)
        )
        place.position = since if continuous and since is not None else last_seq
        place.generation = data["generation"]
        place.joined = True

    def _changed(self, place: Place, data: Envelope) -> None:
        last_seq, continuous = data["last_seq"], data.get("continuous", False)
        place.journal.entries.append(Changed(data["generation"], last_seq, continuous, data.get("reason")))
        place.generation = data["generation"]
        if not continuous:  # A store that went back may have lost the membership as well: join again.
            place.position = last_seq
            place.joined, place.join_due = False, 0.0

    def _refused(self, place: Place, data: Envelope, request_id: str | None) -> None:
        wait = self._jitter(min(data.get("retry_after") or self.habits.hurry, self.habits.hurry))
        if data.get("request_code") == "join":
            place.join_due = self._now() + wait
        about = [one for one in self.outbox.values() if one.request_id == request_id]
        if not about:
            return
        operation = about[0]
        place.journal.entries.append(Refused(operation.name, data["code"]))
        if data["code"] not in RETRYABLE:
            del self.outbox[operation.name]
            return
        if data["code"] == "UNCONFIRMED":
            return  # It may yet be confirmed; if not, it is sent again in time.
        operation.due = self._now() + wait
        if (
            data["code"] == "STORE_AWAY"
            and operation.times == 1
            and self.chance.random() < self.habits.abandons
        ):
            del self.outbox[operation.name]
            place.journal.entries.append(Abandoned(operation.name))

    def _jitter(self, seconds: float) -> float:
        return seconds * self.chance.uniform(0.5, 1.5)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
