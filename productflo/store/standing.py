"""Where a member stands in their rooms."""

from dataclasses import dataclass

from productflo.protocol.codes import Stoppers
from productflo.store.client import Client
from productflo.store.keys import RoomKeys
from productflo.store.reply import Reply, text
from productflo.store.rooms import Room


@dataclass(frozen=True, slots=True)
class Standing:
    """A room as a member's list of rooms shows it."""

    room: Room
    last_seq: int
    read_seq: int
    unread: int
    member_count: int
    is_member: bool
    stoppers: Stoppers


async def standing(redis: Client, room_ids: list[str], user_id: str) -> list[Standing]:
    """The rooms as a user's list shows them, in the order given; those that are gone are left out."""
    pipeline = redis.pipeline(transaction=False)
    for room_id in room_ids:
        keys = RoomKeys(room_id)
        pipeline.hmget(keys.meta, ["kind", "creator", "team", "product", "seq", "stoppers"])
        pipeline.hmget(keys.reads, [user_id, f"{user_id}|seen"])
        pipeline.hlen(keys.members)
        pipeline.hexists(keys.members, user_id)
    found = await pipeline.execute() if room_ids else []
    counts = redis.pipeline(transaction=False)
    for at, room_id in enumerate(room_ids):
        after = max(int(mark or 0) for mark in found[4 * at + 1])
        for index in (RoomKeys(room_id).ids, RoomKeys(room_id).deleted):
            counts.zcount(index, f"({after}", "+inf")
    counted = await counts.execute() if room_ids else []
    standings = []
    for at, room_id in enumerate(room_ids):
        meta, marks, members, is_member = found[4 * at : 4 * at + 4]
        if room := Room.of(room_id, meta[:4]):
            unread = counted[2 * at] - counted[2 * at + 1]
            seq, read, stoppers = int(meta[4] or 0), int(marks[0] or 0), _stoppers(meta[5])
            standings.append(Standing(room, seq, read, unread, members, bool(is_member), stoppers))
    return standings


def _stoppers(found: Reply | None) -> Stoppers:
    return Stoppers(text(found)) if found else Stoppers.MEMBERS
