"""Haitch, the product-development assistant: the room's conversation, answered by a model."""

from collections.abc import AsyncIterator

from assistants import Context, assistant
from assistants.briefing import ModelSettings, briefed
from productflo.protocol.requests import HaitchChatData

BRIEF = """\
You are the product-development assistant: you help with requirements, design, engineering, \
documentation and plans for making things. Answer directly, and as briefly as the question allows."""


@assistant(
    "haitch",
    name="Haitch",
    description="Product-development assistant: requirements, design, engineering, documents.",
    settings=ModelSettings,
    requests={"haitch_chat": HaitchChatData},
)
async def haitch(ctx: Context[ModelSettings]) -> AsyncIterator[str]:
    """Answer from the conversation and the sources of the question, with the operator's model."""
    asked = ctx.request if isinstance(ctx.request, HaitchChatData) else None
    turns = await briefed(
        ctx,
        BRIEF,
        details=f"It is about this kind of document: {asked.doc_type}." if asked and asked.doc_type else "",
        source_urls=asked.source_urls if asked else (),
    )
    async for piece in ctx.llm(turns, model=ctx.settings.model):
        yield piece
