"""The fixture `chat`: what it gives to those who test their assistant, and what fails such a test."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from assistants import AssistantError, Context, assistant, tool
from assistants.testing import Chat

LEFT_OVER = """
from assistants import assistant

@assistant("echo")
async def echo(ctx):
    yield ctx.text

async def test_left(chat):
    chat(echo).model.says("never")

async def test_failed(chat):
    chat(echo).model.says("never")
    raise AssertionError("its own reason")

async def test_fine(chat):
    assert (await chat(echo).say("ana", "hi")).text == "hi"
"""


class Tone(BaseModel):
    volume: int = 3


@assistant("echo")
async def echo(ctx: Context) -> AsyncIterator[str]:
    yield "You said: "
    yield ctx.text


@assistant("parrot", settings=Tone)
async def parrot(ctx: Context[Tone]) -> AsyncIterator[str]:
    yield ctx.text + "!" * ctx.settings.volume


@assistant("asks", limits={"timeout": 30})
async def asks(ctx: Context) -> AsyncIterator[str]:
    history = [{"role": "user", "content": message.text} for message in await ctx.history()]
    async for piece in ctx.llm([*history, {"role": "user", "content": ctx.text}], model="small"):
        yield piece


async def test_an_assistant_answers(chat: Chat) -> None:
    """By a mention among several, with what it yielded and the finished text."""
    room = chat(echo, people=["ana", "bob"])
    answer = await room.say("ana", "@echo hello")
    assert (answer.text, answer.pieces, answer.state) == (
        "You said: hello",
        ["You said: ", "hello"],
        "done",
    )


async def test_what_wakes_it_is_what_wakes_it_in_a_room(chat: Chat) -> None:
    """Alone with one person everything does; among two a mention or a reply, and nothing else."""
    assert (await chat(echo).say("ana", "hello")).woken_by == "direct"
    room = chat(echo, people=["ana", "bob"])
    assert (await room.say("ana", "hello")).state == "asleep"
    said = await room.say("ana", "@echo hello")
    assert (await room.say("bob", "more?", reply_to=said)).woken_by == "reply"
    assert [message.sender for message in room.messages] == ["ana", "ana", "echo", "bob", "echo"]


async def test_a_dialogue_of_several_people(chat: Chat) -> None:
    """The history that the model is given is that of the room, the assistant's own words in it."""
    room = chat(asks, people=["ana", "bob"])
    room.model.says("Four", " screws.")
    room.model.says("M3.")
    await room.say("ana", "@asks how many screws?")
    answer = await room.say("bob", "@asks which ones?")
    assert answer.text == "M3."
    assert [one["content"] for one in room.model.requests[1].messages] == [
        "@asks how many screws?",
        "Four screws.",
        "which ones?",
    ]
    assert (answer.model, answer.usage) == ("small", {"prompt_tokens": 7, "completion_tokens": 3})


async def test_a_stop_closes_the_models_connection(chat: Chat) -> None:
    """Once the words were said, and also before any was; what was said stays."""
    room = chat(asks, people=["ana", "bob"])
    room.model.hangs(after="one two")
    room.stops("bob", after="two")
    answer = await room.say("ana", "@asks count")
    assert (answer.text, answer.state, answer.stopped_by) == ("one two", "stopped", "bob")
    room.model.hangs()
    room.stops("ana")
    assert (await room.say("ana", "@asks count")).state == "stopped"
    assert [request.closed_early for request in room.model.requests] == [True, True]


async def test_time_outs(chat: Chat) -> None:
    """A limit that an operator would set ends the answer."""
    room = chat(asks, limits={"timeout": 0.1})
    room.model.hangs(after="one")
    answer = await room.say("ana", "count")
    assert (answer.state, answer.text[:3]) == ("failed", "one")
    assert "out of time after 0.1 seconds" in answer.text


async def test_a_model_that_fails(chat: Chat) -> None:
    """A busy one is asked again, which is shown; one that refuses is told, and so is one that breaks off."""
    room = chat(asks)
    room.model.fails(429, retry_after=0.01)
    room.model.says("Here.")
    answer = await room.say("ana", "hello")
    assert answer.text == "Here."
    assert answer.statuses == ["The model server is rate-limited. Trying again in 1 s."]
    room.model.fails(401)
    assert "refused the key" in (await room.say("ana", "hello")).text
    room.model.breaks_off(after="Well, ")
    answer = await room.say("ana", "hello")
    assert answer.text.startswith("Well,")
    assert answer.state == "failed"
    room.model.runs_out(after="Long")
    assert "length limit" in (await room.say("ana", "hello")).text


async def test_errors_of_the_assistant(chat: Chat) -> None:
    """The room hears its own words, and the test sees the exception."""

    @assistant("broken")
    async def broken(ctx: Context) -> AsyncIterator[str]:
        raise AssistantError("The drawing server is being restarted.")
        yield ""

    answer = await chat(broken).say("ana", "hello")
    assert "The drawing server is being restarted." in answer.text
    assert isinstance(answer.error, AssistantError)


async def test_silence(chat: Chat) -> None:
    """An assistant that yields nothing says nothing, and the room has no answer of it."""

    @assistant("quiet")
    async def quiet(ctx: Context) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        return
        yield ""

    room = chat(quiet)
    assert (await room.say("ana", "hello")).state == "silent"
    assert len(room.messages) == 1


async def test_settings_are_validated_as_an_operators(chat: Chat) -> None:
    """Given, they are those of the assistant; wrong, the test is told what the operator would be told."""
    assert (await chat(parrot, settings={"volume": 1}).say("ana", "hi")).text == "hi!"
    with pytest.raises(ValueError, match=r"settings\.volme is not known; did you mean volume"):
        chat(parrot, settings={"volme": 1})
    with pytest.raises(ValueError, match=r"settings\.volume: Input should be a valid integer"):
        chat(parrot, settings={"volume": "loud"})


async def test_a_persona_of_a_file(chat: Chat, tmp_path: Path) -> None:
    """An operator can test what they wrote without code."""
    path = tmp_path / "assistants.toml"
    path.write_text('[assistants.reviewer]\nprompt = "You review, calmly."\nmodel = "small"\n')
    room = chat("reviewer", people=["ana", "bob"], file=path)
    room.model.says("Fine.")
    assert (await room.say("ana", "@reviewer the bracket?")).text == "Fine."
    (request,) = room.model.requests
    assert request.model == "small"
    assert "You review, calmly." in request.text
    assert "ana: @reviewer the bracket?" in request.text


@tool
async def stock(part: str) -> int:
    """How many of a part are in stock."""
    return {"M3": 40}[part]


@tool(acting=True)
async def order(ctx: Context, part: str, count: int) -> str:
    """Order a part."""
    await ctx.store.set("ordered", count)
    return f"{count} {part} ordered for {ctx.asker.name}"


@assistant("buyer")
async def buyer(ctx: Context) -> AsyncIterator[str]:
    ctx.status("asking the model")
    turns = [{"role": "user", "content": ctx.text}]
    async for piece in ctx.llm(turns, model="small", tools=[stock, order]):
        yield piece


@assistant("reader")
async def reader(ctx: Context) -> AsyncIterator[str]:
    for document in await ctx.files():
        yield f"{document.name}: {document.text}"


async def test_tools_are_called_and_shown(chat: Chat) -> None:
    """The model is told the result; the answer tells each call; a wrong call goes back to the model."""
    room = chat(buyer)
    room.model.calls_tools(("stock", {"part": "M3"}), ("stock", {"count": 1}))
    room.model.says("There are 40.")
    answer = await room.say("ana", "how many M3?")
    assert (answer.text, answer.statuses) == ("There are 40.", ["asking the model"])
    assert [(call.name, call.state) for call in answer.tools] == [("stock", "done"), ("stock", "failed")]
    first, second = room.model.requests
    assert first.tools == ["stock", "order"]
    assert next(one["content"] for one in second.messages if one["role"] == "tool") == "40"


async def test_what_acts_needs_an_approval(chat: Chat) -> None:
    """Approved it runs and may keep something; denied it does not run; not scripted, the test fails."""
    room = chat(buyer, people=["ana", "bob"])
    room.model.calls_tool("order", {"part": "M3", "count": 2})
    room.approves("ana")
    room.model.says("Ordered.")
    answer = await room.say("ana", "@buyer order two")
    assert [(call.name, call.state, call.acting) for call in answer.tools] == [("order", "done", True)]
    room.model.calls_tool("order", {"part": "M3", "count": 9})
    room.denies("bob")
    room.model.says("Not ordered.")
    answer = await room.say("bob", "@buyer order nine")
    assert answer.tools[0].state == "refused"
    unscripted = Chat()(buyer)
    unscripted.model.calls_tool("order", {"part": "M3", "count": 1})
    unscripted.model.says("?")
    with pytest.raises(AssertionError, match=r"asked for approval of .*room\.approves"):
        await unscripted.say("ana", "order one")


async def test_files(chat: Chat) -> None:
    """They go with the next message, and are read as in a real room; what is not read is told."""
    room = chat(reader)
    room.attach("notes.md", "# Bracket")
    room.attach("blob.bin", b"\x00\x01\x02")
    answer = await room.say("ana", "read")
    assert answer.text == "notes.md: # Bracket"
    assert answer.context is not None
    assert [note.name for note in answer.context.files_skipped] == ["blob.bin"]
    assert (await room.say("ana", "and now?")).state == "silent"


class Bom(BaseModel):
    part: str
    count: int


@assistant("maker", requests={"bom_check": Bom}, commands={"plan": "Makes a plan"})
async def maker(ctx: Context) -> AsyncIterator[str]:
    if isinstance(ctx.request, Bom):
        yield f"{ctx.request.count} of {ctx.request.part}"
    elif ctx.command == "plan":
        for source in await ctx.read(["https://example.org/plan", "https://example.org/gone"]):
            await ctx.attach("plan.md", f"# {source.text}")
        yield "Here is the plan."


async def test_requests_commands_pages_and_files(chat: Chat) -> None:
    """A request is validated by its model; a command calls among several; pages are the test's own."""
    room = chat(maker, people=["ana", "bob"])
    assert (await room.request("ana", "bom_check", part="M3", count=2)).text == "2 of M3"
    wrong = await room.request("ana", "bom_check", part="M3", count="two")
    assert (wrong.state, "data.count" in wrong.text) == ("failed", True)
    room.page("https://example.org/plan", "Build it")
    answer = await room.say("bob", "/plan please")
    assert (answer.woken_by, answer.files) == ("request", {"plan.md": b"# Build it"})
    assert answer.context is not None
    assert [note.name for note in answer.context.files_skipped] == ["https://example.org/gone"]
    assert (await room.say("bob", "/other please")).state == "asleep"


async def test_an_unscripted_call_fails_the_test() -> None:
    """At once, where it happens, with what the model was asked."""
    room = Chat()(asks)
    with pytest.raises(AssertionError, match=r"1 time\(s\) more than the test scripts.*'hello'"):
        await room.say("ana", "hello")


async def test_an_unused_script_fails_the_test() -> None:
    """When the test is over."""
    chat = Chat()
    chat(asks).model.says("Never.")
    with pytest.raises(AssertionError, match=r"not called for 1 step"):
        chat.finish()


def test_the_plugin_fails_the_test_itself(tmp_path: Path) -> None:
    """As a failure and not as an error of its end; a test that failed already keeps its own reason."""
    (tmp_path / "test_it.py").write_text(LEFT_OVER)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-o",
        "asyncio_mode=auto",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "2 failed, 1 passed" in done.stdout, done.stdout
    assert "not called for 1 step(s) of the script" in done.stdout
    assert "its own reason" in done.stdout


async def test_a_stranger_can_not_speak(chat: Chat) -> None:
    """A name that is misspelt is told, with what to write."""
    with pytest.raises(ValueError, match=r"carl is not in the room"):
        await chat(echo).say("carl", "hello")
