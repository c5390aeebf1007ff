"""One connection's conversation with the server: who speaks, in what order, and what is answered.

Envelopes are handled one after the other, except that a chat does not wait for the one before it to be
stored: chats of a connection are handed to the log in their order, and it keeps that order. Anything else
waits for the chats before it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from redis.exceptions import RedisError

from productflo import metrics
from productflo.domain.identity import Identity
from productflo.errors import (
    ErrorCode,
    PermissionDenied,
    ProductFloError,
    TooManyConnections,
    Unconfirmed,
)
from productflo.protocol import inbound
from productflo.protocol.answers import FeedbackTaken, HistoricResponse, Pong, System, SystemData
from productflo.protocol.codec import KNOWN, encode, parse, validate
from productflo.protocol.codes import CloseCode, Status
from productflo.protocol.envelope import Outbound
from productflo.protocol.requests import Request
from productflo.server.connection import Connection, Frame
from productflo.server.door import Door, Tasks
from productflo.server.subscribing import Subscriber
from productflo.server.typist import Typist
from productflo.service.chat import with_id
from productflo.service.clock import stamp
from productflo.store.entries import Appended
from productflo.store.refusals import told

log = logging.getLogger(__name__)

CHATS_UNDER_WAY = 64
"""Chats of one connection that may wait for the store: a fast typist has one."""
UNCONFIRMED_AFTER = 3.0
"""Seconds after which a chat that the store has not confirmed is said to be pending."""
NOT_YET = "The store has not confirmed the message yet. Wait, or send it again as it is."

_RECEIVED = {str(code): metrics.ENVELOPES.labels(code) for code in KNOWN}
_RECEIVED_OTHER = metrics.ENVELOPES.labels("other")

_Durable = inbound.Chat | Request | inbound.Edit | inbound.Delete | inbound.Reaction
_Commit = Callable[[], Awaitable[Appended]]


class Session:
    """Answers a connection's envelopes. `tasks` owns what goes on beside the reading.

    `identity` is None on an open server until the first envelope says who speaks.
    """

    def __init__(self, door: Door, connection: Connection, identity: Identity | None, tasks: Tasks) -> None:
        self._door = door
        self._connection = connection
        self._identity = identity
        self._tasks = tasks
        self._arrived = False
        self._chats: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(CHATS_UNDER_WAY)
        self._subscriber = Subscriber(door, connection, tasks)
        self._allowance = door.rates.allowance(connection.address)
        self._typist = Typist(door.attendance, door.hub)
        door.hub.opened(connection)

    async def begin(self) -> None:
        """A caller who is known is online from now on."""
        if self._identity:
            try:
                await self._arrive(self._identity)
            except TooManyConnections as error:
                self._reject(error, {})

    async def receive(self, message: str | bytes) -> None:
        """Handle one message; whatever is wrong with it is answered, and the connection stays.

        Unless it comes without end: then it is closed with 1008.
        """
        envelope: dict[str, Any] = {}
        if pause := self._allowance.pause(len(message)):
            await asyncio.sleep(pause)
        try:
            envelope = parse(message)
            self._allowance.take(envelope.get("code"), self._identity.user_id if self._identity else None)
            _RECEIVED.get(_short(envelope.get("code")) or "", _RECEIVED_OTHER).inc()
            said = validate(envelope)
            identity = self._speaker(said)
            await self._arrive(identity)
            if isinstance(said, inbound.Chat):
                await self._chat(identity, said)
            elif isinstance(said, Request):
                await self._request(identity, said)
            elif isinstance(said, inbound.Edit | inbound.Delete | inbound.Reaction):
                await self._revise(identity, said)
            else:
                await self._all_chats()
                await self._handle(identity, said)
        except ProductFloError as error:
            self._reject(error, envelope)
        except RedisError as error:
            self._refuse(told(error), envelope)
        except Exception:
            log.exception("An envelope with the code %r could not be handled", _short(envelope.get("code")))
            self._refuse(ProductFloError("The server failed at this; its log says why."), envelope)

    async def end(self) -> None:
        """The connection is gone: its subscriptions end now, its presence after the grace."""
        await self._door.hub.closed(self._connection, self._subscriber.rooms)
        if self._identity and self._arrived:
            await self._typist.end(self._identity.user_id)
            await self._door.heartbeat.end(self._identity.user_id, self._connection.id)

    def _speaker(self, said: inbound.Inbound) -> Identity:
        """Who speaks; on an open server the first envelope decides. Raises `PermissionDenied`."""
        if self._identity is None:
            if self._door.reserved(said.user_id):
                raise PermissionDenied(
                    f"{said.user_id} is not a person's id here. Choose another user_id.", field="user_id"
                )
            self._identity = Identity(said.user_id, said.user_id)
        user = self._identity.user_id
        if said.user_id != user:
            raise PermissionDenied(
                f"This connection belongs to {user}. Send user_id {user}.", field="user_id"
            )
        sender = getattr(getattr(said, "data", None), "sender", None)
        if sender not in (None, user):
            raise PermissionDenied(f"sender must be {user}, as user_id is.", field="data.sender")
        return self._identity

    async def _arrive(self, identity: Identity) -> None:
        """Connecting means online. Raises `TooManyConnections`."""
        if not self._arrived:
            self._door.connections.arrive(identity.user_id)
            self._arrived = True
            self._door.hub.arrived(self._connection, identity.user_id)
            await self._door.heartbeat.begin(identity.user_id, self._connection.id)

    async def _handle(self, identity: Identity, said: inbound.Inbound) -> None:
        door, user = self._door, identity.user_id
        match said:
            case inbound.Join():
                await self._subscriber.join(identity, said)
            case inbound.Leave():
                await door.membership.leave(identity, said.room_id)
            case inbound.Typing():
                self._subscriber.require(said.room_id)
                await self._typist.type(said.room_id, user, started=said.data.status == "started")
            case inbound.ReadReceipt():
                receipt = await door.receipts.read(identity, said.room_id, said.data.message_id)
                if receipt:
                    self._connection.send(Frame(receipt))
            case inbound.SetPresence():
                await self._say_presence(identity, said)
            case inbound.Historic():
                await self._connection.drained()  # Pages are large: no further one for who reads none.
                page = await door.history.page(identity, said.room_id, said.data)
                self._answer(HistoricResponse(**self._head(said), data=page))
            case inbound.Feedback():
                rated = await door.revisions.rate(identity, said)
                self._answer(FeedbackTaken(**self._head(said), data=rated))
            case inbound.Stop():
                await self._stop(identity, said)
            case inbound.Regenerate():
                await door.membership.require(identity, said.room_id)
                await door.runs.regenerate(identity, said.room_id, said.data.message_id)
            case inbound.Ping():
                self._answer(Pong(**self._head(said)))

    async def _say_presence(self, identity: Identity, said: inbound.SetPresence) -> None:
        """Take a word of presence; where it says nothing new, it is answered here."""
        if said.room_id is not None:
            await self._door.membership.require(identity, said.room_id)
        notice = await self._door.attendance.say(identity.user_id, said.data.status, said.room_id)
        if notice:
            self._connection.send(Frame(notice))

    async def _chat(self, identity: Identity, said: inbound.Chat) -> None:
        """Store a message; its `chat_response` comes with everybody else's, over the room's feed."""
        await self._subscribed(identity, said.room_id)
        data = with_id(said.data)
        command = await self._door.requests.command(said.room_id, data.message)
        entry = await self._door.chat.prepare(identity, said.room_id, data, said.timestamp, command)
        await self._begin(said, data.message_id, partial(self._door.chat.commit, entry))

    async def _request(self, identity: Identity, said: Request) -> None:
        """Store a request, as a chat; the assistant that owns its code answers it in the room."""
        await self._subscribed(identity, said.room_id)
        entry = await self._door.requests.prepare(identity, said)
        await self._begin(said, entry.message_id, partial(self._door.chat.commit, entry))

    async def _subscribed(self, identity: Identity, room_id: str) -> None:
        """To speak in a room is to join it."""
        if not self._subscriber.subscribed(room_id):
            await self._all_chats()
            await self._subscriber.subscribe(identity, room_id)

    async def _revise(
        self, identity: Identity, said: inbound.Edit | inbound.Delete | inbound.Reaction
    ) -> None:
        """Store what is done to a message; it comes over the feed as a chat does, and in its order."""
        self._subscriber.require(said.room_id)
        revision = await self._door.revisions.prepare(identity, said)
        await self._begin(said, said.data.message_id, partial(self._door.revisions.commit, revision))

    async def _begin(self, said: _Durable, message_id: str | None, commit: _Commit) -> None:
        """Begin to store an event, after those that were begun before."""
        await self._free.acquire()
        known = self._subscriber.position(said.room_id)
        task = self._tasks.create_task(self._commit(said, message_id, commit, known))
        self._chats.add(task)
        task.add_done_callback(self._chats.discard)

    async def _commit(self, said: _Durable, message_id: str | None, commit: _Commit, known: int) -> None:
        """Store an event.

        `known` is the seq up to which this connection had heard the room. What lies after it comes over the
        feed, once and in its order; only the repetition of an older one is answered here, and a reaction that
        changes nothing. (An event counts as repeated also where the log itself had to ask a second time.)
        """
        late = asyncio.get_running_loop().call_later(
            UNCONFIRMED_AFTER, self._pending, said, message_id, NOT_YET
        )
        try:
            appended = await commit()
            if appended.envelope is not None and appended.seq <= known:
                self._connection.send(Frame(appended.envelope))
            elif isinstance(said, inbound.Reaction) and appended.message_seq is not None:
                self._connection.send(Frame(self._door.revisions.unchanged(said, appended.message_seq)))
            elif isinstance(said, inbound.Chat | Request):
                await self._typist.sent(said.room_id, said.user_id)
        except Unconfirmed as error:  # It may be there: that is no error, and nobody asks the store any more.
            self._pending(said, message_id, error.message, error.retry_after)
        except ProductFloError as error:
            self._refuse(error, said.model_dump(include={"code", "room_id", "request_id"}), message_id)
        finally:
            late.cancel()
            self._free.release()

    async def _all_chats(self) -> None:
        if self._chats:
            await asyncio.wait(set(self._chats))

    async def _stop(self, identity: Identity, said: inbound.Stop) -> None:
        """Stop an answer, or withdraw a question; show the asker what was said where it has ended already."""
        await self._door.membership.require(identity, said.room_id)
        data = said.data
        ended = await self._door.runs.stop(
            identity, said.room_id, message_id=data.message_id, run_id=data.run_id
        )
        if ended is not None:
            self._connection.send(Frame(ended))

    def _pending(
        self, said: _Durable, message_id: str | None, message: str, retry_after: float | None = None
    ) -> None:
        """The event may or may not be stored; with `retry_after` only sending it again will tell."""
        metrics.UNCONFIRMED.inc()
        self._tell(
            Status.PENDING,
            SystemData(
                code=ErrorCode.UNCONFIRMED,
                message=message,
                request_code=said.code,
                message_id=message_id,
                retry_after=retry_after,
            ),
            {"room_id": said.room_id, "request_id": said.request_id},
        )

    def _reject(self, error: ProductFloError, envelope: dict[str, Any]) -> None:
        """Refuse what was received; end a connection that has gone too far."""
        self._refuse(error, envelope)
        if reason := self._allowance.spent(error):
            self._connection.close(CloseCode.POLICY, reason)

    def _refuse(
        self, error: ProductFloError, envelope: dict[str, Any], message_id: str | None = None
    ) -> None:
        """Tell what was wrong, with what the client needs to find its own envelope again."""
        data = envelope.get("data")
        metrics.ERRORS.labels(error.code).inc()
        told_id = message_id or (data.get("message_id") if isinstance(data, dict) else None)
        self._tell(
            Status.ERROR,
            SystemData(
                code=error.code,
                message=error.message,
                request_code=_short(envelope.get("code")),
                field=error.field,
                message_id=_short(told_id),
                retry_after=error.retry_after,
            ),
            envelope,
        )

    def _tell(self, status: Status, data: SystemData, about: dict[str, Any]) -> None:
        self._answer(
            System(
                status=status,
                user_id=self._identity.user_id if self._identity else None,
                room_id=_short(about.get("room_id")),
                timestamp=stamp(self._door.clock),
                request_id=_short(about.get("request_id")),
                data=data,
            )
        )

    def _head(self, said: inbound.Inbound) -> dict[str, Any]:
        return {
            "user_id": said.user_id,
            "room_id": said.room_id,
            "timestamp": stamp(self._door.clock),
            "request_id": said.request_id,
        }

    def _answer(self, envelope: Outbound) -> None:
        self._connection.send(Frame(encode(envelope)))


def _short(value: object) -> str | None:
    """A client's own word, echoed; nothing that it could not have meant as one."""
    return value[:128] if isinstance(value, str) else None
