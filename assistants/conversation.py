"""A room's messages as a model takes a conversation."""

from typing import Any

from assistants.context import Context


async def conversation(ctx: Context[Any], *, messages: int, tokens: int) -> list[dict[str, str]]:
    """The newest messages that fit, none cut in the middle, and the question as the last turn.

    An assistant's own words are its own; all else comes from others, by name. Neighbours of one role are
    joined and the first turn is a person's, because the chat templates of many local models accept nothing
    else.
    """
    turns: list[dict[str, str]] = []
    for message in [*await ctx.history(messages, tokens=tokens), ctx.message]:
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
