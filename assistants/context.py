"""What an assistant is given with a question."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypeVar

from assistants.fetch import NotRead, Source
from assistants.receipt import Receipt
from productflo.protocol.outbound import FileNote

Turn = Mapping[str, str]
"""One turn of a conversation with a model: `role` (system, user, assistant) and `content`."""

HISTORY = 50
"""Messages of the room that `history` gives where the caller does not say."""
MAX_HISTORY = 200
"""Messages that `history` gives at most: as many as one page of history."""


class NoSettings(BaseModel):
    """The settings of an assistant that has none."""

    model_config = ConfigDict(frozen=True)


S = TypeVar("S", bound=BaseModel, default=NoSettings)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the room. `presence` is `online`, `away`, `busy` or `offline`.

    An assistant has a `description`, and the `commands` that call it, each with what it does.
    """

    id: str
    name: str
    kind: Literal["human", "assistant"]
    presence: str
    description: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_here(self) -> bool:
        """Whether the member is connected, whatever they say of themselves."""
        return self.presence != "offline"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the room.

    `seq` is its place in the room's order (1, 2, 3, ...), `sent_at` when the server took it (ISO 8601, UTC),
    `reply_to` the id of the message that it answers, `files` the ids of what is attached.
    """

    id: str
    seq: int
    sender: str
    text: str
    sent_at: str
    reply_to: str | None = None
    files: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    from_assistant: bool = False
    request: Mapping[str, Any] | None = None
    """Of a typed request, or a command: `code`, `assistant` whom it is for, and the request's own fields."""

    @property
    def request_code(self) -> str | None:
        """The code of the request in it; of a command its first word (`/summary`); None for a chat."""
        return self.request["code"] if self.request else None

    @property
    def is_command(self) -> bool:
        """Whether it is a command such as `/summary`, for an assistant of the room."""
        return (self.request_code or "").startswith("/")


class Transcript(Protocol):
    """The messages of the question's room, and of no other."""

    async def before(self, seq: int, limit: int) -> list[Message]:
        """The newest `limit` messages before `seq`, oldest first."""


class Model(Protocol):
    """A language model that streams."""

    def stream(self, turns: Sequence[Turn], *, model: str, receipt: Receipt) -> AsyncGenerator[str, None]:
        """The answer in pieces; raises `ModelError`. Closing the generator closes the connection."""


class Pages(Protocol):
    """Reads web pages that are not of the operator's own network."""

    async def read(self, url: str) -> Source:
        """The text at an address. Raises `NotRead`."""


class Attachments(Protocol):
    """Keeps files that the assistant makes."""

    async def keep(self, name: str, text: str) -> str:
        """Keep a file as the assistant's own; its id. Raises `AssistantError`."""


@dataclass(frozen=True, slots=True)
class Context(Generic[S]):
    """A question, and what may be known for answering it: this room only.

    `text` is the question without the mention of oneself, `message` the whole of it. `members` are the
    room's, oneself (`me`) among them. `asker` is who asked. `request` is the typed request as the
    assistant's own model, None for a chat. `settings` are the operator's, validated. `log`
    writes to the worker's log; a room's text does not belong there.
    """

    text: str
    message: Message
    room: str
    me: Member
    asker: Member
    members: tuple[Member, ...]
    settings: S
    log: logging.Logger
    request: BaseModel | None = None
    receipt: Receipt = field(default_factory=Receipt, repr=False)
    _transcript: Transcript = field(kw_only=True, repr=False)
    _model: Model = field(kw_only=True, repr=False)
    _attachments: Attachments = field(kw_only=True, repr=False)
    _pages: Pages = field(kw_only=True, repr=False)
    _streams: list[AsyncGenerator[str, None]] = field(default_factory=list, repr=False)

    async def history(self, limit: int = HISTORY, *, before: int | None = None) -> list[Message]:
        """The newest messages of this room before the question, oldest first; at most `limit`, up to 200.

        `before` is a seq to go further back from. Messages that the room no longer keeps are not in it.
        """
        newest = self.message.seq if before is None else min(before, self.message.seq)
        return await self._transcript.before(newest, max(0, min(limit, MAX_HISTORY)))

    def name(self, member_id: str) -> str:
        """What a member is called; the id for somebody who has left."""
        return next((member.name for member in self.members if member.id == member_id), member_id)

    @property
    def command(self) -> str | None:
        """The command that the question begins with, without its `/`; None where it begins with none."""
        word = self.text.split(maxsplit=1)[0] if self.text.strip() else ""
        return word[1:].lower() if word.startswith("/") else None

    async def read(self, urls: Sequence[str]) -> list[Source]:
        """The text of web pages that the asker named, read side by side, in their order.

        Nothing fails for an address that can not be read, or not to its end: the answer's receipt says so.
        """
        found = await asyncio.gather(*(self._pages.read(url) for url in urls), return_exceptions=True)
        sources = []
        for url, outcome in zip(urls, found, strict=True):
            if isinstance(outcome, Source):
                sources.append(outcome)
                cut = "only its beginning" if outcome.cut else None
                self.receipt.read_file(FileNote(file_id=url, name=url, reason=cut))
            elif isinstance(outcome, NotRead):
                self.receipt.skipped_file(FileNote(file_id=url, name=url, reason=str(outcome)))
            else:
                raise outcome
        return sources

    async def attach(self, name: str, text: str) -> None:
        """Attach a text file to the answer, for everybody in the room; the finished message has it.

        The file's type follows from its name and content. Raises `AssistantError` where it can not be kept.
        """
        self.receipt.attached.append(await self._attachments.keep(name, text))

    async def llm(self, turns: Sequence[Turn], *, model: str) -> AsyncGenerator[str, None]:
        """The answer of the operator's model to a conversation, in pieces.

        Raises `ModelError`, whose text is fit for the room. When the answer is stopped, or the assistant ends
        without having read to the end, the connection to the model is closed.
        """
        stream = self._model.stream(turns, model=model, receipt=self.receipt)
        self._streams.append(stream)
        async with aclosing(stream):
            async for piece in stream:
                yield piece

    async def close(self) -> None:
        """Close what the answer left open; the worker calls it when the answer is over, however it ended."""
        while self._streams:
            await self._streams.pop().aclose()
