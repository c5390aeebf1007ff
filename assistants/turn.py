"""A worker's turn for an assistant in a room: from its cursor to the log's end, one question at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from assistants.questions import Question, Questions
from assistants.queue import Queue
from assistants.registry import Ready
from assistants.services import Services
from assistants.silence import pass_on
from assistants.writing import Writing
from productflo.protocol.ids import random_id
from productflo.store.asked import AskedAgain, Asking, PassedOn
from productflo.store.runs import Lease, Released


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
        ready: Callable[[], Ready],
        lease: Lease,
        tasks: asyncio.TaskGroup,
        keep: Callable[[], Awaitable[None]],
    ) -> None:
        self._services = services
        self._lease = lease
        self._cursor = lease.cursor
        self._ready = ready
        now = ready()
        self._questions = Questions(services, now.assistant, lease.room)
        self._queue = Queue(services, lease, self._questions)
        self._writing = Writing(services, now, lease, self._questions, self._queue, tasks, keep)

    async def run(self) -> TurnEnd:
        """Answer what there is, in order.

        Raises `LeaseLost`, after which this worker touches nothing more of the room, and `StoreAway` or
        redis-py's errors, after which the lease ends by itself and the room is looked at again.
        """
        while True:
            self._take()
            question = await self._next()
            if question is None:
                if await self._services.runs.release(self._lease) is Released.OK:
                    await self._queue.over()
                    return TurnEnd.DONE
                continue
            if self._services.stops.closing or not await self._deal_with(question):
                await self._services.runs.hand_over(self._lease)
                return TurnEnd.HANDED_OVER

    def _take(self) -> None:
        """Be the assistant as the operator wants it now; until the next question it stays that."""
        ready = self._ready()
        self._questions.be(ready.assistant)
        self._writing.be(ready)

    async def _next(self) -> Question | None:
        """What is to be answered next. Everything before it is passed over."""
        while True:
            pending = await self._services.runs.pending(self._lease)
            page = await self._questions.after(self._cursor, pending)
            again = pending.again[0] if pending.again else None
            if again and not (page.questions and page.questions[0].first.seq <= again.at):
                question = None if again.stop else await self._questions.again(again, self._cursor)
                if question:
                    return question
                await self._drop(again)
            elif page.questions:
                return page.questions[0]
            else:
                await self._pass_over(page.end)
                if not page.full:
                    return None

    async def _deal_with(self, question: Question) -> bool:
        """Answer a question, unless another assistant does; False where this worker ends meanwhile."""
        if isinstance(question.again, PassedOn) and not await self._questions.hears_all():
            await self._decline(question)
            return True
        if question.shared and not question.again:
            seq = await self._questions.claim_seq(question)
            if not await self._services.runs.claim(self._lease, seq):
                await self._pass_over(question.end)
                return True
        cursor = await self._writing.answer(question)
        if cursor is None:
            return False
        self._cursor = cursor
        return True

    async def _decline(self, question: Question) -> None:
        """The assistant was told to listen less since the question was passed on to it: it has no say."""
        begun = await self._services.runs.begin(self._lease, question.asking, random_id("msg"))
        await pass_on(self._services, self._lease, question, begun.message_id)

    async def _drop(self, again: AskedAgain) -> None:
        """Nothing is left of the question that was to be asked again, or it was taken back."""
        runs = self._services.runs
        await runs.begin(self._lease, Asking.again(again, ()), random_id("msg"))
        await runs.pass_over(self._lease, self._cursor)

    async def _pass_over(self, seq: int) -> None:
        if seq > self._cursor:
            await self._services.runs.pass_over(self._lease, seq)
            self._cursor = seq
