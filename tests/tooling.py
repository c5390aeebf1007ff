"""A model on a local server that is offered tools, and what it says in the end."""

from typing import Any

from model_server import MODEL

from assistants import AssistantError, Context, tool

TURNS = [{"role": "user", "content": "How many brackets?"}]


@tool
async def stock(part: str) -> int:
    """How many of a part are in stock."""
    if part == "secret":
        raise RuntimeError("the password is 1234")
    if part == "away":
        raise AssistantError("The warehouse is being counted.")
    return len(part)


@tool
async def whose(ctx: Context[Any]) -> str:
    """Who asks."""
    return ctx.asker_identity.user_id


async def answer(ctx: Context[Any], *tools: Any, into: list[str] | None = None, **more: Any) -> str:
    """All that is said; its pieces also go `into` a list, for those that do not come to an end."""
    pieces = [] if into is None else into
    async for piece in ctx.llm(TURNS, model=MODEL, tools=tools, **more):
        pieces.append(piece)
    return "".join(pieces)
