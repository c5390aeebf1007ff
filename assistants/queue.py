"""Who waits for an assistant while it answers somebody, as the room sees it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from redis.exceptions import RedisError

from assistants.answering import Answering, Ending
from assistants.questions import Question, Questions
from assistants.services import Services
from productflo.domain.typing import RENEWAL
from productflo.errors import ProductFloError
from productflo.protocol.activity import Notification, NotificationData, Waiting
from productflo.protocol.codec import encode
from productflo.service.clock import stamp
from productflo.store.asked import Again
from productflo.store.events import Live
from productflo.store.runs import Lease

log = logging.getLogger(__name__)

GATHER = 0.05
"""Seconds between looks at a room in which much is said: a place in the queue need not be newer."""


class Queue:
    """The questions behind the one that is being answered. Not kept: told when it changes, and again while
    it is not empty, for those who come late."""

    def __init__(self, services: Services, lease: Lease, questions: Questions) -> None:
        self._services = services
        self._lease = lease
        self._questions = questions
        self._told: list[Waiting] | None = []
        self._stirred = asyncio.Event()

    def taken_over(self) -> None:
        """Another worker has told the room something, nobody knows what."""
        self._told = None

    def stir(self) -> None:
        """The room has something new."""
        self._stirred.set()

    async def watch(self, question: Question, answering: Answering) -> None:
        """Tell who waits, and let the answer begin anew when its asker goes on; until cancelled.

        The room was looked at just before the answer, whose first steps need the store more than this does.
        """
        await asyncio.sleep(GATHER)
        while True:
            self._stirred.clear()
            try:
                await self._look(question, answering)
            except (ProductFloError, RedisError) as error:
                log.debug("%s: the queue was not told: %s", self._lease.room, error)
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEWAL):
                    await self._stirred.wait()
                    await asyncio.sleep(GATHER)

    async def over(self) -> None:
        """Nobody waits any more, where somebody did."""
        if self._told:
            try:
                await self._tell([])
            except ProductFloError as error:
                log.debug("%s: the end of the queue was not told: %s", self._lease.room, error)

    async def _look(self, question: Question, answering: Answering) -> None:
        pending = await self._services.runs.pending(self._lease)
        whole, behind = await self._questions.around(question, pending)
        more = tuple(one for one in whole.messages if one.seq > question.end)
        if more and answering.acted:
            behind = [replace(whole, messages=more), *behind]
        elif more:
            answering.end(Ending.ASKED_ON)
        again = [one for one in pending.again if isinstance(one, Again) and one.stop is None]
        waiting = _places(behind, [one for one in again if one != question.again])
        if waiting or waiting != self._told:
            await self._tell(waiting)

    async def _tell(self, waiting: list[Waiting]) -> None:
        room, assistant = self._lease.room, self._lease.assistant
        places = waiting[-1].place if waiting else 0
        words = "Nobody waits." if not places else f"Waiting: {places}"
        told = Notification(
            user_id=assistant,
            room_id=room,
            timestamp=stamp(self._services.clock),
            data=NotificationData(code="ASSISTANT_QUEUE", message=words, sender=assistant, waiting=waiting),
        )
        await self._services.bus.publish(room, Live(encode(told)))
        self._told = waiting


def _places(behind: Sequence[Question], again: Sequence[Again]) -> list[Waiting]:
    """In the order in which they will be taken; without what another assistant may answer."""
    asked = [
        (one.first.seq, [(each.id, each.sender) for each in one.messages]) for one in behind if not one.shared
    ]
    in_order = sorted([*asked, *((one.at, [(one.answer, one.by)]) for one in again)], key=lambda one: one[0])
    return [
        Waiting(message_id=message_id, sender=sender, place=place)
        for place, (_, messages) in enumerate(in_order, 1)
        for message_id, sender in messages
    ]
