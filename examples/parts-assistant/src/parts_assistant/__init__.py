"""Parts, an assistant for ProductFlo chat: says what is in stock, and reorders with a person's approval."""

from collections.abc import AsyncIterator
from typing import Annotated

from assistants import AssistantError, Context, assistant, tool
from pydantic import BaseModel, Field

BRIEF = """\
You look parts up for a product team. Say only what the tools and the attached files say. Order only what \
somebody asks you to order. Answer briefly."""


class Settings(BaseModel):
    """What the operator may set."""

    model: str = "gpt-5-mini"
    stock: dict[str, int] = Field({"M3x8": 1200, "M4x10": 16}, description="Parts and how many there are.")
    most: int = Field(100, ge=1, description="Parts of a kind in one order.")


@tool
async def in_stock(ctx: Context[Settings], part: str) -> int:
    """How many of a part are in stock."""
    if part not in ctx.settings.stock:
        raise AssistantError(f"There is no part {part}; there are {', '.join(ctx.settings.stock)}.")
    return ctx.settings.stock[part]


@tool(acting=True)
async def order(ctx: Context[Settings], part: str, count: Annotated[int, Field(ge=1)]) -> str:
    """Order parts of one kind."""
    if count > ctx.settings.most:
        raise AssistantError(f"At most {ctx.settings.most} in one order.")
    number = 1 + len(await ctx.store.keys())
    await ctx.store.set(f"order {number}", {"part": part, "count": count, "for": ctx.asker.id})
    return f"Order {number}: {count} of {part}."


@assistant("parts", name="Parts", description="What is in stock, and orders.", settings=Settings)
async def parts(ctx: Context[Settings]) -> AsyncIterator[str]:
    """Answer from the warehouse, the conversation and what is attached."""
    ctx.status("looking into the warehouse")
    attached = [f"{document.name}:\n{document.text}" for document in await ctx.files()]
    history = await ctx.history(20, tokens=4000)
    said = [f"{ctx.name(message.sender)}: {message.text}" for message in [*history, ctx.message]]
    turns = [
        {"role": "system", "content": BRIEF},
        {"role": "user", "content": "\n\n".join([*attached, *said])},
    ]
    async for piece in ctx.llm(turns, model=ctx.settings.model, tools=[in_stock, order]):
        yield piece
