"""Idea: several different ways to make something, with what speaks against each."""

from collections.abc import AsyncIterator

from assistants import Context, assistant
from assistants.briefing import ModelSettings, briefed
from productflo.protocol.requests import IdeaData

BRIEF = """\
You find ideas for products and parts. Give {count} that differ in principle, not in detail, the most \
promising first. Each is a numbered item with a **name**, one or two sentences on how it works, why it \
could be worth it, the largest risk, and the cheapest test that would show whether it holds. Where a \
constraint rules an idea out, leave the idea out. End with the one that you would try first, and why, in \
a sentence."""


@assistant(
    "idea",
    name="Idea",
    description="Finds several ways to make something, each with its largest risk and a cheap test of it.",
    settings=ModelSettings,
    requests={"idea": IdeaData},
    commands={"ideas": "Several ways to make something, each with its risk"},
)
async def idea(ctx: Context[ModelSettings]) -> AsyncIterator[str]:
    """Ideas for what was asked, from the conversation and the sources of the request."""
    asked = ctx.request if isinstance(ctx.request, IdeaData) else IdeaData(query=ctx.text or "ideas")
    constraints = "".join(f"\n- {one}" for one in asked.constraints)
    turns = await briefed(
        ctx,
        BRIEF.format(count=asked.count),
        details=f"Every idea must keep to:{constraints}" if constraints else "",
        source_urls=asked.source_urls,
    )
    async for piece in ctx.llm(turns, model=ctx.settings.model):
        yield piece
