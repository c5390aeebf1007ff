"""Personas: assistants that are a prompt, made from a table of assistants.toml."""

from collections.abc import AsyncIterator

from pydantic import BaseModel, ConfigDict, Field

from assistants.context import Context
from assistants.conversation import conversation
from assistants.plugin import ADDRESSED, NO_LIMITS, Assistant, check_id, check_words, parse_limits
from assistants.plugin import parse_triggers as triggers

FRAME = """\
You are {me}, an assistant in a chat room. You speak with several people; each of their messages begins with \
the name of its author. Answer the last message, for the whole room to read. Do not begin your answer with \
your own name.

In the room: {members}. It is {asker} who asks."""

SHOWN_MEMBERS = 50
"""Names of members that the model is told: a big room's list would be longer than the conversation."""


class Persona(BaseModel):
    """What a persona is told and given."""

    model_config = ConfigDict(frozen=True)

    prompt: str = Field(min_length=1, description="Its instructions, in front of the conversation.")
    model: str = Field("gpt-5-mini", min_length=1, description="The model's name, as its server knows it.")
    history: int = Field(40, ge=0, le=200, description="Messages of the room that it reads.")
    tokens: int = Field(6000, ge=100, description="Of those messages in all, about.")


def persona(assistant_id: str, *, name: str | None = None, description: str = "") -> Assistant[Persona]:
    """An assistant that answers from the conversation, as its settings tell it. Raises ValueError."""
    check_id(assistant_id)
    name = assistant_id.capitalize() if name is None else name
    check_words(assistant_id, name, description)
    limits = parse_limits(assistant_id, NO_LIMITS)
    return Assistant(
        assistant_id, answer, name, description, triggers(assistant_id, ADDRESSED), limits, Persona
    )


async def answer(ctx: Context[Persona]) -> AsyncIterator[str]:
    """What a persona does: the operator's model, with its prompt and the newest messages."""
    settings = ctx.settings
    members = ", ".join(member.name for member in ctx.members[:SHOWN_MEMBERS])
    frame = FRAME.format(me=ctx.me.name, members=members, asker=ctx.asker.name)
    turns = [
        {"role": "system", "content": f"{settings.prompt}\n\n{frame}"},
        *await conversation(ctx, messages=settings.history, tokens=settings.tokens),
    ]
    async for piece in ctx.llm(turns, model=settings.model):
        yield piece
