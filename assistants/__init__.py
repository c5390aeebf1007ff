"""Write an assistant for ProductFlo chat: an async generator whose pieces are its answer.

    from assistants import Context, assistant

    @assistant("echo")
    async def echo(ctx: Context):
        yield f"You said: {ctx.text}"

A package offers it under the entry-point group `productflo.assistants`, with its id as the name, or it is a
file of the operator's folder; it runs where the operator names it. Everything public is exported here, and
what tests need in `assistants.testing`; other modules may change at any time.
"""

from assistants.context import Context, Memory
from assistants.documents import Document
from assistants.errors import AssistantError, ModelError, NotApproved
from assistants.messages import Member, Message
from assistants.plugin import Answer, Assistant, NoSettings, assistant
from assistants.tools import Tool, tool

__all__ = [
    "Answer",
    "Assistant",
    "AssistantError",
    "Context",
    "Document",
    "Member",
    "Memory",
    "Message",
    "ModelError",
    "NoSettings",
    "NotApproved",
    "Tool",
    "assistant",
    "tool",
]
