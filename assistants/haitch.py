"""Haitch, the product-development assistant: the room's conversation, answered by a model."""

from collections.abc import AsyncIterator, Iterable

from pydantic import BaseModel, ConfigDict, Field

from assistants import Context, Message, assistant

BRIEF = """\
You are {me}, the product-development assistant in a chat room of a product team. You help with \
requirements, design, engineering, documentation and plans for making things.

You speak with several people; each of their messages begins with the name of its author. Answer the last \
message. Answer for the whole room to read: directly, in Markdown where it helps, as briefly as the \
question allows. If you do not know, or the conversation does not say, say so; never invent a fact, a part \
number or a decision. Do not begin your answer with your own name.

In the room: {members}. It is {asker} who asks."""


class HaitchSettings(BaseModel):
    """What an operator sets as PRODUCTFLO_HAITCH_..."""

    model_config = ConfigDict(frozen=True)

    model: str = Field("gpt-5-mini", description="The model's name, as its server knows it.")
    history: int = Field(40, ge=0, le=200, description="Messages of the room that the model reads.")
    characters: int = Field(24_000, ge=1_000, description="Of those messages in all; about 4 are a token.")


@assistant(
    "haitch",
    name="Haitch",
    description="Product-development assistant: requirements, design, engineering, documents.",
    settings=HaitchSettings,
)
async def haitch(ctx: Context[HaitchSettings]) -> AsyncIterator[str]:
    """Answer from the conversation, with the operator's model."""
    history = await ctx.history(ctx.settings.history)
    turns = [
        {"role": "system", "content": _brief(ctx)},
        *_turns(ctx, _newest(history, ctx.settings.characters)),
    ]
    async for piece in ctx.llm(turns, model=ctx.settings.model):
        yield piece


def _brief(ctx: Context[HaitchSettings]) -> str:
    members = ", ".join(member.name for member in ctx.members[:50])
    return BRIEF.format(me=ctx.me.name, members=members, asker=ctx.asker.name)


def _newest(messages: list[Message], characters: int) -> list[Message]:
    """The newest messages that fit, none cut in the middle."""
    chosen: list[Message] = []
    for message in reversed(messages):
        characters -= len(message.text)
        if characters < 0:
            break
        chosen.append(message)
    return chosen[::-1]


def _turns(ctx: Context[HaitchSettings], history: list[Message]) -> Iterable[dict[str, str]]:
    """The conversation as a model takes it: its own words are its own, all else comes from others by name.

    Neighbours of one role are joined and the first turn is a person's, because the chat templates of many
    local models accept nothing else.
    """
    turns: list[dict[str, str]] = []
    for message in [*history, ctx.message]:
        own = message.sender == ctx.me.id
        if own and not turns:
            continue
        role = "assistant" if own else "user"
        content = message.text if own else f"{ctx.name(message.sender)}: {message.text}"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{content}"
        else:
            turns.append({"role": role, "content": content})
    return turns
