"""Reading a room's log: its events as they are now, put together of what never changes and what may.

The log's stream holds who, when and `seq`; what a message says stands in `{room}:messages`, where an edit or
a deletion replaces it (docs/adr/0017). The stream is always read first: what has come to a message since then
is told once more by an event that follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from productflo.store.client import Client
from productflo.store.entries import Record
from productflo.store.exchange import Command
from productflo.store.keys import RoomKeys
from productflo.store.scripts import script
from productflo.store.together import ask, running

CHUNK = 64
"""Messages read at once for a page, an usual one in one go: of the longest, some 13 MB."""
_DATA, _PLACE = b'"data":{', b',"accepted_at":"'
"""Where in an entry its text goes, and before what the rest that its author gave."""

_Fields = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages of a room, the nearest to where was asked from first, and the generation it is in."""

    generation: str
    nearest: list[Record]


class Reading:
    """Reads any room's log. Methods raise what redis-py raises."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def read(self, room: str, after: int, limit: int) -> list[Record]:
        """At most `limit` events after a seq, oldest first, each as it is now.

        Their seqs have no hole. The first one's is `after + 1`, unless what is there was trimmed.
        """
        keys, seqs = RoomKeys(room), range(after + 1, after + 1 + limit)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xrange(keys.log, str(after + 1), "+", count=limit)
        pipeline.hmget(keys.messages, list(seqs))
        found, said = await pipeline.execute()
        entries = [(*_place(entry_id), fields) for entry_id, fields in found]
        known = await self._with_edited(keys, entries, dict(zip(seqs, said, strict=True)))
        records: list[Record] = []
        for seq, generation, fields in entries:
            said_there = known.get(_said_at(seq, fields))
            envelope = _as_now(fields[b"e"], fields[b"d"], said_there, is_edit=b"m" in fields)
            if envelope is None:  # Trimmed meanwhile, and all before it.
                records.clear()
            else:
                records.append(Record(seq, generation, envelope))
        return records

    async def page(
        self, room: str, *, after: int | None = None, before: int | None = None, limit: int, size: int
    ) -> Stretch | None:
        """At most `limit` messages after or before a seq; without either the newest. None: no such room.

        The nearest first; other events are skipped. The one with which they exceed `size` bytes is the last.
        """
        keys = RoomKeys(room)
        if after is not None:
            range_: Command = ("ZRANGEBYSCORE", keys.ids, f"({after}", "+inf")
        else:
            newest = "+inf" if before is None else f"({before}"
            range_ = ("ZREVRANGEBYSCORE", keys.ids, newest, "-inf")
        state, found = await ask(
            self._redis,
            keys.meta,
            running(script("position"), (keys.meta, keys.log, keys.members), ("", 0)),
            (*range_, "WITHSCORES", "LIMIT", 0, limit),
        )
        if state is None:
            return None
        seqs = [int(score) for _, score in found]
        return Stretch(state[0].decode(), await self._at(keys, seqs, size))

    async def messages(self, room: str, after: int, limit: int, size: int) -> list[Record]:
        """The messages of a `page` after a seq, oldest first."""
        page = await self.page(room, after=after, limit=limit, size=size)
        return page.nearest if page else []

    async def messages_back(self, room: str, before: int | None, limit: int, size: int) -> list[Record]:
        """As `messages`, but the last ones before a seq (None: the newest); oldest first all the same."""
        page = await self.page(room, before=before, limit=limit, size=size)
        return page.nearest[::-1] if page else []

    async def find(self, room: str, message_id: str) -> Record | None:
        """The message of an id as it is now, deleted or not, while it is retained."""
        keys = RoomKeys(room)
        (seq,) = await ask(self._redis, keys.ids, ("ZSCORE", keys.ids, message_id))
        found = await self._at(keys, [int(seq)], 0) if seq is not None else []
        return found[0] if found else None

    async def _at(self, keys: RoomKeys, seqs: Sequence[int], size: int) -> list[Record]:
        """The messages at some seqs, in that order, without those that were trimmed meanwhile."""
        records: list[Record] = []
        for begin in range(0, len(seqs), CHUNK):
            chunk = seqs[begin : begin + CHUNK]
            *found, said = await ask(
                self._redis,
                keys.log,
                *(("XRANGE", keys.log, first, last) for first, last in _stretches(chunk)),
                ("HMGET", keys.messages, *chunk),
            )
            what = dict(zip(chunk, said, strict=True))
            there = {}
            for entry_id, parts in chain.from_iterable(found):
                seq, generation = _place(entry_id)
                if seq not in what:
                    continue
                _, entry, _, digest, *_ = parts  # Named `e` and `d`: the first of every entry.
                if (envelope := _as_now(entry, digest, what[seq], is_edit=False)) is not None:
                    there[seq] = Record(seq, generation, envelope)
            for record in filter(None, map(there.get, chunk)):
                records.append(record)
                size -= len(record.envelope)
                if size < 0:
                    return records
        return records

    async def _with_edited(
        self, keys: RoomKeys, entries: Sequence[tuple[int, str, _Fields]], said: dict[int, bytes | None]
    ) -> dict[int, bytes | None]:
        """What was said, also in messages that are edited here and stand elsewhere."""
        missing = {_said_at(seq, fields) for seq, _, fields in entries} - said.keys()
        if missing:
            more: Any = await self._redis.hmget(keys.messages, [str(seq) for seq in missing])
            said |= dict(zip(missing, more, strict=True))
        return said


def put_together(entry: bytes, said: bytes | None, *, is_edit: bool) -> bytes:
    """The envelope of an event: its entry in the log, and what a message says, where it has something to say.

    No JSON is read or written: what clients sent stays as they sent it.
    """
    if not said:
        return entry + b"}}"
    _, text, rest, more, reactions, _ = said.split(b"\n")
    if is_edit:
        rest = reactions = b""
    begin, data, fields = entry.partition(_DATA)
    by, place, placed = fields.partition(_PLACE)
    return b"".join((begin, data, text, by, rest, place, placed, more, reactions, b"}}"))


def _stretches(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of what is to be read of the log for messages at some seqs.

    All at once where they are most of what is there: an answer each costs twice as much as the others.
    """
    first, last = min(seqs), max(seqs)
    if last - first < 2 * len(seqs):
        return [(first, last)]
    return [(seq, seq) for seq in seqs]


def _as_now(entry: bytes, digest: bytes, said: bytes | None, *, is_edit: bool) -> bytes | None:
    """An event as it is now; None for one that was trimmed while it was read."""
    if entry.endswith(b"}}"):  # As the first version wrote it: whole.
        return entry
    if said is None and (is_edit or digest):
        return None
    return put_together(entry, said, is_edit=is_edit)


def _said_at(seq: int, fields: _Fields) -> int:
    """Where in `{room}:messages` stands what an event says: an edit's at its message."""
    return int(fields.get(b"m", seq))


def _place(entry_id: bytes) -> tuple[int, str]:
    """Seq and generation."""
    seq, _, generation = entry_id.decode().partition("-")
    return int(seq), generation
