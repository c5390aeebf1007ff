"""Answering one question: the assistant's code is run, and what came of it is written to the room, once."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

from redis.exceptions import RedisError

from assistants import metrics
from assistants.answering import Answering, Ending, Outcome
from assistants.asking import RoomApprover
from assistants.attachments import OwnFiles
from assistants.beside import side_by_side
from assistants.bridge import Bridge
from assistants.cancelling import end
from assistants.channel import Channel
from assistants.context import Context
from assistants.documents import RoomDocuments
from assistants.keeping import RoomKept
from assistants.members import members_of
from assistants.messages import Member
from assistants.performance import Asked
from assistants.questions import Question, Questions
from assistants.queue import Queue
from assistants.receipt import Receipt
from assistants.registry import Ready
from assistants.requests import BadRequest, failure, is_typed, read, refuse
from assistants.services import Services
from assistants.silence import pass_on
from assistants.verdict import Verdict, broken_off, foregone, judge, log_failure, stopped
from productflo.domain.identity import Identity
from productflo.domain.waking import without_mention
from productflo.errors import Conflict, LeaseLost, PermissionDenied, ProductFloError, StoreAway
from productflo.protocol.codec import encode
from productflo.protocol.ids import random_id
from productflo.protocol.messages import AnswerData
from productflo.protocol.requests import answer_code
from productflo.service.chat import Answer
from productflo.service.clock import stamp
from productflo.store.entries import RunGuard
from productflo.store.events import Live
from productflo.store.refusals import note
from productflo.store.runs import Begun, Lease

log = logging.getLogger(__name__)

FINISH_RETRY = 0.5
"""Seconds between tries to write a finished answer while the store is away."""


class Writing:
    """Writes the answers of one lease, one after the other.

    `tasks` owns the assistant's code; `keep` is called while an answer goes on and the lease holds.
    """

    def __init__(
        self,
        services: Services,
        ready: Ready,
        lease: Lease,
        questions: Questions,
        queue: Queue,
        tasks: asyncio.TaskGroup,
        keep: Callable[[], Awaitable[None]],
    ) -> None:
        self._services = services
        self.be(ready)
        self._lease = lease
        self._questions = questions
        self._queue = queue
        self._tasks = tasks
        self._keep = keep
        self._room = lease.room

    def be(self, ready: Ready) -> None:
        """Write the next answer as an assistant that the operator has changed."""
        self._assistant, self._settings = ready.assistant, ready.settings

    async def answer(self, question: Question) -> int | None:
        """Answer a question; where the cursor stands then, or None where this worker ends meanwhile.

        While its asker goes on, the answer begins anew with the whole question, under the same message id.
        """
        message_id = random_id("msg")
        while True:
            (begun, asked), (members, _) = await side_by_side(
                self._begin(question, message_id),
                side_by_side(members_of(self._services, self._room), self._read(question)),
            )
            if asked is None:
                return await self._give_up(question, begun)
            if begun.tries > 1:
                self._queue.taken_over()
            metrics.begun(self._assistant.id, begun.tries, asked.last.sent_at, self._services.clock())
            channel = self._channel(begun, asked)
            receipt = Receipt()
            verdict = foregone(begun)
            async with self._typing(channel):
                outcome = None if verdict else await self._ask(asked, begun, channel, receipt, members)
            if outcome is not None:
                if outcome.ending is Ending.ASKED_ON:
                    question = await self._with_more(question)
                    continue
                if outcome.ending is Ending.SHUTDOWN and not outcome.acted:
                    return None
                verdict = self._judge(outcome)
            if verdict is not None:
                await self._finish(asked, begun, verdict, receipt)
            elif outcome is not None and asked.shared and not outcome.acted:
                self._count("silent")
                await pass_on(self._services, self._lease, asked, begun.message_id)
            else:
                await self._say_nothing(asked)
            await channel.typing(started=False)
            return asked.end

    async def _begin(self, question: Question, message_id: str) -> tuple[Begun, Question | None]:
        """Begin the answer, and look what the question is now: it may have been edited since it was read.

        From then on a deletion finds the answer and stops it.
        """
        begun = await self._services.runs.begin(self._lease, question.asking, message_id)
        return begun, await self._questions.as_now(question)

    async def _with_more(self, question: Question) -> Question:
        pending = await self._services.runs.pending(self._lease)
        whole, _ = await self._questions.around(question, pending)
        return whole

    async def _give_up(self, question: Question, begun: Begun) -> int:
        """The question was deleted: nothing is said, or no more than an earlier try has shown."""
        if begun.text:
            verdict = stopped(begun.text, begun.stop or question.last.sender)
            await self._finish(question, begun, verdict, Receipt())
        else:
            await self._say_nothing(question)
        return question.end

    @asynccontextmanager
    async def _typing(self, channel: Channel) -> AsyncIterator[None]:
        """Within the block the room is told that the assistant writes; the answer does not wait for that."""
        telling = self._tasks.create_task(channel.typing(started=True))
        try:
            yield
            await asyncio.wait({telling})  # Before it is told that it writes no longer.
        finally:
            await end([telling])

    async def _read(self, question: Question) -> None:
        """Move the assistant's read mark, as a member that reads before it answers."""
        try:
            reader = Identity(self._assistant.id, self._assistant.name)
            await self._services.receipts.read(reader, self._room, question.last.id)
        except (ProductFloError, RedisError) as error:
            log.debug("%s: the reading of a question was not told: %s", self._room, error)

    async def _ask(
        self,
        question: Question,
        begun: Begun,
        channel: Channel,
        receipt: Receipt,
        members: Mapping[str, Member],
    ) -> Outcome:
        """Run the assistant's code. When this returns it is closed, and so is the model's connection."""
        services = self._services
        answering = Answering(services.runs, self._lease, channel, receipt, self._tasks, self._keep)
        bridge, asked = Bridge(), self._asked(question, begun)
        receipt.meter = services.performances.meter(asked)
        receipt.changed = bridge.callback(answering.show_status)
        receipt.before_acting = bridge.function(answering.act)
        context = self._context(question, begun, receipt, bridge, members)
        source = services.performances.perform(asked, self._source(question, context), context.close)
        async with services.stops.heard_by(answering, self._room, begun.message_id, self._queue.stir):
            watching = self._tasks.create_task(self._queue.watch(question, answering))
            try:
                outcome = await answering.run(source, self._assistant.limits.timeout, lambda: receipt.waited)
            finally:
                await end([watching])
        await bridge.close()
        if outcome.ending is Ending.LEASE:
            raise LeaseLost(f"Another worker may answer for {self._assistant.id} in {self._room}.")
        if outcome.ending is Ending.SHUTDOWN:
            await services.runs.save(self._lease, outcome.text, 0)
        return outcome

    def _source(self, question: Question, context: Context[Any]) -> AsyncGenerator[str, None]:
        """What the assistant says; to a request that is not as its model has it, what is wrong with it."""
        try:
            request = read(self._assistant.requests, question.last)
        except BadRequest as problem:
            return refuse(problem)
        return cast(AsyncGenerator[str, None], self._assistant.answer(replace(context, request=request)))

    def _judge(self, outcome: Outcome) -> Verdict | None:
        if outcome.ending is Ending.SHUTDOWN:
            return broken_off(outcome.text)
        return judge(outcome, self._assistant.limits.timeout)

    async def _say_nothing(self, question: Question) -> None:
        """Deal with a question that nobody else is to be asked."""
        self._count("silent")
        await self._services.runs.pass_over(self._lease, question.end)

    def _count(self, state: str) -> None:
        metrics.ANSWERS.labels(self._assistant.id, state).inc()

    async def _finish(self, question: Question, begun: Begun, verdict: Verdict, receipt: Receipt) -> None:
        """Write the final message and move the cursor, in one step."""
        self._count(verdict.state)
        if verdict.reference:
            log_failure(verdict, self._assistant.id, self._room)
        several = len(question.messages) > 1
        data = AnswerData(
            run_id=begun.run_id,
            state=verdict.state,
            hops=question.hops,
            model=receipt.model,
            stopped_by=verdict.stopped_by,
            questions=[one.id for one in question.messages] if several else None,
            regenerates=question.regenerates,
            reference=verdict.reference,
            context=receipt.context,
            tools=receipt.tools or None,
            approvals=receipt.approvals or None,
            usage=receipt.usage or None,
            usage_estimated=receipt.estimated or None,
        )
        answer = Answer(
            self._room,
            self._assistant.id,
            begun.message_id,
            verdict.text,
            reply_to=question.last.id,
            data=data,
            code=answer_code(question.last.request_code),
            files=tuple(receipt.attached),
        )
        try:
            await self._write(answer, RunGuard(self._assistant.id, self._lease.token, question.end))
            await self._tell_failure(question, verdict)
        except PermissionDenied:
            log.info("%s was removed from %s while it answered", self._assistant.id, self._room)
            await self._services.runs.pass_over(self._lease, question.end)

    async def _tell_failure(self, question: Question, verdict: Verdict) -> None:
        """Tell who asked for the answer to a typed request, in its own words for it, that it failed."""
        asked = question.last
        if verdict.state != "failed" or not is_typed(asked):
            return
        notice = failure(self._room, asked, verdict.text, stamp(self._services.clock))
        try:
            await self._services.bus.publish(self._room, Live(encode(notice), only=(question.asker,)))
        except StoreAway as error:
            note(error)  # The answer says it too.

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

    def _context(
        self,
        question: Question,
        begun: Begun,
        receipt: Receipt,
        bridge: Bridge,
        members: Mapping[str, Member],
    ) -> Context[Any]:
        """What the assistant is given: this room only."""
        assistant, whole, services = self._assistant, question.whole, self._services
        approver = RoomApprover(
            services.approvals,
            receipt,
            self._room,
            assistant.id,
            asker=question.asker,
            message_id=begun.message_id,
            run_id=begun.run_id,
            reply_to=whole.id,
        )
        return Context(
            text=without_mention(whole.text, assistant.id),
            message=whole,
            room=self._room,
            me=members.get(assistant.id) or Member(assistant.id, assistant.name, "assistant", "online"),
            asker=members.get(question.asker) or Member(question.asker, question.asker, "human", "offline"),
            members=tuple(members.values()),
            settings=self._settings,
            log=logging.getLogger(f"assistant.{assistant.id}"),
            receipt=receipt,
            _most_rounds=assistant.limits.max_rounds,
            _transcript=bridge.to(self._questions.transcript),
            _model=bridge.to(services.model),
            _pages=bridge.to(services.pages),
            _attachments=bridge.to(OwnFiles(services.files, Identity(assistant.id, assistant.name))),
            _documents=bridge.to(RoomDocuments(services.files, self._room, services.extracting)),
            _kept=bridge.to(RoomKept(services.kept, self._room, assistant.id)),
            _approver=bridge.to(approver),
        )

    def _asked(self, question: Question, begun: Begun) -> Asked:
        return Asked(
            self._assistant.id,
            self._assistant.limits,
            self._room,
            question.asker,
            begun.message_id,
            begun.run_id,
            first=begun.tries == 1,
            waited=metrics.waited(question.last.sent_at, self._services.clock()),
        )

    def _channel(self, begun: Begun, question: Question) -> Channel:
        services = self._services
        return Channel(
            services.bus,
            services.attendance,
            services.clock,
            self._room,
            self._assistant.id,
            begun.message_id,
            begun.run_id,
            question.last.id,
        )
