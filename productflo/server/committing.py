"""Handing a connection's durable events to the log, and what becomes of them.

The events of a connection are handed in one after the other, in their order, and none waits for the answer
of the one before: the log keeps the order.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, TypeVar

from productflo.errors import ProductFloError, Unconfirmed
from productflo.protocol import inbound
from productflo.protocol.codes import CloseCode
from productflo.protocol.requests import Request
from productflo.server.connection import Connection, Frame
from productflo.server.door import Door, Tasks
from productflo.server.replies import Replies
from productflo.server.subscribing import Subscriber
from productflo.server.typist import Typist
from productflo.server.under_way import UnderWay
from productflo.store.entries import Appended, Entry, Revision

log = logging.getLogger(__name__)

HEARD_WITHIN = 1.0
"""Seconds for what is in the log to come over the bus: after that it comes when it comes."""

Durable = inbound.Chat | Request | inbound.Edit | inbound.Delete | inbound.Reaction
_ENDS_TYPING = (inbound.Chat, Request)
Outcome = Appended | ProductFloError
E = TypeVar("E", Entry, Revision)


class _Event(NamedTuple):
    """An event on its way: what its answer needs, and not the whole envelope, of which thousands may wait.

    `known` is the seq up to which its connection had heard the room.
    """

    code: str
    room_id: str
    request_id: str | None
    message_id: str | None
    known: int
    typed_by: str | None
    reaction: inbound.Reaction | None


class Committing:
    """One connection's events on their way into the log. `tasks` owns what an answer gives to do."""

    def __init__(
        self,
        door: Door,
        connection: Connection,
        replies: Replies,
        subscriber: Subscriber,
        typist: Typist,
        tasks: Tasks,
    ) -> None:
        self._door = door
        self._connection = connection
        self._replies = replies
        self._subscriber = subscriber
        self._typist = typist
        self._tasks = tasks
        self._said: dict[str, int] = {}
        self.under_way = UnderWay[_Event, Outcome](self._answered, self._late, connection.read_on)

    async def heard(self) -> None:
        """Wait until the connection has been handed what it said; of what the bus dropped, no longer than
        `HEARD_WITHIN`."""
        await self.under_way.all()
        said, self._said = self._said, {}
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD_WITHIN):
                for room, seq in said.items():
                    if feed := self._door.hub.feeds.get(room):
                        await feed.reached(seq)

    def begin(
        self,
        said: Durable,
        message_id: str | None,
        hand_in: Callable[[E, Callable[[Outcome], None]], None],
        entry: E,
    ) -> None:
        """Hand an entry in; `under_way` must have room. A refusal is told, at once or when it comes."""
        event = _Event(
            said.code,
            said.room_id,
            said.request_id,
            message_id,
            self._subscriber.position(said.room_id),
            said.user_id if isinstance(said, _ENDS_TYPING) else None,
            said if isinstance(said, inbound.Reaction) else None,
        )
        answered = self.under_way.add(event)
        try:
            hand_in(entry, answered)
        except ProductFloError as error:
            answered(error)

    def _answered(self, event: _Event, outcome: Outcome) -> None:
        """The log has answered. A fault in what follows ends the connection."""
        try:
            if isinstance(outcome, Appended):
                self._appended(event, outcome)
            elif isinstance(outcome, Unconfirmed):  # It may be there, and nobody asks the store any more.
                self._replies.pending(event, outcome.message, outcome.retry_after)
            else:
                self._refuse(event, outcome)
        except Exception:
            log.exception("A session failed")
            self._connection.close(CloseCode.INTERNAL, "internal error; reconnect and resume")

    def _appended(self, event: _Event, appended: Appended) -> None:
        """The event is in the log.

        What lies after `known` comes over the feed, once and in its order; only the repetition of an older
        one is answered here, and a reaction that changes nothing. (An event counts as repeated also where the
        log itself had to ask a second time.)
        """
        self._said[event.room_id] = appended.seq
        if appended.envelope is not None and appended.seq <= event.known:
            self._connection.send(Frame(appended.envelope))
        elif appended.message_seq is not None and event.reaction is not None:
            self._connection.send(Frame(self._door.revisions.unchanged(event.reaction, appended.message_seq)))
        elif event.typed_by is not None and self._typist.types(event.room_id, event.typed_by):
            self._tasks.create_task(self._typist.sent(event.room_id, event.typed_by))

    def _refuse(self, event: _Event, error: ProductFloError) -> None:
        envelope = {"code": event.code, "room_id": event.room_id, "request_id": event.request_id}
        self._replies.refuse(error, envelope, event.message_id)

    def _late(self, event: _Event) -> None:
        self._replies.pending(event)
