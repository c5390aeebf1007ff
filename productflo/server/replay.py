"""Replay: what a subscription has missed comes from the log, at the pace of its reader, until it is live."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo.domain.position import is_later
from productflo.errors import ProductFloError
from productflo.server.feed import Feed
from productflo.server.pages import Burst, Pages
from productflo.server.reconcile import Reconciler
from productflo.server.subscription import Subscription
from productflo.store.entries import Record
from productflo.store.refusals import note

RETRY_DELAY = 0.5
"""Seconds until a read that the store did not answer is tried again."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Brings subscriptions up to their feeds."""

    pages: Pages
    reconciler: Reconciler

    async def catch_up(self, feed: Feed, subscription: Subscription) -> None:
        """Hand a subscription everything after its cursor; then it is live.

        What was trimmed before it could be sent is told. Ends early where the connection or the subscription
        does, or another one has taken its place. A store that is away is waited for.
        """
        while _current(feed, subscription):
            generation, cursor, heard = feed.generation, subscription.cursor, feed.seq
            if cursor >= heard:
                feed.go_live(subscription)
                return
            try:
                events = await self.pages.read(feed, cursor)
                if _stands(feed, subscription, generation, cursor) and _is_news(events, generation):
                    await self.reconciler.settle(feed)
            except (RedisError, ProductFloError) as error:
                note(error)
                await asyncio.sleep(RETRY_DELAY)
                continue
            if not _stands(feed, subscription, generation, cursor):
                continue  # What was read may be of the time before the store went back.
            begin = events[0].seq - 1 if events else heard
            if begin > cursor and _current(feed, subscription):
                subscription.cursor = begin
                subscription.connection.send(self.reconciler.gap(feed, begin))
            await self._hand(feed, subscription, events.bursts)

    async def _hand(self, feed: Feed, subscription: Subscription, bursts: Sequence[Burst]) -> None:
        """Hand events over as the connection drains, for as long as they are what comes next."""
        generation = feed.generation
        for burst in bursts:
            await subscription.connection.drained()
            if not _current(feed, subscription):
                return
            if not _stands(feed, subscription, generation, burst.first_seq - 1):
                return
            subscription.connection.send(burst.frame)
            subscription.cursor = burst.last_seq


def _is_news(events: Sequence[Record], generation: str) -> bool:
    """Whether the log tells that the feed may stand elsewhere than it thinks.

    It has nothing where there was something, or something of a later generation: whoever is handed that
    before they are told of it seems to have lost it when they are.
    """
    return not events or is_later(events[-1].generation, generation)


def _current(feed: Feed, subscription: Subscription) -> bool:
    """Whether the subscription is still one of the feed's, with somebody at its end."""
    connection = subscription.connection
    return feed.subscriptions.get(connection.id) is subscription and not connection.closed


def _stands(feed: Feed, subscription: Subscription, generation: str, cursor: int) -> bool:
    """Whether nothing has moved the feed to another generation, or the subscription elsewhere."""
    return feed.generation == generation and subscription.cursor == cursor
