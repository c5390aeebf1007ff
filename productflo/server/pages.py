"""Pages of rooms' logs, read once for all who resume through them.

A thousand connections that come back to one room miss the same events. Pages begin at fixed seqs, so that
they are shared whatever each one has missed; what they hold is made into frames for the wire once as well.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from productflo.server.connection import Frame, Joined, bursts_of
from productflo.server.feed import Feed
from productflo.store.entries import Record
from productflo.store.log import Log

PAGE = 100
"""Events of a page; about 50 KB."""
KEPT_BYTES = 16_777_216
"""Of the envelopes on pages that are kept, over all rooms: the missed events of 16 rooms at least. With the
frames that are made of them, twice that."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Events that are sent at once, without a hole from the first seq to the last."""

    first_seq: int
    last_seq: int
    frame: Frame | Joined


class Stretch(tuple[Record, ...]):
    """Some events, oldest first."""

    @cached_property
    def bursts(self) -> Sequence[Burst]:
        """The same as they are written: those that follow each other, joined; made once for all readers."""
        bursts: list[Burst] = []
        at = 0
        for _, run in groupby(enumerate(self), lambda one: one[1].seq - one[0]):
            for frame in bursts_of(tuple(event.envelope for _, event in run)):
                last = at + frame.count - 1
                bursts.append(Burst(self[at].seq, self[last].seq, frame))
                at = last + 1
        return bursts


@dataclass(slots=True, eq=False)
class _Page:
    """The events of one stretch of a log, read up to `seq` since the feed stood at `since`."""

    since: int
    seq: int
    last_seq: int
    bytes: int = 0
    events: Stretch = field(default_factory=Stretch)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


_Key = tuple[Feed, str, int]
"""Feed, generation, and the page's place in the log. A feed that was closed and opened again is another."""


class Pages:
    """Those read most recently, as far as they fit."""

    def __init__(self, log: Log, kept_bytes: int = KEPT_BYTES) -> None:
        self._log = log
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._pages: OrderedDict[_Key, _Page] = OrderedDict()

    async def read(self, feed: Feed, after: int) -> Stretch:
        """Some events after a seq, oldest first; none where the log has none. Raises what redis-py raises.

        What is kept of a page is read on from its end while the room has more; where events of the room were
        edited or deleted since it was read, it is read anew.
        """
        key = (feed, feed.generation, after // PAGE)
        page = self._pages.get(key)
        if page is None or page.since < feed.revised_at:
            self._drop(key)
            begin = key[2] * PAGE
            page = self._pages[key] = _Page(feed.seq, begin, begin + PAGE)
        self._pages.move_to_end(key)
        async with page.reading:
            if page.seq <= after or page.seq < min(page.last_seq, feed.seq):
                await self._read_on(key, page)
        if not page.events or page.events[0].seq > after:
            return page.events
        return Stretch(event for event in page.events if event.seq > after)

    async def _read_on(self, key: _Key, page: _Page) -> None:
        records = await self._log.read(key[0].room, page.seq, page.last_seq - page.seq)
        if not records:
            return
        # Where events were trimmed these belong to a later page; the reader sees the hole by their seq.
        page.events = Stretch((*page.events, *records))
        page.seq = records[-1].seq
        added = sum(len(record.envelope) for record in records)
        page.bytes += added
        if self._pages.get(key) is page:
            self._bytes += added
        while self._bytes > self._kept_bytes:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: _Key) -> None:
        if page := self._pages.pop(key, None):
            self._bytes -= page.bytes
