"""A room without a server and without a store: for the terminal, and for the tests of assistants.

What wakes the assistant, what it is given, how its answer is read, ended and told is what a worker does.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from assistants.answering import Answering, Ending
from assistants.context import Context
from assistants.documents import AT_ONCE as EXTRACTIONS
from assistants.documents import RoomDocuments
from assistants.errors import NotApproved
from assistants.keeping import RoomKept
from assistants.messages import Member, Message
from assistants.ports import Model, Pages
from assistants.preparation import Ready
from assistants.props import Attached, Made, Memories, Nowhere, Said, Unseen
from assistants.receipt import Receipt
from assistants.requests import BadRequest, read, refuse
from assistants.verdict import Verdict, judge
from productflo.domain.mentions import mentioned
from productflo.domain.waking import Company, Heard, Listens, Trigger, wakes, without_mention
from productflo.protocol.messages import AnswerContext, ToolCall
from productflo.service.clock import stamp, system_clock
from productflo.service.requests import COMMAND
from productflo.store.runs import Lease

State = Literal["done", "stopped", "interrupted", "failed", "silent", "asleep"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a message.

    `text` is the finished message, `pieces` what the assistant yielded. `state` is that of the protocol, or
    `silent` for an assistant that said nothing, or `asleep` where nothing of the message woke it. `statuses`
    are the words that it showed meanwhile, `tools` what it used, `files` what it attached, by name, `error`
    what it raised.
    """

    text: str
    state: State
    woken_by: str | None = None
    pieces: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    context: AnswerContext | None = None
    model: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    stopped_by: str | None = None
    error: BaseException | None = None
    message: Message | None = None


Decide = Callable[[str, str], Awaitable[str]]
"""Approves an action, given with its arguments as JSON: who did. Raises `NotApproved`."""


async def _nobody(action: str, arguments: str) -> str:
    raise NotApproved("There is nobody here to approve it.")


@dataclass(frozen=True, slots=True)
class _Approver:
    decide: Decide
    receipt: Receipt

    async def ask(self, action: str, arguments: str, seconds: float) -> str:
        """See `Approver.ask`; here nobody is in a hurry."""
        with self.receipt.waiting_for_a_person():
            return await self.decide(action, arguments)


class Rehearsal:
    """One assistant and some people in a room that is nowhere but here, and one answer at a time.

    `pages` reads what is on the web; `hear` is called with each piece, `see` with the words of each status,
    `decide` to approve an action.
    """

    def __init__(
        self,
        ready: Ready,
        people: Sequence[str],
        pages: Pages,
        *,
        room: str = "rehearsal",
        hear: Callable[[str], None] = lambda piece: None,
        see: Callable[[str], None] = lambda words: None,
        decide: Decide = _nobody,
    ) -> None:
        self.messages: list[Message] = []
        self.files = Attached()
        self._memories = Memories()
        self._ready = ready.in_room(room)
        self._room = room
        self._pages = pages
        self._hear = hear
        self._see = see
        self._decide = decide
        self._answering: Answering | None = None
        assistant = self._ready.assistant
        self._me = Member(assistant.id, assistant.name, "assistant", "online")
        self._people = [Member(one, one, "human", "online") for one in people]

    def add(
        self,
        sender: str,
        text: str,
        *,
        files: tuple[str, ...] = (),
        reply_to: str | None = None,
        request: Mapping[str, Any] | None = None,
    ) -> Message:
        """Put a message into the room; `request` are code and fields of a typed request in it."""
        seq = len(self.messages) + 1
        ids = [self._me.id, *(person.id for person in self._people)]
        message = Message(
            id=f"msg_{seq}",
            seq=seq,
            sender=sender,
            text=text,
            sent_at=stamp(system_clock),
            reply_to=reply_to,
            files=files,
            mentions=tuple(mentioned(text, ids)),
            from_assistant=sender == self._me.id,
            request=request or self._command(text),
        )
        self.messages.append(message)
        return message

    def stop(self, by: str) -> bool:
        """Stop the answer under way; whether there is one."""
        if self._answering is None:
            return False
        self._answering.end(Ending.STOPPED, by)
        return True

    async def answer(self, question: Message, model: Model) -> Answer:
        """Let the assistant answer a message, if that wakes it. Cancelling ends the assistant's code."""
        trigger = self._wakes(question)
        if trigger is None:
            return Answer("", "asleep")
        receipt, pieces, statuses = Receipt(), list[str](), list[str]()
        receipt.changed = lambda: self._status(receipt, statuses)
        context = self._context(question, receipt, model)
        source = self._heard(self._source(question, context), pieces)
        timeout = self._ready.assistant.limits.timeout
        async with asyncio.TaskGroup() as tasks:
            lease = Lease(self._room, self._me.id, "rehearsal", question.seq)
            self._answering = Answering(Nowhere(), lease, Unseen(), receipt, tasks, _nothing)
            receipt.before_acting = self._answering.act
            try:
                outcome = await self._answering.run(source, timeout, lambda: receipt.waited)
            finally:
                self._answering = None
                await context.close()
        verdict = judge(outcome, timeout)
        told = Answer(
            "",
            "silent",
            trigger,
            pieces,
            statuses,
            receipt.tools,
            receipt.context,
            receipt.model,
            receipt.usage,
            self.files.named(receipt.attached),
            outcome.stopped_by,
            outcome.error,
        )
        return self._said(told, verdict, question, receipt)

    def _said(self, answer: Answer, verdict: Verdict | None, question: Message, receipt: Receipt) -> Answer:
        if verdict is None:
            return answer
        attached = tuple(receipt.attached)
        message = self.add(self._me.id, verdict.text, files=attached, reply_to=question.id)
        return replace(answer, text=verdict.text, state=verdict.state, message=message)

    def _wakes(self, message: Message) -> Trigger | None:
        senders = {one.id: one.sender for one in self.messages}
        requested = self._me.id if message.request else None
        replied_to = senders.get(message.reply_to or "")
        heard = Heard(message.text, message.from_assistant, replied_to, requested=requested)
        company = Company(len(self._people), 1)
        assistant = self._ready.assistant
        return wakes(assistant.id, assistant.on, Listens.MENTIONS, heard, company)

    def _command(self, text: str) -> dict[str, Any] | None:
        """As `service.requests.Requests.command`, for the one assistant that is here."""
        found = COMMAND.match(text)
        name = found["name"].lower() if found else ""
        known = name in self._ready.assistant.commands
        return {"code": f"/{name}", "assistant": self._me.id} if known else None

    def _source(self, question: Message, context: Context[Any]) -> AsyncGenerator[str, None]:
        assistant = self._ready.assistant
        try:
            request = read(assistant.requests, question)
        except BadRequest as problem:
            return refuse(problem)
        return cast(AsyncGenerator[str, None], assistant.answer(replace(context, request=request)))

    async def _heard(self, source: AsyncGenerator[str, None], pieces: list[str]) -> AsyncGenerator[str, None]:
        async with aclosing(source):
            async for piece in source:
                pieces.append(piece)
                if isinstance(piece, str):  # Else the reader of the answer is about to complain.
                    self._hear(piece)
                yield piece

    def _status(self, receipt: Receipt, statuses: list[str]) -> None:
        if receipt.status and receipt.status not in statuses[-1:]:
            statuses.append(receipt.status)
            self._see(receipt.status)

    def _context(self, question: Message, receipt: Receipt, model: Model) -> Context[Any]:
        members = {member.id: member for member in [self._me, *self._people]}
        return Context(
            text=without_mention(question.text, self._me.id),
            message=question,
            room=self._room,
            me=self._me,
            asker=members[question.sender],
            members=tuple(members.values()),
            settings=self._ready.settings,
            log=logging.getLogger(f"assistant.{self._me.id}"),
            receipt=receipt,
            _most_rounds=self._ready.assistant.limits.max_rounds,
            _transcript=Said(self.messages),
            _model=model,
            _documents=RoomDocuments(self.files, self._room, asyncio.Semaphore(EXTRACTIONS)),
            _pages=self._pages,
            _attachments=Made(self.files, self._me.id),
            _kept=RoomKept(self._memories, self._room, self._me.id),
            _approver=_Approver(self._decide, receipt),
        )


async def _nothing() -> None:
    """What is done with every renewal of a lease that nobody else wants."""
