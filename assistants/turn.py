"""A worker's turn for an assistant in a room: from its cursor to the log's end, one message at a time."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, cast

from redis.exceptions import RedisError

from assistants.answering import Answering, Ending, Outcome
from assistants.attachments import OwnFiles
from assistants.channel import Channel
from assistants.context import Context, Member, Message, Model, Pages
from assistants.errors import AssistantError
from assistants.receipt import Receipt
from assistants.registry import Ready
from assistants.requests import BadRequest, failure, is_typed, read, refuse
from assistants.stops import Stops
from assistants.transcript import RoomTranscript, message_of
from assistants.verdict import Verdict, interrupted, judge, stopped
from productflo.domain.identity import Identity
from productflo.domain.waking import Company, Heard, Listens, wakes, without_mention
from productflo.errors import Conflict, LeaseLost, PermissionDenied, ProductFloError, StoreAway
from productflo.protocol.codec import encode
from productflo.protocol.ids import random_id
from productflo.protocol.outbound import AnswerData
from productflo.protocol.requests import answer_code
from productflo.service.attendance import Attendance
from productflo.service.chat import Answer, Chat
from productflo.service.clock import Clock, stamp
from productflo.service.files import Files
from productflo.service.receipts import Receipts
from productflo.store.bus import Bus
from productflo.store.entries import RunGuard
from productflo.store.events import Live
from productflo.store.log import Log
from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profile, Profiles
from productflo.store.refusals import note
from productflo.store.rooms import Rooms
from productflo.store.runs import Begun, Lease, Released, RunStore

log = logging.getLogger(__name__)

PAGE = 50
"""Events read at a time from the cursor on."""
MAX_TRIES = 3
"""The try at which an answer is closed with what was said: two have cost the model, and perhaps workers."""
FINISH_RETRY = 0.5
"""Seconds between tries to write a finished answer while the store is away."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the turns of a worker share."""

    log: Log
    rooms: Rooms
    presence: PresenceStore
    chat: Chat
    attendance: Attendance
    receipts: Receipts
    bus: Bus
    files: Files
    runs: RunStore
    model: Model
    pages: Pages
    profiles: Profiles
    stops: Stops
    clock: Clock


class TurnEnd(Enum):
    """How a turn ended."""

    DONE = auto()
    """The lease was given back with nothing left to answer."""
    HANDED_OVER = auto()
    """The lease was given back because this worker ends; the room waits for another."""


class Turn:
    """One lease, used until the room has nothing more for the assistant.

    `tasks` owns the assistant's code; `keep` is called while an answer goes on and the lease holds.
    """

    def __init__(
        self,
        services: Services,
        ready: Ready,
        lease: Lease,
        tasks: asyncio.TaskGroup,
        keep: Callable[[], Awaitable[None]],
    ) -> None:
        self._services = services
        self._assistant = ready.assistant
        self._settings = ready.settings
        self._lease = lease
        self._tasks = tasks
        self._keep = keep
        self._room = lease.room
        self._transcript = RoomTranscript(services.log, lease.room)

    async def run(self) -> TurnEnd:
        """Answer what there is, in order.

        Raises `LeaseLost`, after which this worker touches nothing more of the room, and `StoreAway` or
        redis-py's errors, after which the lease ends by itself and the room is looked at again.
        """
        runs = self._services.runs
        cursor = self._lease.cursor
        while True:
            records = await self._services.log.read(self._room, cursor, PAGE)
            passed = cursor
            for record in records:
                cursor = record.seq
                message = message_of(record)
                if message is None or not await self._wakes(message):
                    continue
                if self._services.stops.closing or not await self._answer(message):
                    await runs.hand_over(self._lease)
                    return TurnEnd.HANDED_OVER
                passed = cursor
            if cursor > passed:
                await runs.pass_over(self._lease, cursor)
            if await runs.release(self._lease) is Released.OK:
                return TurnEnd.DONE

    async def _wakes(self, message: Message) -> bool:
        if message.sender == self._assistant.id or message.from_assistant:
            return False
        rooms = self._services.rooms
        assistants = await rooms.assistants(self._room)
        listens = Listens(assistants.get(self._assistant.id, Listens.OFF))
        people = await rooms.member_count(self._room) - len(assistants)
        listening = sum(word != Listens.OFF for word in assistants.values())
        replied_to = await self._transcript.sender_of(message.reply_to) if message.reply_to else None
        requested = message.request["assistant"] if message.request else None
        heard = Heard(message.text, message.sender in assistants, replied_to, requested)
        company = Company(people, listening)
        return wakes(self._assistant.id, self._assistant.on, listens, heard, company) is not None

    async def _answer(self, question: Message) -> bool:
        """Answer a message; False where this worker ends in the middle of it."""
        begun = await self._services.runs.begin(self._lease, question.seq, random_id("msg"))
        if (asked := await self._transcript.at(question.seq)) is None:
            return await self._give_up(question, begun)
        # Edited since it was read, perhaps; from now on a deletion finds the answer and stops it.
        question = asked
        channel = self._channel(begun, question)
        await self._read(question)
        await channel.typing(started=True)
        receipt = Receipt()
        if begun.stop:
            verdict: Verdict | None = stopped(begun.text, begun.stop)
        elif begun.tries >= MAX_TRIES:
            verdict = interrupted(begun.text)
        else:
            outcome = await self._ask(question, begun, channel, receipt)
            if outcome.ending is Ending.SHUTDOWN:
                return False
            verdict = judge(outcome, self._assistant.timeout)
        await self._finish(question, begun, verdict, receipt)
        await channel.typing(started=False)
        return True

    async def _give_up(self, question: Message, begun: Begun) -> bool:
        """The question was deleted: nothing is said, or no more than an earlier try has shown."""
        verdict = stopped(begun.text, begun.stop or question.sender) if begun.text else None
        await self._finish(question, begun, verdict, Receipt())
        return True

    async def _read(self, question: Message) -> None:
        """Move the assistant's read mark, as a member that reads before it answers."""
        try:
            reader = Identity(self._assistant.id, self._assistant.name)
            await self._services.receipts.read(reader, self._room, question.id)
        except (ProductFloError, RedisError) as error:
            log.debug("%s: the reading of a question was not told: %s", self._room, error)

    async def _ask(self, question: Message, begun: Begun, channel: Channel, receipt: Receipt) -> Outcome:
        """Run the assistant's code. When this returns it is closed, and so is the model's connection."""
        services = self._services
        answering = Answering(services.runs, self._lease, channel, self._tasks, self._keep)
        receipt.changed = lambda: answering.notify(receipt.status)
        context = await self._context(question, receipt)
        source = self._source(question, context)
        async with services.stops.heard_by(answering, self._room, begun.message_id):
            outcome = await answering.run(source, self._assistant.timeout)
        await self._close(context)
        if outcome.ending is Ending.LEASE:
            raise LeaseLost(f"Another worker may answer for {self._assistant.id} in {self._room}.")
        if outcome.ending is Ending.SHUTDOWN:
            await services.runs.save(self._lease, outcome.text, 0)
        return outcome

    def _source(self, question: Message, context: Context[Any]) -> AsyncGenerator[str, None]:
        """What the assistant says; to a request that is not as its model has it, what is wrong with it."""
        try:
            request = read(self._assistant.requests, question)
        except BadRequest as problem:
            return refuse(problem)
        return cast(AsyncGenerator[str, None], self._assistant.answer(replace(context, request=request)))

    async def _finish(
        self, question: Message, begun: Begun, verdict: Verdict | None, receipt: Receipt
    ) -> None:
        """Write the final message and move the cursor, in one step; or move it alone after silence."""
        if verdict is None:
            await self._services.runs.pass_over(self._lease, question.seq)
            return
        if verdict.reference:
            self._log_failure(verdict)
        data = AnswerData(
            run_id=begun.run_id,
            state=verdict.state,
            model=receipt.model,
            stopped_by=verdict.stopped_by,
            reference=verdict.reference,
            context=receipt.context,
            tools=receipt.tools or None,
            usage=receipt.usage or None,
        )
        answer = Answer(
            self._room,
            self._assistant.id,
            begun.message_id,
            verdict.text,
            reply_to=question.id,
            data=data,
            code=answer_code(question.request_code),
            files=tuple(receipt.attached),
        )
        try:
            await self._write(answer, RunGuard(self._assistant.id, self._lease.token, question.seq))
            await self._tell_failure(question, verdict)
        except PermissionDenied:
            log.info("%s was removed from %s while it answered", self._assistant.id, self._room)
            await self._services.runs.pass_over(self._lease, question.seq)

    async def _tell_failure(self, question: Message, verdict: Verdict) -> None:
        """Tell the asker of a typed request, in the request's own words for it, that it failed."""
        if verdict.state != "failed" or not is_typed(question):
            return
        try:
            notice = failure(self._room, question, verdict.text, stamp(self._services.clock))
            await self._services.bus.publish(self._room, Live(encode(notice), only=(question.sender,)))
        except StoreAway as error:
            note(error)  # The answer says it too.

    def _log_failure(self, verdict: Verdict) -> None:
        """What the room was told in its own words needs no trace of where it was said."""
        told = isinstance(verdict.error, AssistantError)
        log.error(
            "%s failed in %s, reference %s: %r",
            self._assistant.id,
            self._room,
            verdict.reference,
            verdict.error or "out of time",
            exc_info=verdict.error.__cause__ if told and verdict.error else verdict.error,
        )

    async def _write(self, answer: Answer, guard: RunGuard) -> None:
        """Append the answer; while the store is away try again, as long as a lease lasts."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._services.runs.lease
        while True:
            try:
                await self._services.chat.answer(answer, guard)
                return
            except Conflict:
                # A member saw the id with the pieces and took it, which must not block the room.
                log.warning("The id of an answer in %s was taken by somebody", self._room)
                answer = replace(answer, message_id=random_id("msg"))
            except (StoreAway, RedisError) as error:
                if loop.time() > give_up:
                    raise
                note(error)
                await asyncio.sleep(FINISH_RETRY)

    async def _context(self, question: Message, receipt: Receipt) -> Context[Any]:
        """What the assistant is given: this room only."""
        members = await self._services.rooms.members(self._room)
        presence = await self._services.presence.of([one.user_id for one in members], self._room)
        profiles = {one.id: one for one in await self._services.profiles.all()}
        known = {
            one.user_id: Member(
                one.user_id,
                one.name,
                one.kind.value,
                presence[one.user_id].value,
                *_presented(profiles.get(one.user_id)),
            )
            for one in members
        }
        assistant = self._assistant
        return Context(
            text=without_mention(question.text, assistant.id),
            message=question,
            room=self._room,
            me=known.get(assistant.id) or Member(assistant.id, assistant.name, "assistant", "online"),
            asker=known.get(question.sender) or Member(question.sender, question.sender, "human", "offline"),
            members=tuple(known.values()),
            settings=self._settings,
            log=logging.getLogger(f"assistant.{assistant.id}"),
            receipt=receipt,
            _transcript=self._transcript,
            _model=self._services.model,
            _pages=self._services.pages,
            _attachments=OwnFiles(self._services.files, Identity(assistant.id, assistant.name)),
        )

    def _channel(self, begun: Begun, question: Message) -> Channel:
        services = self._services
        return Channel(
            services.bus,
            services.attendance,
            services.clock,
            self._room,
            self._assistant.id,
            begun.message_id,
            begun.run_id,
            question.id,
        )

    async def _close(self, context: Context[Any]) -> None:
        """Close what the assistant left open; one that still runs in it has refused to end."""
        try:
            await context.close()
        except RuntimeError as error:
            log.error("%s still uses the model after its end: %s", self._assistant.id, error)


def _presented(profile: Profile | None) -> tuple[str, Mapping[str, str]]:
    return (profile.description, profile.commands) if profile else ("", {})
