"""Saying something in a room: for people, for assistants and for services that broadcast."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import orjson

from productflo.domain.identity import Identity
from productflo.domain.mentions import candidates
from productflo.errors import ProductFloError
from productflo.protocol.codec import chat_in_parts, in_parts
from productflo.protocol.codes import Code
from productflo.protocol.ids import random_id
from productflo.protocol.inbound import ChatData
from productflo.protocol.messages import AnswerData, ChatResponseData, RequestInfo, RequestResponse
from productflo.service.clock import Clock, stamp
from productflo.service.mentions import Mentions
from productflo.service.wakeups import Wakeups
from productflo.store.commit import settle
from productflo.store.entries import Appended, Entry, RunGuard
from productflo.store.log import Log

Answered = Callable[[Appended | ProductFloError], None]
"""What is told what became of a message."""
DEVICE = "web"
"""`metadata.sent_from_device` where the client does not say."""


class Attachments(Protocol):
    """What a chat asks of the files that it attaches."""

    async def attachable(self, identity: Identity, ids: Sequence[str]) -> tuple[str, ...]:
        """The ids that are this server's own; raises `NotFound` or `PermissionDenied`."""

    async def intend(self, room: str, ids: Sequence[str]) -> None:
        """Note that the room is about to be given the files."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An assistant's finished message; `data` is what the server says about it.

    `code` is the envelope's, which tells the answer to a request; `files` are the assistant's own.
    """

    room: str
    assistant: str
    message_id: str
    text: str
    reply_to: str
    data: AnswerData
    code: str = Code.CHAT_RESPONSE
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chat:
    """Messages on their way into a room's log, from which everybody gets them."""

    log: Log
    mentions: Mentions
    files: Attachments
    wakeups: Wakeups
    clock: Clock

    async def prepare(
        self,
        identity: Identity,
        room: str,
        said: ChatData,
        timestamp: str | None = None,
        request: RequestInfo | None = None,
    ) -> Entry:
        """A person's message as the log takes it; `request` tells which assistant it is for, and what else.

        `said.message_id` must be set (`with_id`). Raises `NotFound` or `PermissionDenied` for the attached
        files.
        """
        own_files = await self._attach(identity, room, said.attached_files)
        mentions = await self.mentions.find(room, said.message)
        return self._entry(room, said, timestamp, own_files, mentions, request)

    def plain(self, room: str, said: ChatData, timestamp: str | None) -> Entry | None:
        """`prepare` for a message with no file in it and nobody's name, so that nothing is looked up; None
        for others."""
        if said.attached_files or candidates(said.message):
            return None
        return self._entry(room, said, timestamp, (), None, None)

    async def commit(self, entry: Entry) -> Appended:
        """As `hand_in`, for who waits. Raises what `Log.append` raises.

        Cancelling takes nothing back: the assistants are woken when it is there.
        """
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.hand_in(entry, partial(settle, answer))
        return await answer

    def hand_in(self, entry: Entry, answered: Answered) -> None:
        """Append a prepared message, and wake the room's assistants. Raises what `Log.hand_in` raises.

        Messages are in the log in the order of these calls. `answered` is told what became of it, and must
        not raise.
        """
        if wakes := self.wakeups.expected(entry.room):
            entry = entry._replace(wakes=wakes - {entry.sender})
        self.log.hand_in(entry, partial(self._told, entry, answered))

    def _told(self, entry: Entry, answered: Answered, outcome: Appended | ProductFloError) -> None:
        """A message is in the log: wake its assistants.

        A repeated message wakes them too: the answer to the first try may have been lost, and its wake-up.
        """
        if isinstance(outcome, Appended):
            self._wake(entry, outcome)
        answered(outcome)

    def _wake(self, entry: Entry, appended: Appended) -> None:
        listening = appended.listening
        self.wakeups.expect(entry.room, listening)
        if listening and (asleep := listening - appended.woken - {entry.sender}):
            self.wakeups.wake(asleep, entry.room)

    async def answer(self, answer: Answer, guard: RunGuard) -> Appended:
        """Append an assistant's message under its lease, and wake the others, to whom it may speak.

        Raises `LeaseLost` where another worker has it.
        """
        await self.files.intend(answer.room, answer.files)
        envelope = RequestResponse(
            code=answer.code,
            user_id=answer.assistant,
            room_id=answer.room,
            timestamp=stamp(self.clock),
            data=ChatResponseData(
                message=answer.text,
                sender=answer.assistant,
                message_id=answer.message_id,
                attached_files=list(answer.files),
                reply_to=answer.reply_to,
                mentions=await self.mentions.find(answer.room, answer.text),
                metadata={"sent_from_device": "assistant"},
                assistant=answer.data,
            ),
        )
        content = orjson.dumps([answer.text, answer.reply_to])
        parts = in_parts(envelope)
        return await self.commit(
            Entry(answer.room, answer.assistant, answer.message_id, parts, content, answer.files, guard)
        )

    def _entry(
        self,
        room: str,
        said: ChatData,
        timestamp: str | None,
        files: tuple[str, ...],
        mentions: list[str] | None,
        request: RequestInfo | None,
    ) -> Entry:
        parts = chat_in_parts(
            said,
            room,
            timestamp or stamp(self.clock),
            {"sent_from_device": DEVICE, **said.metadata},
            mentions,
            request,
        )
        assert said.message_id is not None  # noqa: S101 - `with_id` has been called
        return Entry(room, said.sender, said.message_id, parts, _content(said, request), files)

    async def _attach(self, identity: Identity, room: str, ids: Sequence[str]) -> tuple[str, ...]:
        own = await self.files.attachable(identity, ids) if ids else ()
        if own:
            await self.files.intend(room, own)
        return own


def _content(said: ChatData, request: RequestInfo | None) -> bytes:
    """What a retry must repeat; whom a command is for follows from its text, and from the room."""
    content: list[object] = [said.message, said.attached_files, said.reply_to, said.metadata]
    if request and not request.code.startswith("/"):
        content.append(request.model_dump(exclude={"assistant"}))
    return orjson.dumps(content)


def with_id(said: ChatData) -> ChatData:
    """The message with an id; made before the store is called, which may be asked twice."""
    return said if said.message_id else said.model_copy(update={"message_id": random_id("msg")})
