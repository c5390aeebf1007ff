"""What a room gets from a worker: the answer in pieces and whole, to what was asked and in its order."""

import asyncio
from collections.abc import AsyncIterator

import answers
from answers import Gates, echo, finished, waits
from redis.asyncio import Redis
from rooms import Listener, TestRoom, listening, make_room, writing
from workers import working

from assistants import Context, assistant
from assistants.answering import SAVE_FIRST
from productflo.store.events import Live, Logged, PieceSaid, RoomEvent, Typed
from productflo.store.rooms import Rooms
from productflo.store.runs import RunStore

room, heard, gates = answers.room, answers.heard, answers.gates


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
    """Typing, the first piece at once, the rest, the whole, the end of typing; somewhere, the receipt."""
    async with working(store_url, waits(gates)):
        question = await room.say("ada", "hello", wake=["echo"])
        await heard.until(lambda events: any(isinstance(event, PieceSaid) for event in events))
        gates.opened.set()
        events = await heard.until(finished())
    seen = [name for name in shape(events) if name != "piece 1"]
    assert seen.count("read") == 1
    seen.remove("read")
    assert seen == ["message", "typing", "piece 0", "message", "stopped typing"]
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

    looked = asyncio.Semaphore(0)

    @assistant("echo")
    async def thinks(ctx: Context) -> AsyncIterator[str]:
        for number in range(4):
            yield f"{number} "
            await looked.acquire()
            await asyncio.sleep(SAVE_FIRST)  # From the save on, which came before the piece was heard.

    runs = RunStore(room.redis)
    async with working(store_url, thinks):
        await room.say("ada", "hello", wake=["echo"])
        for number in range(4):
            count = number + 1
            await heard.until(
                lambda events, count=count: sum(isinstance(e, PieceSaid) for e in events) == count
            )
            if number:  # The first piece has none before it.
                (snapshot,) = await runs.running("lab", ["echo"])
                assert (snapshot.index, snapshot.text) == (number, "".join(f"{n} " for n in range(count)))
            looked.release()
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
