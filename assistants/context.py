"""What an assistant is given with a question."""

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue
from typing_extensions import TypeVar

from assistants import tokens as counting
from assistants.documents import IMAGES, MOST_FILES, Document, Unreadable
from assistants.fetch import NotRead, Source
from assistants.messages import Member, Message
from assistants.ports import Approver, Attachments, Documents, Kept, Model, Pages, Transcript, Turn
from assistants.receipt import Receipt
from assistants.rounds import MAX_ROUNDS, Rounds
from productflo.domain.identity import Identity
from productflo.protocol.messages import FileNote

if TYPE_CHECKING:
    from assistants.tools import Tool

HISTORY = 50
"""Messages of the room that `history` gives where the caller does not say."""
MAX_HISTORY = 200
"""Messages that `history` gives at most: as many as one page of history."""
APPROVAL = 300.0
"""Seconds that a person has to approve an action where the caller does not say."""


class NoSettings(BaseModel):
    """The settings of an assistant that has none."""

    model_config = ConfigDict(frozen=True)


S = TypeVar("S", bound=BaseModel, default=NoSettings)


@dataclass(frozen=True, slots=True)
class Memory:
    """A small store of this assistant in this room; no other room's and no other assistant's.

    A key has 1 to 128 characters, a value is JSON of at most 64 KiB, and there are at most 1,000 keys, those
    of all users counted. It outlives the answer, and the assistant's removal from the room.
    """

    _kept: Kept
    _user: str | None
    _asker: str

    async def get(self, key: str) -> JsonValue:
        """The value; None where there is none."""
        return await self._kept.get(self._user, key)

    async def set(self, key: str, value: JsonValue) -> None:
        """Keep a value, in place of what was there. Raises `AssistantError` beyond a limit."""
        await self._kept.set(self._user, key, value)

    async def delete(self, key: str) -> None:
        """Forget a value; nothing happens where there is none."""
        await self._kept.delete(self._user, key)

    async def keys(self) -> list[str]:
        """The keys that have values, sorted."""
        return await self._kept.keys(self._user)

    @property
    def user(self) -> "Memory":
        """What is kept for the asker alone, in this room."""
        return Memory(self._kept, self._asker, self._asker)


@dataclass(frozen=True, slots=True)
class Context(Generic[S]):
    """A question, and what may be known for answering it: this room only.

    `text` is the question without the mention of oneself, `message` the whole of it. `members` are the
    room's, oneself (`me`) among them. `asker` is who asked, or who wants the answer anew: then `message` is
    another's, and what is done is done with the rights of who wants it. `request` is the typed request as the
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
    _most_rounds: int = field(default=MAX_ROUNDS, kw_only=True, repr=False)
    _transcript: Transcript = field(kw_only=True, repr=False)
    _model: Model = field(kw_only=True, repr=False)
    _documents: Documents = field(kw_only=True, repr=False)
    _pages: Pages = field(kw_only=True, repr=False)
    _attachments: Attachments = field(kw_only=True, repr=False)
    _kept: Kept = field(kw_only=True, repr=False)
    _approver: Approver = field(kw_only=True, repr=False)
    _streams: list[AsyncGenerator[str, None]] = field(default_factory=list, repr=False)

    @property
    def asker_identity(self) -> Identity:
        """The asker, for services that check rights: a tool may do what they may, and never more."""
        return Identity(self.asker.id, self.asker.name)

    @property
    def store(self) -> Memory:
        """A small store of this assistant in this room; `ctx.store.user` is the asker's part of it."""
        return Memory(self._kept, None, self.asker.id)

    async def history(
        self, limit: int = HISTORY, *, tokens: int | None = None, before: int | None = None
    ) -> list[Message]:
        """The newest messages of this room before the question, oldest first; at most `limit`, up to 200.

        With `tokens`, only the newest that fit into so many tokens, about (4 bytes are counted as one), none
        cut in the middle. Messages that the room no longer keeps are not in it. What was given, and whether
        older ones were left out, stands on the answer.

        `before` is a seq to go further back from, page by page; what of them the caller used is then its own
        to note with `ctx.receipt.read_messages`.
        """
        limit = max(0, min(limit, MAX_HISTORY))
        if before is not None:
            return await self._transcript.before(min(before, self.message.seq), limit)
        found = await self._transcript.before(
            self.message.seq, limit + 1
        )  # One more tells that there are more.
        newest = found[max(0, len(found) - limit) :]
        given = newest if tokens is None else _newest(newest, tokens)
        cut = len(given) < len(found)
        self.receipt.read_messages((given or [self.message])[0].seq, self.message.seq, cut=cut)
        return given

    async def files(self, message: Message | None = None, *, images: bool = False) -> list[Document]:
        """The files of a message that can be read; without one, of the question and of what it replies to.

        Text comes from PDF, Word, Excel and PowerPoint files and from all that is text (Markdown, CSV, code);
        images only with `images=True`, for a model that sees them. At most 10 files, of 20 MiB each, 5 MiB
        for an image, and 200,000 characters. A file that can not be read fails nothing: which were read,
        which were not, and why, stands on the answer.
        """
        documents: list[Document] = []
        ids = dict.fromkeys(await self._attached() if message is None else message.files)
        for number, file_id in enumerate(ids):
            try:
                if number >= MOST_FILES:
                    raise Unreadable(file_id, f"more than {MOST_FILES} files")
                document = await self._documents.read(file_id, images=images)
            except Unreadable as error:
                note = FileNote(file_id=file_id, name=error.name, reason=error.reason)
                self.receipt.skipped_file(note)
                continue
            cut = "only its beginning" if document.truncated else None
            self.receipt.read_file(FileNote(file_id=file_id, name=document.name, reason=cut))
            documents.append(document)
        return documents

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

    def status(self, words: str) -> None:
        """Show the room what is being done ("searching the drawings"); other words take its place."""
        self.receipt.say(words)

    async def ask(
        self, action: str, *, arguments: Mapping[str, Any] | None = None, seconds: float = APPROVAL
    ) -> Member:
        """Ask for a person's approval of an action, and wait; returns who gave it.

        The room sees the action and its arguments; the asker, the room's creator and operators may decide.
        Raises `NotApproved` where they deny it or let `seconds` pass: the action must not be done then. It
        is for one time and these arguments. From its return on the answer counts as acting: should the worker
        die, no other begins it again.
        """
        shown = orjson.dumps(arguments or {}, option=orjson.OPT_SORT_KEYS).decode()
        by = await self._approver.ask(action, shown, seconds)
        await self.receipt.before_acting()
        known = (member for member in self.members if member.id == by)
        return next(known, Member(by, by, "human", "online"))

    async def llm(
        self,
        turns: Sequence[Turn],
        *,
        model: str,
        tools: "Sequence[Tool[..., Any]]" = (),
        images: Sequence[Document] = (),
        max_rounds: int | None = None,
    ) -> AsyncGenerator[str, None]:
        """The answer of the operator's model to a conversation, in pieces.

        The model may ask for `tools`, in one round less than `max_rounds`, which may lower the assistant's
        limit of that name; the room sees each call and what came of it, and approves what acts. `images` go
        with the last turn; give them only to a model that sees. Remote images, HTML and reference
        definitions in what the model says become text.

        Raises `ModelError`, whose text is fit for the room. When the answer is stopped, or the assistant ends
        without having read to the end, the connection to the model is closed.
        """
        rounds = Rounds(self, self._model, tools)
        most = self._most_rounds if max_rounds is None else min(max_rounds, self._most_rounds)
        stream = rounds.run(_with_images(turns, images), name=model, most=most)
        self._streams.append(stream)
        async with aclosing(stream):
            async for piece in stream:
                yield piece

    async def close(self) -> None:
        """Close what the answer left open; the worker calls it when the answer is over, however it ended."""
        while self._streams:
            await self._streams.pop().aclose()

    async def _attached(self) -> tuple[str, ...]:
        """What the question attaches, and the message that it answers."""
        answered = self.message.reply_to
        before = await self._transcript.find(answered) if answered else None
        return (*self.message.files, *(before.files if before else ()))


def _newest(messages: Sequence[Message], tokens: int) -> list[Message]:
    """The newest messages that fit, none cut in the middle."""
    chosen: list[Message] = []
    for message in reversed(messages):
        tokens -= counting.estimate(message.text) + counting.OF_A_MESSAGE
        if tokens < 0:
            break
        chosen.append(message)
    return chosen[::-1]


def _with_images(turns: Sequence[Turn], images: Sequence[Document]) -> list[Turn]:
    """The conversation with images as parts of its last turn, as Chat Completions takes them."""
    parts = []
    for image in images:
        if image.content is None or image.media_type not in IMAGES:
            raise ValueError(f"{image.name} is no image: read it with ctx.files(images=True)")
        data = base64.b64encode(image.content).decode()
        url = f"data:{image.media_type};base64,{data}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    if not parts:
        return list(turns)
    *earlier, last = turns
    return [*earlier, {**last, "content": [{"type": "text", "text": last["content"]}, *parts]}]
