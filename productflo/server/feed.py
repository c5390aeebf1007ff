"""A room as this process sees it: where it stands, and who here is subscribed.

A subscription that is new, or resumes, is not live yet: durable events reach it from the log until it has
caught up with the feed (the log is the buffer), and passing events wait in its `held`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from productflo.domain.passing import Passing
from productflo.domain.typing import LEASE as TYPING_LEASE
from productflo.server.answers import Answers
from productflo.server.connection import Connection, Frame
from productflo.store.events import Live, Logged, PieceSaid, Typed

HELD = 256
"""Passing events (joins, receipts, presence) kept for a subscription that catches up; older ones are shed."""


@dataclass(slots=True, eq=False)
class Subscription:
    """A connection's ear in a room. `cursor` is the seq of the last durable event handed to it."""

    connection: Connection
    user: str
    stream: bool
    cursor: int = 0
    held: list[Frame] | None = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Whether events reach it as they happen."""
        return self.held is None

    def hand(self, frame: Frame) -> None:
        """A passing event: sent, or held until the subscription has caught up."""
        if self.held is None:
            self.connection.send(frame)
        else:
            self.held = [*self.held[1 - HELD :], frame]


@dataclass(slots=True)
class _Typing:
    until: float
    started: Frame
    stopped: Frame


class Feed:
    """One room's subscriptions in this process, and the fan-out to them; nothing in it waits."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.generation = ""
        self.seq = 0
        self.target = 0
        self.restarts = 0
        self.started = False
        self.listenings = 0
        self.member_count = 0
        self.pins = 0
        self.answers = Answers()
        self.subscriptions: dict[str, Subscription] = {}
        self._typing: dict[str, _Typing] = {}
        self._settled = 0

    def start(self, generation: str, seq: int) -> None:
        """Where the room stood after its channel was listened to; what follows is heard."""
        if not self.started:
            self.started = True
            self.generation, self.seq, self.target = generation, seq, max(self.target, seq)
            self.settle(self.listenings)

    def restart(self, generation: str, seq: int) -> None:
        """The store went back: from now on its events count from here."""
        self.generation, self.seq, self.target = generation, seq, seq
        self.restarts += 1
        for subscription in self.subscriptions.values():
            subscription.cursor = min(subscription.cursor, seq)

    def listening_anew(self) -> None:
        """The channel was lost, perhaps with the store: what it says may count from another place.

        Until `settle`, durable events are only noted: to hand on one of a new generation as if it followed
        would make a continuation look like a loss.
        """
        self.listenings += 1

    def settle(self, listenings: int) -> None:
        """The room's position is known as of that listening."""
        self._settled = listenings

    @property
    def behind(self) -> bool:
        """Whether durable events are known of that have not been handed on."""
        return self.seq < self.target

    def logged(self, event: Logged) -> bool:
        """Hand durable events on as they are heard; False if some before them are missing."""
        self.target = max(self.target, event.first_seq + len(event.envelopes) - 1)
        if not self.started or self._settled != self.listenings:
            return True
        if event.first_seq > self.seq + 1:
            return False
        self.advance(event.first_seq, event.envelopes)
        return True

    def advance(self, first_seq: int, envelopes: Sequence[bytes]) -> None:
        """Hand durable events on, each once; `first_seq` must not lie beyond the next one."""
        for envelope in envelopes[self.seq + 1 - first_seq :]:
            self.seq += 1
            frame = Frame(envelope)
            for subscription in self.subscriptions.values():
                if subscription.live and subscription.cursor < self.seq:
                    subscription.cursor = self.seq
                    subscription.connection.send(frame)
            if self.answers:
                self.answers.ended(envelope)

    def live(self, event: Live) -> None:
        """Hand a passing event on."""
        frame = Frame(event.envelope, event.passing)
        only = event.only
        self._pass(frame, lambda one: one.user != event.but and (only is None or one.user in only))

    def typed(self, event: Typed) -> None:
        """Tell the others once that somebody types; a repetition only renews the lease."""
        loop = asyncio.get_running_loop()
        known = self._typing.get(event.user)
        if not event.started:
            self._stop_typing(event.user)
        elif known:
            known.until = loop.time() + TYPING_LEASE
        else:
            started = Frame(event.envelope, Passing.TYPING)
            stopped = Frame(event.stopped, Passing.TYPING)
            self._typing[event.user] = _Typing(loop.time() + TYPING_LEASE, started, stopped)
            self._pass(started, lambda one: one.user != event.user)
            loop.call_later(TYPING_LEASE, self._end_typing, event.user)

    def is_typing(self, user: str) -> bool:
        """Whether the others see this user typing."""
        return user in self._typing

    def piece(self, event: PieceSaid) -> bool:
        """Hand a piece of an answer to those who asked for pieces; False if one before it is missing."""
        heard = self.answers.heard_up_to(event.message_id, event.run_id)
        if 0 < event.index <= heard:
            return True
        if not self.answers.heard(event):
            return False
        self._pass(Frame(event.envelope), lambda one: one.stream)
        return True

    def remove(self, user: str) -> None:
        """A user is no member any more: end their subscriptions, or what they were writing."""
        self.answers.left(user)
        self._stop_typing(user)
        for key in [key for key, one in self.subscriptions.items() if one.user == user]:
            del self.subscriptions[key]

    def end(self, subscription: Subscription, farewell: Frame) -> None:
        """End a subscription, and tell its connection, unless another one has taken its place."""
        key = subscription.connection.id
        if self.subscriptions.get(key) is subscription:
            del self.subscriptions[key]
            subscription.connection.send(farewell)

    def everyone(self, frame: Frame) -> None:
        """Hand a frame to all subscriptions."""
        self._pass(frame, lambda _: True)

    def streaming(self, frame: Frame) -> None:
        """Hand a frame to the subscriptions that asked for pieces."""
        self._pass(frame, lambda one: one.stream)

    def go_live(self, subscription: Subscription) -> None:
        """The subscription has caught up: what was held follows, then what goes on at the moment."""
        held, subscription.held = subscription.held or [], None
        for frame in held:
            subscription.connection.send(frame)
        for user, typing in self._typing.items():
            if user != subscription.user:
                subscription.connection.send(typing.started)
        if subscription.stream:
            for piece in self.answers.so_far():
                subscription.connection.send(Frame(piece))

    def _pass(self, frame: Frame, audience: Callable[[Subscription], bool]) -> None:
        for subscription in self.subscriptions.values():
            if audience(subscription):
                subscription.hand(frame)

    def _end_typing(self, user: str) -> None:
        """The lease may have run out; if it was renewed, look again at its end."""
        known = self._typing.get(user)
        if known is None:
            return
        loop = asyncio.get_running_loop()
        left = known.until - loop.time()
        if left > 0:
            loop.call_later(left, self._end_typing, user)
        else:
            self._stop_typing(user)

    def _stop_typing(self, user: str) -> None:
        known = self._typing.pop(user, None)
        if known:
            self._pass(known.stopped, lambda one: one.user != user)
