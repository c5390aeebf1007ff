"""The types that authors of assistants get. mypy reads this file, tests/unit/test_typed_api.py runs mypy."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, assert_type

from pydantic import BaseModel, JsonValue

from assistants import Assistant, Context, Document, Member, Message, NoSettings, Tool, assistant, tool
from assistants.testing import Answer, Chat, Room


class Tone(BaseModel):
    volume: int = 3


@assistant("plain")
async def plain(ctx: Context) -> AsyncIterator[str]:
    assert_type(ctx.settings, NoSettings)
    assert_type(ctx.message, Message)
    assert_type(ctx.asker, Member)
    assert_type(await ctx.history(tokens=100), list[Message])
    assert_type(await ctx.files(), list[Document])
    assert_type(await ctx.store.get("key"), JsonValue)
    assert_type(await ctx.ask("Order", arguments={"count": 1}), Member)
    assert_type(ctx.llm([], model="small", tools=[plain_tool]), AsyncGenerator[str, None])
    yield ctx.text


@assistant("loud", settings=Tone)
async def loud(ctx: Context[Tone]) -> AsyncIterator[str]:
    assert_type(ctx.settings, Tone)
    yield ctx.text


@assistant("untyped")
async def untyped(ctx: Context):  # type: ignore[no-untyped-def]  # as in the first example of the tutorial
    yield ctx.text


@tool
async def plain_tool(part: str) -> int:
    """A tool."""
    return len(part)


@tool(acting=True)
def acting(ctx: Context[Tone], part: str) -> str:
    """A tool that acts."""
    return part * ctx.settings.volume


assert_type(plain, Assistant[NoSettings])
assert_type(loud, Assistant[Tone])
used: Tool[..., Any] = acting


@assistant("wrong", settings=Tone)  # type: ignore[arg-type]  # the settings are not those of the context
async def wrong(ctx: Context[NoSettings]) -> AsyncIterator[str]:
    yield ctx.text


@assistant("silent")  # type: ignore[arg-type]  # pieces are text
async def numbers(ctx: Context) -> AsyncIterator[int]:
    yield 1


@assistant("returns")  # type: ignore[arg-type]  # it must yield
async def returns(ctx: Context) -> str:
    return ctx.text


async def test_types(chat: Chat) -> None:
    room = chat(loud, people=["ana"], settings={"volume": 1})
    assert_type(room, Room)
    assert_type(await room.say("ana", "hi"), Answer)
    assert_type(await plain_tool("M3"), int)
