"""A room as this process sees it: where it stands, and who here is subscribed."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from productflo import metrics, tallies
from productflo.domain.passing import Passing
from productflo.domain.position import Position
from productflo.domain.typing import LEASE as TYPING_LEASE
from productflo.server.answers import Answers
from productflo.server.connection import Frame, bursts_of
from productflo.server.subscription import Subscription
from productflo.store.events import Entered, Live, Logged, PieceSaid, Removed, Typed

REVISIONS = (b'{"status":"success","code":"edit"', b'{"status":"success","code":"delete"')
"""How events begin after which an earlier one reads differently in the log."""

_DELIVERIES = tallies.Tally(metrics.DELIVERIES)


@dataclass(slots=True)
class _Typing:
    until: float
    started: Frame
    stopped: Frame


class Feed:
    """One room's subscriptions in this process, and the fan-out to them; nothing in it waits.

    It stands at `seq` of `generation`; `target` is the newest durable event that it has heard of,
    `revised_at` the last one that changed how an earlier one reads.
    """

    def __init__(self, room: str) -> None:
        self.room = room
        self.generation = ""
        self.seq = 0
        self.target = 0
        self.revised_at = 0
        self.started = False
        self.listenings = 0
        self.leaves = 0
        self.member_count = 0
        self.pins = 0
        self.check_at = 0.0
        self.answers = Answers()
        self.subscriptions: dict[str, Subscription] = {}
        self._typing: dict[str, _Typing] = {}
        self._settled = 0
        self._heard_in = ""
        self._removals: dict[str, tuple[int, Frame]] = {}
        self._awaited: list[tuple[int, asyncio.Future[None]]] = []

    def start(self, generation: str, seq: int, leaves: int) -> None:
        """Where the room stood after its channel was listened to; what follows is heard.

        What was heard already leaves it `behind`, and the caller has to `Reconciler.settle` it.
        """
        if not self.started:
            self.started = True
            self.generation, self.seq, self.leaves = generation, seq, leaves
            self.heard_of(generation, seq)
            self.settle(self.listenings)

    def heard_of(self, generation: str, seq: int) -> None:
        """The room has events up to this one."""
        if generation == self._heard_in:
            self.target = max(self.target, seq)
        else:
            self._heard_in, self.target = generation, seq

    def listening_anew(self) -> None:
        """The room's position is in doubt: its channel was lost, or the store says that it went back.

        Until `settle`, durable events are only noted: to hand on one of a new generation as if it followed
        would make a continuation look like a loss.
        """
        self.listenings += 1

    def settle(self, listenings: int) -> None:
        """The room's position is known as of that listening; an answer that was overtaken changes nothing."""
        self._settled = max(self._settled, listenings)

    @property
    def seen(self) -> tuple[str, str, int]:
        """The room, and the newest durable event that was heard of, by generation and seq."""
        return self.room, self._heard_in, self.target

    @property
    def behind(self) -> bool:
        """Whether durable events are known of that have not been handed on."""
        return self.seq < self.target

    async def reached(self, seq: int) -> None:
        """Wait until the events up to this one have been handed on."""
        if self.seq < seq:
            reached = asyncio.get_running_loop().create_future()
            self._awaited.append((seq, reached))
            await reached

    def logged(self, event: Logged) -> bool:
        """Hand durable events on as they are heard.

        False if the room's position must be looked at: some before them are missing, or they belong to
        another generation than what was handed on.
        """
        self.heard_of(event.generation, event.first_seq + len(event.envelopes) - 1)
        if not self.started or self._settled != self.listenings:
            return True
        if event.generation != self.generation:
            self.listening_anew()
            return False
        if event.first_seq > self.seq + 1:
            return False
        self.advance(event.first_seq, event.envelopes)
        return True

    def advance(self, first_seq: int, envelopes: Sequence[bytes]) -> None:
        """Hand durable events on, each once; `first_seq` must not lie beyond the next one."""
        news = envelopes[self.seq + 1 - first_seq :]
        if not news:
            return
        before, self.seq = self.seq, self.seq + len(news)
        self._fan_out(before, news)
        answering = bool(self.answers)
        for seq, envelope in enumerate(news, before + 1):
            if envelope.startswith(REVISIONS):
                self.revised_at = seq
            if answering:
                self.answers.ended(envelope)
        if self._awaited:
            self._tell_who_waits()

    def _tell_who_waits(self) -> None:
        for seq, reached in self._awaited:
            if seq <= self.seq and not reached.done():
                reached.set_result(None)
        self._awaited = [one for one in self._awaited if not one[1].done()]

    def _fan_out(self, before: int, news: Sequence[bytes]) -> None:
        """Write events to every subscription that is live; `before` is the seq before the first of them.

        What is done once for the room is not done for its members: the frames are made and joined once.
        """
        last, delivered, bursts = before + len(news), 0, bursts_of(news)
        for subscription in self.subscriptions.values():
            if subscription.held is not None or subscription.cursor >= last:
                continue
            if subscription.cursor <= before:
                own, delivered = bursts, delivered + len(news)
            else:
                own = bursts_of(news[subscription.cursor - before :])
                delivered += last - subscription.cursor
            subscription.cursor = last
            for burst in own:
                subscription.connection.send(burst)
        _DELIVERIES.inc(delivered)

    def skip(self, seq: int, told: Frame) -> None:
        """The log has nothing between the last event and this seq any more: go on after it, and tell so."""
        for subscription in self.subscriptions.values():
            if subscription.live and subscription.cursor < seq:
                subscription.cursor = seq
                subscription.connection.send(told)
        self.seq = max(self.seq, seq)
        self.revised_at = self.seq  # What was skipped may have been deletions.

    def turn(
        self, position: Position, leaves: int, *, continuous: Frame, rewound: Frame
    ) -> set[Subscription]:
        """The store has begun another generation: go on where what was handed on is still in the log.

        Each subscription is told by one of the frames, before anything of the new generation. Returns those
        for which the store went back. Its count of ended memberships may have gone back as well.
        """
        valid = position.valid_up_to(self.generation)
        beyond = {one for one in self.subscriptions.values() if one.cursor > valid}
        for one in self.subscriptions.values():
            one.leaves = min(one.leaves, leaves)
            if one in beyond:
                one.cursor = position.last_seq
            one.connection.send(rewound if one in beyond else continuous)
        if self.seq > valid:
            self.seq = position.last_seq
        self.generation, self.leaves = position.generation, leaves
        self.heard_of(position.generation, position.last_seq)
        return beyond

    def live(self, event: Live) -> None:
        """Hand a passing event on."""
        frame = Frame(event.envelope, event.passing)
        only = event.only
        self._pass(
            frame,
            [
                one
                for one in self.subscriptions.values()
                if one.user != event.but and (only is None or one.user in only)
            ],
        )

    def entered(self, event: Entered) -> None:
        """Tell the others of a new member."""
        self.member_count = event.member_count
        self._pass(
            Frame(event.envelope), [one for one in self.subscriptions.values() if one.user != event.user]
        )

    def removed(self, event: Removed) -> bool:
        """A user is no member any more: tell, and end their subscriptions, or what they were writing.

        A subscription that joined after the membership had ended stays, and is not told. False where an
        earlier removal was not heard of.
        """
        follows = event.leaves <= self.leaves + 1
        self.leaves = max(self.leaves, event.leaves)
        self.member_count = event.member_count
        self.answers.left(event.user)
        self.stop_typing(event.user)
        told = Frame(event.envelope)
        self._pass(
            told,
            [
                one
                for one in self.subscriptions.values()
                if one.user != event.user or one.leaves < event.leaves
            ],
        )
        for key, one in list(self.subscriptions.items()):
            if one.user == event.user and one.leaves < event.leaves:
                del self.subscriptions[key]
        if self.pins:
            self._removals[event.user] = event.leaves, told
        return follows

    def follow(self, subscription: Subscription) -> bool:
        """Begin a subscription; False where its user was removed while they joined, which they are told."""
        removed_at, told = self._removals.get(subscription.user, (0, None))
        if told is not None and subscription.leaves < removed_at:
            subscription.connection.send(told)
            return False
        self.subscriptions[subscription.connection.id] = subscription
        return True

    def unpin(self) -> None:
        """One who was joining is done with it."""
        self.pins -= 1
        if not self.pins:
            self._removals.clear()

    def typed(self, event: Typed) -> None:
        """Tell the others once that somebody types; a repetition only renews the lease."""
        loop = asyncio.get_running_loop()
        known = self._typing.get(event.user)
        if not event.started:
            self.stop_typing(event.user)
        elif known:
            known.until = loop.time() + TYPING_LEASE
        else:
            started = Frame(event.envelope, Passing.TYPING)
            stopped = Frame(event.stopped, Passing.TYPING)
            self._typing[event.user] = _Typing(loop.time() + TYPING_LEASE, started, stopped)
            self._pass(started, [one for one in self.subscriptions.values() if one.user != event.user])
            loop.call_later(TYPING_LEASE, self._end_typing, event.user)

    def stop_typing(self, user: str) -> None:
        """Somebody writes no longer, or is gone: the others are told, unless they have been."""
        known = self._typing.pop(user, None)
        if known:
            self._pass(known.stopped, [one for one in self.subscriptions.values() if one.user != user])

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
        self.streaming(Frame(event.envelope))
        return True

    def end(self, subscription: Subscription, farewell: Frame | None) -> None:
        """End a subscription, with a word where there is one, unless another one has taken its place."""
        key = subscription.connection.id
        if self.subscriptions.get(key) is subscription:
            del self.subscriptions[key]
            if farewell:
                subscription.connection.send(farewell)

    def everyone(self, frame: Frame) -> None:
        """Hand a frame to all subscriptions."""
        self._pass(frame, self.subscriptions.values())

    def streaming(self, frame: Frame) -> None:
        """Hand a frame to the subscriptions that asked for pieces."""
        self._pass(frame, [one for one in self.subscriptions.values() if one.stream])

    def go_live(self, subscription: Subscription) -> None:
        """The subscription has caught up: what was held follows, then what goes on at the moment."""
        subscription.release()
        for user, typing in self._typing.items():
            if user != subscription.user:
                subscription.connection.send(typing.started)
        if subscription.stream:
            for piece in self.answers.so_far():
                subscription.connection.send(Frame(piece))

    def _pass(self, frame: Frame, audience: Collection[Subscription]) -> None:
        for subscription in audience:
            subscription.hand(frame)
        _DELIVERIES.inc(len(audience))

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
            self.stop_typing(user)
