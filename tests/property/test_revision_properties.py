"""Messages and what is done to them, against a simple model: whichever way a client comes to know a room, it
knows the same."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from revising import revision
from rooms import TestRoom, entry, listening, make_room, writing
from viewing import Shown, View

from productflo.errors import Conflict, NotFound, PermissionDenied
from productflo.protocol.codes import Kind
from productflo.store.connect import open_redis
from productflo.store.entries import Appended, Entry, Revision
from productflo.store.events import Logged, RoomEvent
from productflo.store.retention import Retention
from productflo.store.rooms import Member, Rooms

CREATOR, OTHER, STRANGER, READER = "ada", "bob", "eve", "cyn"
FILE = "file_" + "0" * 26
LARGE = 10**6

WHO = st.sampled_from((*(CREATOR, OTHER) * 4, STRANGER))
MESSAGE = st.sampled_from([f"m{number}" for number in range(8)])
OPERATION = st.sampled_from([f"o{number}" for number in range(40)])
TEXT = st.sampled_from(("hello", "bye", 'quo"te },"sender":', "ünïcode 👍\n"))
EMOJI = st.sampled_from(("👍", ":shipit:"))


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody says something."""

    who: str
    message_id: str
    text: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """Somebody does something to a message."""

    who: str
    operation: str
    code: str
    message_id: str
    details: tuple[str, ...] = ()

    def details_named(self) -> dict[str, str]:
        """As the envelope has them."""
        names = {"edit": ("message",), "reaction": ("emoji", "action")}.get(self.code, ())
        return dict(zip(names, self.details, strict=True))


SAY = st.builds(Said, WHO, MESSAGE, TEXT, st.sampled_from(((), (FILE,))))
EDIT = st.builds(Done, WHO, OPERATION, st.just("edit"), MESSAGE, st.tuples(TEXT))
DELETE = st.builds(Done, WHO, OPERATION, st.just("delete"), MESSAGE)
ACTION = st.tuples(EMOJI, st.sampled_from(("add", "remove")))
REACT = st.builds(Done, WHO, OPERATION, st.just("reaction"), MESSAGE, ACTION)
STEP = st.sampled_from((SAY, SAY, SAY, EDIT, EDIT, REACT, REACT, DELETE)).flatmap(lambda kind: kind)
Step = Said | Done


@dataclass(slots=True)
class Model:
    """What becomes of steps, one after the other; `kept` is the retention in events."""

    kept: int
    seq: int = 0
    messages: dict[str, Shown] = field(default_factory=dict)
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    said: dict[str, tuple[Said, int]] = field(default_factory=dict)
    done: dict[tuple[str, str], tuple[Done, int]] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The oldest event that is kept."""
        return max(1, self.seq - self.kept + 1)

    def retained(self) -> dict[str, Shown]:
        """The messages that are kept."""
        return {key: one for key, one in self.messages.items() if one["seq"] >= self.first}

    def take(self, step: Step, first: int) -> int | type[Exception]:
        """The seq of what came of a step, 0 for nothing, or its error; `first` was the oldest then."""
        if step.who == STRANGER:
            return PermissionDenied
        return self._say(step) if isinstance(step, Said) else self._do(step, first)

    def _say(self, said: Said) -> int | type[Exception]:
        if known := self.said.get(said.message_id):
            return known[1] if known[0] == said else Conflict
        self.seq += 1
        self.said[said.message_id] = said, self.seq
        self.files[said.message_id] = said.files
        self.messages[said.message_id] = {
            "seq": self.seq,
            "sender": said.who,
            "text": said.text,
            "deleted": False,
            "reactions": {},
        }
        return self.seq

    def _do(self, done: Done, first: int) -> int | type[Exception]:
        if known := self.done.get((done.who, done.operation)):
            return known[1] if known[0] == done else Conflict
        message = self.messages.get(done.message_id)
        if message is None or message["deleted"] or message["seq"] < first:
            return NotFound
        outcome = self._change(message, done)
        if isinstance(outcome, int):
            self.seq += outcome
            self.done[done.who, done.operation] = done, self.seq if outcome else 0
            return self.done[done.who, done.operation][1]
        return outcome

    def _change(self, message: Shown, done: Done) -> int | type[Exception]:
        """Change a message: 1, or 0 where it was so already."""
        mine = message["sender"] == done.who
        if done.code == "edit":
            if mine:
                message["text"] = done.details[0]
            return 1 if mine else PermissionDenied
        if done.code == "delete":
            if mine or done.who == CREATOR:
                message |= {"text": "", "deleted": True, "reactions": {}}
                self.files[done.message_id] = ()
                return 1
            return PermissionDenied
        emoji, action = done.details
        users = message["reactions"].setdefault(emoji, [])
        changes = (done.who in users) == (action == "remove")
        if changes and action == "add":
            users.append(done.who)
        elif changes:
            users.remove(done.who)
        if not users:
            del message["reactions"][emoji]
        return int(changes)


@dataclass(slots=True)
class Bench:
    """A room, the model of it, a client that hears it live, and that client as it was after each event."""

    room: TestRoom
    model: Model
    live: View = field(default_factory=View)
    past: list[View] = field(default_factory=lambda: [View()])

    async def step(self, steps: Sequence[Step]) -> None:
        """Do these at once, in their order; what was done before is answered with its event."""
        first = self.model.first
        entries = [await self._entry(step) for step in steps]
        outcomes = await asyncio.gather(*map(self.room.log.append, entries), return_exceptions=True)
        known = self.model.seq
        for step, outcome in zip(steps, outcomes, strict=True):
            expected = self.model.take(step, first)
            if isinstance(expected, type):
                assert isinstance(outcome, expected), (step, outcome)
                continue
            assert isinstance(outcome, Appended), (step, outcome)
            assert outcome.seq == expected, (step, outcome)
            assert (outcome.envelope is not None) == (0 < expected <= known), (step, outcome)
            known = max(known, expected)
            if outcome.envelope is not None:
                assert orjson.loads(outcome.envelope)["data"]["seq"] == expected

    async def _entry(self, step: Step) -> Entry | Revision:
        if isinstance(step, Said):
            return entry(self.room.name, step.who, step.text, step.message_id, files=step.files)
        return await revision(
            self.room.redis,
            self.room.log,
            self.room.name,
            step.code,
            step.message_id,
            by=step.who,
            operation=step.operation,
            **step.details_named(),
        )

    def hear(self, events: Sequence[RoomEvent]) -> None:
        """The client takes what the bus brought."""
        for event in events:
            assert isinstance(event, Logged)
            assert event.first_seq == self.live.seq + 1
            for envelope in event.envelopes:
                self.live.take([envelope])
                self.past.append(self.live.copy())

    async def check(self) -> None:
        """Fail unless every way to know the room tells what the model does."""
        model, log, name = self.model, self.room.log, self.room.name
        assert self.live.messages == model.messages
        for since in range(model.first - 1, model.seq + 1):
            back = self.past[since].copy()
            back.take([record.envelope for record in await log.read(name, since, 1000)])
            assert back.messages == model.messages
        trimmed = await log.read(name, 0, 1000)
        assert [one.seq for one in trimmed] == list(range(model.first, model.seq + 1))
        await self._check_pages()
        await self._check_indexes()

    async def _check_pages(self) -> None:
        """Pages of two messages, from either end."""
        log, name = self.room.log, self.room.name
        up, down = View(), View()
        after, before = 0, LARGE
        while page := await log.messages(name, after, 2, LARGE):
            up.show(orjson.loads(one.envelope)["data"] for one in page)
            after = page[-1].seq
        while page := await log.messages_back(name, before, 2, LARGE):
            down.show(orjson.loads(one.envelope)["data"] for one in page)
            before = page[0].seq
        assert up.messages == down.messages == self.model.retained()
        assert list(up.messages) == sorted(up.messages, key=lambda one: up.messages[one]["seq"])

    async def _check_indexes(self) -> None:
        """Unread messages, files that the room attaches, and nothing left of what was trimmed."""
        redis, model = self.room.redis, self.model
        joined = await Rooms(redis).join(self.room.name, READER_MEMBER, granted=True)
        assert joined is not None
        retained = model.retained()
        assert joined.unread == sum(not one["deleted"] for one in retained.values())
        assert joined.position.first_seq == model.first
        attached = await redis.hgetall(f"{{{self.room.name}}}:files")
        count = sum(len(model.files[one]) for one in retained)
        assert attached == ({FILE.encode(): str(count).encode()} if count else {})
        seqs = {one["seq"] for one in retained.values()}
        edited = {
            model.messages[done.message_id]["seq"]
            for done, seq in model.done.values()
            if done.code == "edit" and seq >= model.first
        }
        kept = {int(seq) for seq in await redis.hkeys(f"{{{self.room.name}}}:messages")}
        assert kept == seqs | edited


READER_MEMBER = Member(READER, READER, Kind.HUMAN)


async def run(redis: Redis, kept: int, batches: list[list[Step]]) -> None:
    """Do it all, and look at it from everywhere."""
    name = f"room_{uuid4().hex}"
    async with writing(redis, Retention(kept)) as log, listening(redis, name) as heard:
        room = await make_room(redis, log, name, people=(CREATOR, OTHER, READER), assistants=())
        bench = Bench(room, Model(kept))
        for batch in batches:
            now = bench.model.seq
            await bench.step(batch)
            if bench.model.seq > now:
                target = bench.model.seq

                def told(events: list[RoomEvent], target: int = target) -> bool:
                    return any(
                        isinstance(one, Logged) and one.first_seq + len(one.envelopes) > target
                        for one in events
                    )

                await heard.until(told)
            bench.hear(heard.events)
            heard.events.clear()
        await bench.check()


@settings(max_examples=25, deadline=None)
@given(
    kept=st.integers(2, 20), batches=st.lists(st.lists(STEP, min_size=4, max_size=12), min_size=2, max_size=8)
)
async def test_every_way_to_know_a_room_tells_the_same(
    store_url: str, kept: int, batches: list[list[Step]]
) -> None:
    """Live, after any absence, and page by page; with repetitions, refusals, and what is kept no longer."""
    async with open_redis(store_url) as redis:
        await run(redis, kept, batches)
