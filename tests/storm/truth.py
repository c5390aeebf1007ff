"""What the store has of a room, read from its keys and not through the server that is on trial."""

from collections.abc import Iterator
from typing import Any

import orjson
from storm.findings import Finding, Kind
from storm.journal import Heard, operation_of

from productflo.store.client import Client
from productflo.store.keys import RoomKeys

PAGE = 1000


async def read_log(redis: Client, room: str) -> list[Heard]:
    """The whole log, oldest first; the seq is the one that readers are told, in the envelope.

    An envelope stands there without its end: what a message says is kept beside the log.
    """
    log: list[Heard] = []
    start = "-"
    while page := await _page(redis, room, start):
        for _, fields in page:
            envelope = orjson.loads(fields[b"e"] + b"}}")
            log.append(Heard(envelope["data"]["seq"], operation_of(envelope)))
        start = f"({page[-1][0].decode()}"
    return log


async def _page(redis: Client, room: str, start: str) -> Any:
    return await redis.xrange(RoomKeys(room).log, start, "+", count=PAGE)


async def read_last_seq(redis: Client, room: str) -> int:
    """The seq of the log's newest event; 0 for none."""
    newest: Any = await redis.xrevrange(RoomKeys(room).log, count=1)
    return int(newest[0][0].partition(b"-")[0]) if newest else 0


async def indexes_agree(redis: Client, room: str, log: list[Heard]) -> list[Finding]:
    """What is wrong between a room's log and what stands beside it: the position, and the index of ids."""
    told: Any = await redis.hget(RoomKeys(room).meta, "seq")
    return list(_disagreements(told, await _ids(redis, room), log))


async def _ids(redis: Client, room: str) -> dict[str, int]:
    ids: Any = await redis.zrange(RoomKeys(room).ids, 0, -1, withscores=True)
    return {one.decode(): int(seq) for one, seq in ids}


def _disagreements(told: bytes | None, ids: dict[str, int], log: list[Heard]) -> Iterator[Finding]:
    last = log[-1].seq if log else 0
    if int(told or 0) != last:
        yield Finding(Kind.UNTRUE, f"the room's position is {told!r}, its log ends with {last}")
    for event in log:
        if " " not in event.operation and ids.get(event.operation) != event.seq:
            yield Finding(
                Kind.UNTRUE,
                f"{event.operation} stands as {event.seq}, and in the index as {ids.get(event.operation)}",
            )
