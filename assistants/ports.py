"""What an assistant's context reaches the world through: one room's, and one answer's."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from pydantic import JsonValue

from assistants.documents import Document
from assistants.fetch import Source
from assistants.messages import Message
from assistants.receipt import Receipt
from assistants.tool_requests import ToolRequest

Turn = Mapping[str, Any]
"""One turn of a conversation with a model: `role` (system, user, assistant) and `content`."""


class Transcript(Protocol):
    """The messages of the question's room, and of no other."""

    async def before(self, seq: int, limit: int) -> list[Message]:
        """The newest `limit` messages before `seq`, oldest first."""

    async def find(self, message_id: str) -> Message | None:
        """A message, while it is retained and not deleted."""


class Model(Protocol):
    """A language model that streams."""

    def stream(
        self,
        turns: Sequence[Turn],
        *,
        model: str,
        receipt: Receipt,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> AsyncGenerator[str | ToolRequest, None]:
        """The answer in pieces, then the tools that are asked for; raises `ModelError`.

        Closing the generator closes the connection.
        """


class Documents(Protocol):
    """The files of the question's room, and of no other."""

    async def read(self, file_id: str, *, images: bool) -> Document:
        """One file; raises `Unreadable`."""


class Kept(Protocol):
    """What an assistant keeps in one room; `user` names whose, None for the room's own."""

    async def get(self, user: str | None, key: str) -> JsonValue:
        """A value; None where there is none."""

    async def set(self, user: str | None, key: str, value: JsonValue) -> None:
        """Keep a value. Raises `AssistantError` beyond a limit."""

    async def delete(self, user: str | None, key: str) -> None:
        """Forget a value."""

    async def keys(self, user: str | None) -> list[str]:
        """The keys that have values."""


class Approver(Protocol):
    """Asks the room's people."""

    async def ask(self, action: str, arguments: str, seconds: float) -> str:
        """Who approved; raises `NotApproved`. `arguments` is JSON."""


class Pages(Protocol):
    """Reads web pages that are not of the operator's own network."""

    async def read(self, url: str) -> Source:
        """The text at an address. Raises `NotRead`."""


class Attachments(Protocol):
    """Keeps files that the assistant makes."""

    async def keep(self, name: str, text: str) -> str:
        """Keep a file as the assistant's own; its id. Raises `AssistantError`."""
