"""One connection's conversation with the server: who speaks, in what order, and what is answered.

Envelopes are handled one after the other, except that a chat does not wait for the one before it to be
stored: chats of a connection are handed to the log in their order, and it keeps that order. Anything else
waits for the chats before it.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from redis.exceptions import RedisError

from productflo import metrics, tallies
from productflo.domain.identity import Identity
from productflo.errors import PermissionDenied, ProductFloError, TooManyConnections
from productflo.protocol import inbound
from productflo.protocol.answers import FeedbackTaken, HistoricResponse, Pong, with_messages
from productflo.protocol.codec import KNOWN, encode, parse, validate
from productflo.protocol.codes import CloseCode
from productflo.protocol.requests import Request
from productflo.server.committing import Committing
from productflo.server.connection import Connection, Frame
from productflo.server.door import Door, Tasks
from productflo.server.replies import Replies, short
from productflo.server.subscribing import Subscriber
from productflo.server.typist import Typist
from productflo.service.chat import with_id
from productflo.store.refusals import told

log = logging.getLogger(__name__)

_RECEIVED = {str(code): tallies.Tally(metrics.ENVELOPES.labels(code)) for code in KNOWN}
_RECEIVED_OTHER = tallies.Tally(metrics.ENVELOPES.labels("other"))


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
        self._replies = Replies(connection, door.clock, identity.user_id if identity else None)
        self._subscriber = Subscriber(door, connection, tasks)
        self._allowance = door.rates.allowance(connection.address)
        self._typist = Typist(door.attendance, door.hub)
        self._committing = Committing(door, connection, self._replies, self._subscriber, self._typist, tasks)
        door.hub.opened(connection)

    async def begin(self) -> None:
        """A caller who is known is online from now on."""
        if self._identity:
            try:
                await self._arrive(self._identity)
            except TooManyConnections as error:
                self._reject(error, {})

    @property
    def full(self) -> bool:
        """Whether as much waits for the store as one connection may have waiting."""
        return self._committing.under_way.full

    async def receive(self, message: str | bytes) -> None:
        """Handle one message; whatever is wrong with it is answered, and the connection stays.

        Unless it comes without end: then it is closed with 1008.
        """
        if rest := self.take(message):
            await rest

    def take(self, message: str | bytes) -> Coroutine[Any, Any, None] | None:
        """`receive`, as far as nothing has to be waited for; what is left of it is to be awaited.

        An ordinary chat is handed to the log at once, without a task: it is most of what clients say.
        """
        if pause := self._allowance.pause(len(message)):
            return self._take_later(message, pause)
        return self._take(message)

    async def _take_later(self, message: str | bytes, pause: float) -> None:
        await asyncio.sleep(pause)
        if rest := self._take(message):
            await rest

    def _take(self, message: str | bytes) -> Coroutine[Any, Any, None] | None:
        envelope: dict[str, Any] = {}
        try:
            envelope = parse(message)
            identity = self._identity
            code = envelope.get("code")
            self._allowance.take(code, identity.user_id if identity else None)
            (_RECEIVED.get(code, _RECEIVED_OTHER) if isinstance(code, str) else _RECEIVED_OTHER).inc()
            said = validate(envelope)
            identity = self._speaker(said)
            if isinstance(said, inbound.Chat) and self._say(identity, said):
                return None
            return self._go_on(identity, said, envelope)
        except Exception as error:
            self._failed(error, envelope)
            return None

    async def _go_on(self, identity: Identity, said: inbound.Inbound, envelope: dict[str, Any]) -> None:
        """Handle what was checked, in its turn."""
        try:
            await self._arrive(identity)
            if isinstance(said, inbound.Chat):
                await self._chat(identity, said)
            elif isinstance(said, Request):
                await self._request(identity, said)
            elif isinstance(said, inbound.Edit | inbound.Delete | inbound.Reaction):
                await self._revise(identity, said)
            else:
                await self._committing.under_way.all()
                await self._handle(identity, said)
        except Exception as error:
            self._failed(error, envelope)

    def _failed(self, error: Exception, envelope: dict[str, Any]) -> None:
        """Tell what was wrong with an envelope, or that something is wrong with the server."""
        if isinstance(error, ProductFloError):
            self._reject(error, envelope)
        elif isinstance(error, RedisError):
            self._replies.refuse(told(error), envelope)
        else:
            code = short(envelope.get("code"))
            log.error("An envelope with the code %r could not be handled", code, exc_info=error)
            failure = ProductFloError("The server failed at this; its log says why.")
            self._replies.refuse(failure, envelope)

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
            self._replies.user = said.user_id
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
                answer = HistoricResponse(**self._replies.head(said), data=page.head)
                self._connection.send(Frame(with_messages(encode(answer), page.messages)))
            case inbound.Feedback():
                rated = await door.revisions.rate(identity, said)
                self._replies.answer(FeedbackTaken(**self._replies.head(said), data=rated))
            case inbound.Stop():
                await self._stop(identity, said)
            case inbound.Regenerate():
                await door.membership.require(identity, said.room_id)
                await door.runs.regenerate(identity, said.room_id, said.data.message_id)
            case inbound.Ping():
                await self._committing.heard()
                self._replies.answer(Pong(**self._replies.head(said)))

    async def _say_presence(self, identity: Identity, said: inbound.SetPresence) -> None:
        """Take a word of presence; where it says nothing new, it is answered here."""
        if said.room_id is not None:
            await self._door.membership.require(identity, said.room_id)
        notice = await self._door.attendance.say(identity.user_id, said.data.status, said.room_id)
        if notice:
            self._connection.send(Frame(notice))

    def _say(self, identity: Identity, said: inbound.Chat) -> bool:
        """Hand an ordinary chat to the log; False where something must be waited for first."""
        door = self._door
        if not self._arrived or self.full or not self._subscriber.subscribed(said.room_id):
            return False
        data = with_id(said.data)
        if door.requests.may_be_command(data.message):
            return False
        entry = door.chat.plain(said.room_id, data, said.timestamp)
        if entry is None:
            return False
        self._committing.begin(said, data.message_id, door.chat.hand_in, entry)
        return True

    async def _chat(self, identity: Identity, said: inbound.Chat) -> None:
        """Store a message; its `chat_response` comes with everybody else's, over the room's feed."""
        await self._subscribed(identity, said.room_id)
        data = with_id(said.data)
        command = await self._door.requests.command(said.room_id, data.message)
        entry = await self._door.chat.prepare(identity, said.room_id, data, said.timestamp, command)
        await self._committing.under_way.some()
        self._committing.begin(said, data.message_id, self._door.chat.hand_in, entry)

    async def _request(self, identity: Identity, said: Request) -> None:
        """Store a request, as a chat; the assistant that owns its code answers it in the room."""
        await self._subscribed(identity, said.room_id)
        entry = await self._door.requests.prepare(identity, said)
        await self._committing.under_way.some()
        self._committing.begin(said, entry.message_id, self._door.chat.hand_in, entry)

    async def _subscribed(self, identity: Identity, room_id: str) -> None:
        """To speak in a room is to join it."""
        if not self._subscriber.subscribed(room_id):
            await self._committing.under_way.all()
            await self._subscriber.subscribe(identity, room_id)

    async def _revise(
        self, identity: Identity, said: inbound.Edit | inbound.Delete | inbound.Reaction
    ) -> None:
        """Store what is done to a message; it comes over the feed as a chat does, and in its order."""
        self._subscriber.require(said.room_id)
        revision = await self._door.revisions.prepare(identity, said)
        await self._committing.under_way.some()
        self._committing.begin(said, said.data.message_id, self._door.revisions.hand_in, revision)

    async def _stop(self, identity: Identity, said: inbound.Stop) -> None:
        """Stop an answer, or withdraw a question; show the asker what was said where it has ended already."""
        await self._door.membership.require(identity, said.room_id)
        data = said.data
        ended = await self._door.runs.stop(
            identity, said.room_id, message_id=data.message_id, run_id=data.run_id
        )
        if ended is not None:
            self._connection.send(Frame(ended))

    def _reject(self, error: ProductFloError, envelope: dict[str, Any]) -> None:
        """Refuse what was received; end a connection that has gone too far."""
        self._replies.refuse(error, envelope)
        if reason := self._allowance.spent(error):
            self._connection.close(CloseCode.POLICY, reason)
