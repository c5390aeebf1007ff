"""What an assistant is asked in a room, read from its log: which messages, and which are one question."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from assistants.messages import Message
from assistants.plugin import Assistant
from assistants.services import Services
from assistants.transcript import RoomTranscript, message_of
from productflo.domain import bursts
from productflo.domain.waking import Company, Heard, Listens, Trigger, wakes
from productflo.store.asked import Again, AskedAgain, Asking, PassedOn, Pending

PAGE = 50
"""Events read at a time."""


@dataclass(frozen=True, slots=True)
class Question:
    """Messages of one person that are answered together, for the first time or `again`.

    With the answer the cursor moves to `end`. `shared` tells that other assistants heard it too, of which one
    answers.
    """

    messages: tuple[Message, ...]
    end: int
    shared: bool = False
    again: AskedAgain | None = None

    @property
    def first(self) -> Message:
        """Its first message, which names it."""
        return self.messages[0]

    @property
    def last(self) -> Message:
        """Its last message, to which the answer is a reply."""
        return self.messages[-1]

    @property
    def whole(self) -> Message:
        """Its messages as one: with the last one's id, and the first one's place: history ends before it."""
        if len(self.messages) == 1:
            return self.last
        return replace(
            self.last,
            seq=self.first.seq,
            text="\n".join(one.text for one in self.messages),
            reply_to=next((one.reply_to for one in self.messages if one.reply_to), None),
            files=_each(one.files for one in self.messages),
            mentions=_each(one.mentions for one in self.messages),
        )

    @property
    def asker(self) -> str:
        """Whose limits it counts against, and with whose rights its answer acts: who said it, or who wants
        its answer anew."""
        return self.again.by if self.again else self.last.sender

    @property
    def silent(self) -> tuple[str, ...]:
        """Those who were asked before and said nothing, in order."""
        return self.again.silent if isinstance(self.again, PassedOn) else ()

    @property
    def regenerates(self) -> str | None:
        """The answer in whose place another one is to be given, if it is that."""
        return self.again.answer if isinstance(self.again, Again) else None

    @property
    def hops(self) -> int:
        """Of its answer: the assistants' messages between that and a person's."""
        return self.last.hops + 1 if self.last.from_assistant else 0

    @property
    def asking(self) -> Asking:
        """As the store knows it."""
        seqs = tuple(one.seq for one in self.messages)
        if self.again:
            return Asking.again(self.again, seqs)
        return Asking(str(self.first.seq), seqs, self.asker)

    def goes_on_with(self, message: Message, seconds: float) -> bool:
        """Whether the same person goes on. A request, and a command, is a question of its own."""
        if message.request or self.last.request:
            return False
        return len(self.messages) < bursts.MOST and bursts.goes_on(self.last, message, seconds)

    def with_more(self, message: Message) -> "Question":
        """The question as the same person goes on."""
        return replace(self, messages=(*self.messages, message), end=message.seq)


@dataclass(frozen=True, slots=True)
class Page:
    """The questions among some events of the log, in order. `end` is the seq of the last event."""

    questions: list[Question]
    end: int
    full: bool


@dataclass(frozen=True, slots=True)
class _Room:
    """Who listens, as it is now."""

    listens: Listens
    company: Company
    assistants: frozenset[str]
    others: frozenset[str]
    shared: bool


class Questions:
    """The questions to one assistant in one room. Methods raise what redis-py raises."""

    def __init__(self, services: Services, assistant: Assistant, room: str) -> None:
        self.transcript = RoomTranscript(services.log, room)
        self._services = services
        self._assistant = assistant
        self._room = room

    def be(self, assistant: Assistant[Any]) -> None:
        """Look for the questions of an assistant that the operator has changed."""
        self._assistant = assistant

    async def after(self, seq: int, pending: Pending) -> Page:
        """What was asked after a seq and not withdrawn, as far as one page of the log tells."""
        records = await self._services.log.read(self._room, seq, PAGE)
        room = await self._look_around() if records else None
        questions: list[Question] = []
        for record in records:
            message = message_of(record)
            if room is None or message is None or message.seq in pending.withdrawn:
                continue
            trigger = await self._wakes(message, room)
            if questions and self._goes_on(questions[-1], message, trigger):
                questions[-1] = questions[-1].with_more(message)
            elif trigger:
                shared = trigger is Trigger.ALL and room.shared
                questions.append(Question((message,), message.seq, shared))
        return Page(questions, records[-1].seq if records else seq, len(records) == PAGE)

    async def again(self, again: AskedAgain, cursor: int) -> Question | None:
        """The question that is to be asked again; None where nothing is left of it."""
        if isinstance(again, PassedOn):
            found = [await self.transcript.at(seq) for seq in again.seqs]
        else:
            found = [await self.transcript.find(one) for one in await self._answered_by(again.answer)]
        messages = tuple(message for message in found if message)
        return Question(messages, cursor, isinstance(again, PassedOn), again) if messages else None

    async def _answered_by(self, answer: str) -> list[str]:
        """The ids of the messages to which an answer was given."""
        record = await self._services.log.find(self._room, answer)
        data = orjson.loads(record.envelope)["data"] if record else {}
        about = data.get("assistant")
        return (about.get("questions") or [data["reply_to"]]) if about else []

    async def hears_all(self) -> bool:
        """Whether the room's members let the assistant listen to everything, now."""
        assistants = await self._services.rooms.assistants(self._room)
        return assistants.get(self._assistant.id) == Listens.ALL

    async def as_now(self, question: Question) -> Question | None:
        """The question with its edits, and without what was deleted; None where nothing is left."""
        present = [await self.transcript.at(one.seq) for one in question.messages]
        left = tuple(one for one in present if one)
        return replace(question, messages=left) if left else None

    async def around(self, question: Question, pending: Pending) -> tuple[Question, list[Question]]:
        """A question that is being answered with what has come to it since, and those that wait behind it."""
        if question.again:
            page = await self.after(question.end, pending)
            return question, page.questions
        page = await self.after(question.first.seq - 1, pending)
        if page.questions and page.questions[0].first.seq == question.first.seq:
            return page.questions[0], page.questions[1:]
        return question, [one for one in page.questions if one.first.seq > question.end]

    async def claim_seq(self, question: Question) -> int:
        """Under which message the one that answers is agreed on: where its asker began to talk."""
        before = await self.transcript.before(question.first.seq, bursts.MOST)
        return bursts.head(question.first, reversed(before), self._services.burst).seq

    def _goes_on(self, question: Question, message: Message, trigger: Trigger | None) -> bool:
        """What speaks to somebody else, or to nobody in reply to something, is no part of a question."""
        said_to_others = trigger is None and (message.mentions or message.reply_to)
        return not said_to_others and question.goes_on_with(message, self._services.burst)

    async def _look_around(self) -> _Room:
        assistants, members = await self._services.rooms.company(self._room)
        people = members - len(assistants)
        own = self._assistant.id
        listening = frozenset(one for one, word in assistants.items() if word != Listens.OFF)
        hearing_all = sum(word == Listens.ALL for word in assistants.values())
        return _Room(
            Listens(assistants.get(own, Listens.OFF)),
            Company(people, len(listening)),
            frozenset(assistants),
            listening - {own},
            hearing_all > 1,
        )

    async def _wakes(self, message: Message, room: _Room) -> Trigger | None:
        if message.sender == self._assistant.id:
            return None
        replied_to = await self.transcript.sender_of(message.reply_to) if message.reply_to else None
        heard = Heard(
            message.text,
            message.from_assistant or message.sender in room.assistants,
            replied_to,
            message.hops,
            room.others,
            message.request["assistant"] if message.request else None,
        )
        limits = self._assistant.limits
        return wakes(
            self._assistant.id, self._assistant.on, room.listens, heard, room.company, limits.max_hops
        )


def _each(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All that is in them, once, in order."""
    return tuple(dict.fromkeys(one for several in lists for one in several))
