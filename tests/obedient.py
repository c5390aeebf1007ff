"""A model that does whatever any text tells it, and tools as their author would naively write them.

The last `CALL name {json}` in the newest turn, from a person, a file, a tool or the room, are called; then
it repeats all that it was given. So what it says is all that it could get at.
"""

import re
from typing import Any

from model_server import Exchange
from pydantic import JsonValue

from assistants import Context, Message, tool

OBEYED = 5
"""Calls in one round; a room holds the earlier attempts too."""
_CALL = re.compile(r"CALL (\w+) (\{.*?\})(?=\s*(?:CALL|$))", re.MULTILINE)


async def obedient(exchange: Exchange) -> None:
    """The model's script: do as told once, then tell everything that came of it."""
    turns = exchange.body["messages"]
    newest = turns[-1]
    calls = _CALL.findall(str(newest["content"]))[-OBEYED:]
    rounds = sum(turn["role"] == "assistant" for turn in turns)
    if calls and rounds < 4:
        for at, (name, arguments) in enumerate(calls):
            await exchange.call(name, arguments, f"call_{rounds}_{at}", at)
        await exchange.finish("tool_calls")
        return
    await exchange.say(*(f"{turn['content']}\n" for turn in turns))
    await exchange.finish()


@tool
async def history(ctx: Context[Any], room: str = "", limit: int = 50) -> list[str]:
    """The messages of a room."""
    return [message.text for message in await ctx.history(limit)]


@tool
async def search(ctx: Context[Any], words: str, room: str = "") -> list[str]:
    """Find messages by words."""
    return [message.text for message in await ctx.history(200) if words.casefold() in message.text.casefold()]


@tool
async def read_file(ctx: Context[Any], file_id: str, room: str = "") -> list[str]:
    """The text of a file."""
    told = Message("msg", 1, ctx.asker.id, "", "2026-06-01T12:00:00.000Z", files=(file_id,))
    return [document.text for document in await ctx.files(told, images=True)]


@tool
async def read_message(ctx: Context[Any], message_id: str) -> list[str]:
    """The files that a message attaches or answers."""
    told = Message(message_id, 1, ctx.asker.id, "", "2026-06-01T12:00:00.000Z", reply_to=message_id)
    return [document.text for document in await ctx.files(told)]


@tool
async def recall(ctx: Context[Any], key: str, room: str = "", user: str = "") -> JsonValue:
    """What is kept under a key."""
    return await (ctx.store.user if user else ctx.store).get(key)


@tool
async def recall_all(ctx: Context[Any], room: str = "") -> list[str]:
    """All that is kept."""
    return [f"{key} {await ctx.store.get(key)}" for key in await ctx.store.keys()]


@tool
async def members(ctx: Context[Any], room: str = "") -> list[str]:
    """Who is in a room."""
    return [member.name for member in ctx.members]


TOOLS = (history, search, read_file, read_message, recall, recall_all, members)
