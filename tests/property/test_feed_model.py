"""A model of a room whose store restarts, goes back, is wiped and trims, over a bus that drops and repeats.

Whatever happens, and between which two steps of a replay or a look at the position: a client that keeps to
the protocol hears each event once and in order, or is told; in the end it has what the log has.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from ears import Ear
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from productflo.domain.position import Position
from productflo.server.feed import Feed
from productflo.server.pages import Pages
from productflo.server.reconcile import Reconciler
from productflo.server.replay import Replay
from productflo.server.subscription import Subscription
from productflo.service.clock import system_clock
from productflo.store.entries import Record
from productflo.store.events import Logged
from productflo.store.rooms import State

MEANWHILE = st.lists(
    st.tuples(
        st.sampled_from(["say", "restart", "wipe", "trim", "deliver", "lose", "listen"]), st.integers(1, 4)
    ),
    max_size=4,
)


@dataclass(slots=True)
class Store:
    """The room's log, and what its channel still has to bring; `meanwhile` happens between two questions."""

    feed: Feed
    generation: str = "g1"
    names: int = 1
    events: list[str] = field(default_factory=list)
    generations: list[str] = field(default_factory=list)
    trimmed: int = 0
    predecessors: tuple[tuple[str, int], ...] = ()
    bus: deque[Logged] = field(default_factory=deque)
    doubted: bool = False
    meanwhile: deque[tuple[str, int]] = field(default_factory=deque)
    look: Callable[[], Awaitable[object]] = field(init=False)

    def envelope(self, seq: int) -> bytes:
        return orjson.dumps(
            {"code": "chat_response", "data": {"seq": seq, "message_id": self.events[seq - 1]}}
        )

    def new(self) -> str:
        self.names += 1
        return f"{self.names}"

    def say(self, count: int) -> None:
        first = len(self.events) + 1
        self.events += [self.new() for _ in range(count)]
        self.generations += [self.generation] * count
        envelopes = tuple(self.envelope(seq) for seq in range(first, first + count))
        self.bus.append(Logged(first, self.generation, 0, envelopes))

    def restart(self, lost: int) -> None:
        """Another process, on files that lack the last events."""
        kept = max(self.trimmed, len(self.events) + 1 - lost)
        del self.events[kept:], self.generations[kept:]
        self.predecessors = ((self.generation, len(self.events)), *self.predecessors)
        self.generation = f"g{self.new()}"
        self.listen(1)

    def wipe(self, _: int) -> None:
        self.events, self.generations, self.trimmed, self.predecessors = [], [], 0, ()
        self.generation = f"g{self.new()}"

    def trim(self, count: int) -> None:
        self.trimmed = min(self.trimmed + count, len(self.events))

    def deliver(self, count: int) -> None:
        for _ in range(count):
            if self.bus and not self.feed.logged(self.bus.popleft()):
                self.doubted = True

    def lose(self, count: int) -> None:
        for _ in range(min(count, len(self.bus))):
            self.bus.popleft()

    def listen(self, _: int) -> None:
        """The bus was lost with all that it had, and is back."""
        self.bus.clear()
        self.feed.listening_anew()
        self.doubted = True

    async def happen(self) -> None:
        """What comes between a question and its answer."""
        if self.meanwhile:
            what, count = self.meanwhile.popleft()
            if what == "look":
                await self.look()
            else:
                getattr(self, what)(count)

    def place(self) -> Position:
        return Position(self.generation, len(self.events), self.predecessors, self.trimmed + 1)

    async def states(self, seen: Sequence[tuple[str, str, int]]) -> list[State]:
        """As `Rooms.states`."""
        state = State(self.place(), 0, 1)
        await self.happen()
        return [state for _ in seen]

    async def position(self, room: str) -> Position:
        """As `Rooms.position`."""
        return self.place()

    async def members_among(self, room: str, users: Iterable[str]) -> frozenset[str]:
        """As `Rooms.members_among`."""
        await self.happen()
        return frozenset(users)

    async def read(self, room: str, after: int, limit: int) -> list[Record]:
        """As `Log.read`."""
        begin = max(after, self.trimmed) + 1
        end = min(len(self.events), begin + limit - 1)
        records = [
            Record(seq, self.generations[seq - 1], self.envelope(seq)) for seq in range(begin, end + 1)
        ]
        await self.happen()
        return records


class SlowEar(Ear):
    """Something happens while it reads."""

    def __init__(self, name: str, store: Store) -> None:
        super().__init__(name)
        self._store = store

    async def drained(self) -> None:
        await self._store.happen()


@dataclass(slots=True)
class Reader:
    """A client that keeps to the protocol. It trusts `base` and before; `heard` is what came after it."""

    ear: Ear
    base: int = 0
    since: int | None = None
    generation: str = ""
    heard: dict[int, str] = field(default_factory=dict)
    taken: int = 0

    def begin(self, position: dict[str, Any]) -> None:
        """A join's answer: go on, or anew from there."""
        if not position.get("continuous"):
            self.base = self.since = position["last_seq"]
            self.heard = {}
        self.generation = position["generation"]

    def take(self) -> None:
        """What came since."""
        for envelope in self.ear.got[self.taken :]:
            data = envelope["data"]
            if envelope["code"] != "system":
                assert self.since is not None
                assert data["seq"] == self.since + 1, (data, self.since)
                self.since = data["seq"]
                self.heard[data["seq"]] = data["message_id"]
            elif data.get("reason") == "trimmed":
                assert self.since is not None
                assert data["last_seq"] > self.since
                self.since = data["last_seq"]
            else:
                self.begin(data)
        self.taken = len(self.ear.got)


class Rooms(RuleBasedStateMachine):
    """One feed, its readers, and the store behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.feed = Feed("lab")
        self.store = Store(self.feed)
        self.reconciler = Reconciler(self.store, self.store, system_clock)  # type: ignore[arg-type]
        self.store.look = lambda: self.reconciler.reconcile([self.feed])
        self.replay = Replay(Pages(self.store), self.reconciler)  # type: ignore[arg-type]
        self.feed.start("g1", 0, 0)
        self.readers: list[Reader] = []

    @rule(what=st.sampled_from(["say", "deliver", "lose", "listen"]), count=st.integers(1, 4))
    def go_on(self, what: str, count: int) -> None:
        getattr(self.store, what)(count)

    @rule(what=st.sampled_from(["restart", "wipe", "trim"]), count=st.integers(1, 4))
    def suffer(self, what: str, count: int) -> None:
        getattr(self.store, what)(count)

    @rule()
    def repeat(self) -> None:
        """The bus brings something twice."""
        if self.store.bus:
            self.store.bus.append(self.store.bus[0])

    @rule(meanwhile=MEANWHILE)
    def look(self, meanwhile: list[tuple[str, int]]) -> None:
        """At the room's position: idle, or in doubt."""
        self.store.meanwhile.extend(meanwhile)
        self.store.doubted = False
        doubtful, _ = self.loop.run_until_complete(self.reconciler.reconcile([self.feed]))
        self.store.doubted |= bool(doubtful)
        self.store.meanwhile.clear()

    @rule(which=st.integers(0, 2))
    def leave(self, which: int) -> None:
        """A connection is lost; its client misses what comes now."""
        if which < len(self.readers):
            self.feed.subscriptions.pop(self.readers[which].ear.id, None)

    @rule(which=st.integers(0, 2), meanwhile=MEANWHILE)
    def join(self, which: int, meanwhile: list[tuple[str, int]]) -> None:
        """Come for the first time, or come back and resume; then catch up."""
        if which >= len(self.readers):
            self.readers.append(Reader(SlowEar(f"{len(self.readers)}", self.store)))
        reader = self.readers[min(which, len(self.readers) - 1)]
        self.loop.run_until_complete(self._join(reader, meanwhile))

    async def _join(self, reader: Reader, meanwhile: list[tuple[str, int]]) -> None:
        self.feed.subscriptions.pop(reader.ear.id, None)
        while self.feed.generation != self.store.generation:
            await self.reconciler.settle(self.feed)
        position, gap = self.store.place(), None
        if reader.since is not None:
            gap = position.gap(reader.since, reader.generation)
        continuous = reader.since is not None and gap is None
        reader.begin(
            {"continuous": continuous, "generation": position.generation, "last_seq": position.last_seq}
        )
        assert reader.since is not None
        subscription = Subscription(reader.ear, "ada", stream=False, cursor=reader.since)
        assert self.feed.follow(subscription)
        self.store.meanwhile.extend(meanwhile)
        await self.replay.catch_up(self.feed, subscription)
        assert subscription.live
        self.store.meanwhile.clear()

    @invariant()
    def each_event_comes_once_and_in_order(self) -> None:
        """Or it is told."""
        for reader in self.readers:
            reader.take()

    def teardown(self) -> None:
        """At rest everybody has what the log has, as far as it was kept."""
        try:
            self.loop.run_until_complete(self._come_to_rest())
        finally:
            self.loop.close()

    async def _come_to_rest(self) -> None:
        self.store.deliver(1000)
        await self.reconciler.settle(self.feed)
        assert (self.feed.generation, self.feed.seq) == (self.store.generation, len(self.store.events))
        truth = dict(enumerate(self.store.events, 1))
        for reader in self.readers:
            reader.take()
            if reader.ear.id not in self.feed.subscriptions:
                await self._join(reader, [])
                reader.take()
            assert (reader.generation, reader.since) == (self.store.generation, len(truth))
            assert reader.heard.items() <= truth.items()
            missing = truth.keys() - reader.heard.keys()
            assert all(seq <= max(reader.base, self.store.trimmed) for seq in missing)


Rooms.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestRooms = Rooms.TestCase
