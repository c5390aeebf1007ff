"""What a room gets from a worker: the answer in pieces and whole, and a plain word where there is none."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from rooms import PATIENCE, Listener, TestRoom, listening, make_room, writing
from workers import working

from assistants import AssistantError, Context, assistant
from assistants.answering import SAVE_FIRST
from productflo.protocol.inbound import MAX_TEXT
from productflo.service.runs import Runs
from productflo.store.events import Live, Logged, PieceSaid, RoomEvent, Typed
from productflo.store.keys import RoomKeys, user_rooms
from productflo.store.rooms import Rooms
from productflo.store.runs import RunStore


class Gates:
    """Lets a test decide when an assistant goes on, and see that it was closed."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()
        self.closed = asyncio.Event()


@pytest.fixture
def gates() -> Gates:
    return Gates()


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab")


@pytest.fixture
async def heard(redis: Redis, room: TestRoom) -> AsyncIterator[Listener]:
    async with listening(redis, "lab") as listener:
        yield listener


@assistant("echo")
async def echo(ctx: Context) -> AsyncIterator[str]:
    yield "You said: "
    yield ctx.text


def waits(gates: Gates):
    """An assistant that says "one", waits for its gate, and says "two"."""

    @assistant("echo")
    async def waiting(ctx: Context) -> AsyncIterator[str]:
        try:
            yield "one "
            gates.reached.set()
            await gates.opened.wait()
            yield "two"
        finally:
            gates.closed.set()

    return waiting


def finished(count: int = 1):
    """Whether so many answers stand in the log and the typing has stopped after them."""

    def holds(events: list[RoomEvent]) -> bool:
        ended = [event for event in events if isinstance(event, Typed) and not event.started]
        return len(ended) >= count

    return holds


def shape(events: list[RoomEvent]) -> list[str]:
    """The events by name, with a piece's index; repeated typing is one."""
    names: list[str] = []
    for event in events:
        match event:
            case Typed():
                name = "typing" if event.started else "stopped typing"
            case PieceSaid():
                name = f"piece {event.index}"
            case Logged():
                name = "message"
            case Live():
                name = "read"
            case _:
                name = type(event).__name__
        if name != "typing" or "typing" not in names:
            names.append(name)
    return names


async def test_an_answer_from_first_to_last(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Read, typing, the first piece at once, the rest, the whole message, the end of typing; nothing more."""
    async with working(store_url, waits(gates)):
        question = await room.say("ada", "hello", wake=["echo"])
        await heard.until(lambda events: any(isinstance(event, PieceSaid) for event in events))
        gates.opened.set()
        events = await heard.until(finished())
    seen = [name for name in shape(events) if name != "piece 1"]
    assert seen == ["message", "read", "typing", "piece 0", "message", "stopped typing"]
    assert await Rooms(room.redis).reads("lab", ["echo"]) == {"echo": 1}
    (answer,) = await room.answers()
    assert (answer["message"], answer["sender"], answer["reply_to"]) == ("one two", "echo", question)
    assert answer["assistant"]["state"] == "done"
    assert answer["assistant"]["run_id"] == f"{answer['message_id']}.1"


async def test_pieces_are_gathered_and_add_up(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Many small pieces become few; joined they are the beginning of the message."""

    @assistant("echo")
    async def chatters(ctx: Context) -> AsyncIterator[str]:
        for number in range(200):
            yield f"{number} "
            await asyncio.sleep(0.001)

    async with working(store_url, chatters):
        await room.say("ada", "hello", wake=["echo"])
        events = await heard.until(finished())
    pieces = [event for event in events if isinstance(event, PieceSaid)]
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    assert 2 <= len(pieces) < 100
    (answer,) = await room.answers()
    assert answer["message"] == "".join(f"{number} " for number in range(200))


async def test_whoever_comes_late_finds_the_text(store_url: str, room: TestRoom, heard: Listener) -> None:
    """A piece heard without those before it is in the store already: from there on nothing is missing."""

    @assistant("echo")
    async def thinks(ctx: Context) -> AsyncIterator[str]:
        for number in range(4):
            yield f"{number} "
            await asyncio.sleep(SAVE_FIRST + 0.05)

    runs = RunStore(room.redis)
    async with working(store_url, thinks):
        await room.say("ada", "hello", wake=["echo"])
        for number in range(4):
            count = number + 1
            await heard.until(
                lambda events, count=count: sum(isinstance(e, PieceSaid) for e in events) == count
            )
            (snapshot,) = await runs.running("lab", ["echo"])
            assert (snapshot.index, snapshot.text) == (number, "".join(f"{n} " for n in range(count)))
        await heard.until(finished())


async def test_questions_are_answered_in_order(store_url: str, room: TestRoom, heard: Listener) -> None:
    """One at a time, each as a reply to its own question."""
    async with working(store_url, echo):
        asked = [await room.say("ada", f"q{number}", wake=["echo"]) for number in range(10)]
        await heard.until(finished(10))
    answers = await room.answers()
    assert [answer["reply_to"] for answer in answers] == asked
    assert [answer["message"] for answer in answers] == [f"You said: q{number}" for number in range(10)]


async def test_rooms_do_not_wait_for_each_other(
    redis: Redis, store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """While one answer takes its time another room gets its own."""
    other = await make_room(redis, room.log, "hall")

    @assistant("echo")
    async def slow_in_the_lab(ctx: Context) -> AsyncIterator[str]:
        if ctx.room == "lab":
            gates.reached.set()
            await gates.opened.wait()
        yield ctx.room

    async with listening(redis, "hall") as hall, working(store_url, slow_in_the_lab):
        await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
        await other.say("ada", "hello", wake=["echo"])
        await hall.until(finished())
        assert await room.answers() == []
        gates.opened.set()
        await heard.until(finished())
    assert [answer["message"] for answer in await room.answers()] == ["lab"]


async def test_a_lost_wake_up_is_made_good(store_url: str, room: TestRoom, heard: Listener) -> None:
    """The sweep finds what the log holds and the cursor has not passed."""
    async with working(store_url, echo):
        await room.say("ada", "nobody was woken for this")
        await heard.until(finished())
    assert len(await room.answers()) == 1


async def test_what_is_not_for_it_is_passed_over(redis: Redis, store_url: str, gates: Gates) -> None:
    """In a room of people it waits to be mentioned, replied to; assistants never wake each other."""
    async with writing(redis) as log, listening(redis, "team") as heard:
        room = await make_room(redis, log, "team", people=["ada", "bo"], assistants=["echo", "guide"])
        async with working(store_url, echo):
            await room.say("ada", "hello bo", wake=["echo"])
            await room.say("guide", "@echo hello", wake=["echo"])
            await room.say("bo", "@Echo, hello", wake=["echo"])
            await heard.until(finished())
            (answer,) = await room.answers()
            await room.say("ada", "and I agree", reply_to=answer["message_id"], wake=["echo"])
            await heard.until(finished(2))
    assert [answer["message"] for answer in await room.answers()] == [
        "You said: hello",
        "You said: and I agree",
    ]


async def test_silence_leaves_no_message(store_url: str, room: TestRoom, heard: Listener) -> None:
    """An assistant that yields nothing is seen typing and no more; the next question is answered."""

    @assistant("echo")
    async def picky(ctx: Context) -> AsyncIterator[str]:
        if "please" in ctx.text:
            yield "since you ask"

    async with working(store_url, picky):
        await room.say("ada", "speak", wake=["echo"])
        await room.say("ada", "speak, please", wake=["echo"])
        await heard.until(finished(2))
    assert [answer["message"] for answer in await room.answers()] == ["since you ask"]


async def test_the_context_is_the_room(redis: Redis, store_url: str, heard: Listener, room: TestRoom) -> None:
    """History before the question and of this room only, members, asker, the question without its mention."""
    elsewhere = await make_room(redis, room.log, "secret")
    await elsewhere.say("ada", "the canary sings")
    seen: list[Context] = []
    history: list[list[str]] = []

    @assistant("echo")
    async def looks(ctx: Context) -> AsyncIterator[str]:
        seen.append(ctx)
        history.append([message.text for message in await ctx.history(2)])
        history.append([message.text for message in await ctx.history(0)])
        yield "seen"

    async with working(store_url, looks):
        for text in ("first", "second", "third"):
            await room.say("ada", text)
        await heard.until(finished(3))
        await room.say("ada", "@echo fourth?", wake=["echo"])
        await heard.until(finished(4))
    (ctx,) = seen[-1:]
    assert (ctx.text, ctx.message.text, ctx.room) == ("fourth?", "@echo fourth?", "lab")
    assert (ctx.asker.id, ctx.asker.name, ctx.me.kind) == ("ada", "Ada", "assistant")
    assert {member.id for member in ctx.members} == {"ada", "echo"}
    assert ctx.me.is_here
    assert not ctx.asker.is_here
    assert history[-2:] == [["seen", "seen"], []]
    assert not any("canary" in text for texts in history for text in texts)


async def stop(room: TestRoom, message_id: str, by: str = "bo") -> bytes | None:
    runs = Runs(RunStore(room.redis), Rooms(room.redis), room.log)
    return await runs.stop("lab", message_id=message_id, run_id=None, by=by)


async def test_a_stop_closes_the_assistant_at_once(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """What was said stays, with who stopped it; what comes next is answered."""
    async with working(store_url, waits(gates)):
        await room.say("ada", "hello", wake=["echo"])
        events = await heard.until(lambda events: any(isinstance(event, PieceSaid) for event in events))
        (piece,) = [event for event in events if isinstance(event, PieceSaid)]
        assert await stop(room, piece.message_id) is None
        await asyncio.wait_for(gates.closed.wait(), 0.25)
        await heard.until(finished())
        gates.opened.set()
        await room.say("ada", "hello again", wake=["echo"])
        await heard.until(finished(2))
    first, second = await room.answers()
    assert (first["message"], first["assistant"]["state"], first["assistant"]["stopped_by"]) == (
        "one ",
        "stopped",
        "bo",
    )
    assert (second["message"], second["assistant"]["state"]) == ("one two", "done")


async def test_a_stop_that_the_bus_lost_is_found(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """The mark in the store is looked at with every save."""
    async with working(store_url, waits(gates)):
        await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
        await room.redis.hset(RoomKeys("lab").run("echo"), "stop", "bo")
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["assistant"]["stopped_by"] == "bo"


@assistant("echo")
async def fails(ctx: Context) -> AsyncIterator[str]:
    yield "I looked, and"
    raise ValueError("password=hunter2")


@assistant("echo")
async def explains(ctx: Context) -> AsyncIterator[str]:
    yield "I looked, and"
    raise AssistantError("The drawing server is away.")


@assistant("echo")
async def leaves(ctx: Context) -> AsyncIterator[str]:
    yield "I looked, and"
    sys.exit(3)


@assistant("echo")
async def yields_a_number(ctx: Context) -> AsyncIterator[str]:
    yield "I looked, and"
    yield 42  # type: ignore[misc]


@assistant("echo")
async def cancels_itself(ctx: Context) -> AsyncIterator[str]:
    yield "I looked, and"
    raise asyncio.CancelledError


@assistant("echo", timeout=0.2)
async def is_slow(ctx: Context) -> AsyncIterator[str]:
    yield "I looked, and"
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("broken", "told", "logged"),
    [
        (fails, "Something went wrong in me.", "hunter2"),
        (explains, "The drawing server is away.", "AssistantError"),
        (leaves, "Something went wrong in me.", "SystemExit"),
        (yields_a_number, "Something went wrong in me.", "an assistant yields text, not int"),
        (cancels_itself, "Something went wrong in me.", "CancelledError"),
        (is_slow, "I ran out of time after 0.2 seconds.", "out of time"),
    ],
)
async def test_a_failure_is_told_plainly(
    store_url: str,
    room: TestRoom,
    heard: Listener,
    caplog: pytest.LogCaptureFixture,
    broken: object,
    told: str,
    logged: str,
) -> None:
    """What was said is kept; the room reads a sentence and a reference, the log has the rest under it."""
    with caplog.at_level(logging.ERROR):
        async with working(store_url, broken):  # type: ignore[arg-type]
            await room.say("ada", "hello", wake=["echo"])
            await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["message"].startswith(f"I looked, and\n\n*({told} Reference for the operator: ")
    assert "hunter2" not in answer["message"]
    assert answer["assistant"]["state"] == "failed"
    reference = answer["message"].rpartition(": ")[2].rstrip(".)*")
    assert f"reference {reference}" in caplog.text
    assert logged in caplog.text


async def test_an_assistant_that_refuses_to_end_is_left_behind(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room gets its final message within a bounded time, whatever the assistant does."""
    monkeypatch.setattr("assistants.answering.CLOSE", 0.1)

    @assistant("echo", timeout=0.2)
    async def stubborn(ctx: Context) -> AsyncIterator[str]:
        yield "one"
        while not gates.opened.is_set():
            try:
                await gates.opened.wait()
            except asyncio.CancelledError:
                gates.reached.set()

    async with working(store_url, stubborn):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
        assert gates.reached.is_set()
        gates.opened.set()
    (answer,) = await room.answers()
    assert answer["assistant"]["state"] == "failed"


async def test_a_message_holds_only_so_much(store_url: str, room: TestRoom, heard: Listener) -> None:
    """An assistant that never stops is stopped at the length of a message, and the room is told."""

    @assistant("echo")
    async def endless(ctx: Context) -> AsyncIterator[str]:
        while True:
            yield "x" * 1000

    async with working(store_url, endless):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["assistant"]["state"] == "interrupted"
    assert answer["message"].startswith("x" * MAX_TEXT + "\n\n*(The answer is longer")


async def test_an_emoji_in_two_halves_is_one(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Models send half a surrogate pair at a time; a half alone can not be encoded."""

    @assistant("echo")
    async def smiles(ctx: Context) -> AsyncIterator[str]:
        for piece in ("a", "\ud83d", "\ude00", " b \ude00 c"):
            yield piece
            await asyncio.sleep(0.05)

    async with working(store_url, smiles):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(finished())
    assert [answer["message"] for answer in await room.answers()] == ["a\U0001f600 b \ufffd c"]


async def test_one_that_left_the_room_falls_silent(store_url: str, room: TestRoom, gates: Gates) -> None:
    """Removed in mid-answer, its code is closed with the next save, and nothing is written."""
    async with working(store_url, waits(gates)):
        await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
        await Rooms(room.redis).leave("lab", "echo")
        await asyncio.wait_for(gates.closed.wait(), PATIENCE)
    assert not gates.opened.is_set()
    assert await room.answers() == []


async def test_a_worker_that_ends_hands_over(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """Another one goes on at once, under the same message id and with a run id of its own."""
    async with working(store_url, waits(gates), lease=60.0):
        await room.say("ada", "hello", wake=["echo"])
        await gates.reached.wait()
    assert gates.closed.is_set()
    assert await room.answers() == []
    (first,) = {event.run_id for event in heard.events if isinstance(event, PieceSaid)}
    async with working(store_url, echo, lease=60.0):
        await heard.until(finished())
    (answer,) = await room.answers()
    assert (answer["message"], answer["assistant"]["run_id"]) == (
        "You said: hello",
        first.replace(".1", ".2"),
    )
    assert (await room.redis.xinfo_groups("ready:echo"))[0]["pending"] == 0


async def test_a_worker_always_ends(store_url: str, room: TestRoom) -> None:
    """In whatever moment it is told to: a lost cancellation has kept one in thirty alive on Python 3.11."""
    for _ in range(40):
        async with asyncio.timeout(5), working(store_url, echo):
            await asyncio.sleep(0)


@pytest.mark.parametrize(("stop_by", "state"), [("", "interrupted"), ("bo", "stopped")])
async def test_what_was_begun_too_often_is_closed(
    store_url: str, room: TestRoom, heard: Listener, stop_by: str, state: str
) -> None:
    """On the third try, or when it was to be stopped, the text so far becomes the answer."""
    question = await room.say("ada", "hello")
    run = {
        "cursor": 0,
        "question": 1,
        "message_id": "m",
        "run_id": "m.2",
        "tries": 2,
        "text": "half",
        "index": 4,
    }
    await room.redis.hset(RoomKeys("lab").run("echo"), mapping=run | ({"stop": stop_by} if stop_by else {}))
    async with working(store_url, echo):
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["message"].startswith("half")
    assert (answer["message_id"], answer["reply_to"]) == ("m", question)
    assert (answer["assistant"]["state"], answer["assistant"]["run_id"]) == (state, "m.3")
    assert answer["assistant"].get("stopped_by", "") == stop_by


async def test_an_assistant_is_there_while_its_worker_is(
    redis: Redis, store_url: str, room: TestRoom
) -> None:
    """Online as a member of kind assistant, and found by those who would add it."""
    async with working(store_url, echo) as worker:
        presence = await worker._services.presence.of(["echo"])
        assert presence == {"echo": "online"}
        (profile,) = await worker._profiles.all()
        assert (profile.id, profile.name, profile.on) == ("echo", "Echo", ("direct", "mention", "reply"))
    assert await redis.sismember(user_rooms("echo"), "lab")
