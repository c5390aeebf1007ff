"""A room's past, page by page."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import orjson

from productflo.domain.identity import Identity
from productflo.errors import NotFound, ValidationFailed
from productflo.protocol.answers import HistoricResponseData
from productflo.protocol.inbound import HistoricData
from productflo.service.membership import Membership
from productflo.store.entries import Record
from productflo.store.log import Log
from productflo.store.rooms import Rooms

PAGE_BYTES = 524_288
"""Of a page's encoded messages: half of what may wait for a slow reader, so that a page makes nobody one."""


@dataclass(frozen=True, slots=True)
class History:
    """Pages of messages, for members only."""

    log: Log
    rooms: Rooms
    membership: Membership

    async def page(self, identity: Identity, room_id: str, asked: HistoricData) -> HistoricResponseData:
        """At most `asked.limit` messages, and `PAGE_BYTES`, before or after a seq; without either the newest.

        Raises `PermissionDenied`, `NotFound`, and `ValidationFailed` for another conversation or product.
        """
        room = await self.membership.require(identity, room_id)
        if asked.conversation_id is not None and asked.conversation_id != room_id:
            raise ValidationFailed("conversation_id must equal room_id.", field="data.conversation_id")
        if room.product is not None and asked.product_id not in (None, room.product):
            raise ValidationFailed(f"This room is about {room.product}.", field="data.product_id")
        position = await self.rooms.position(room_id)
        if position is None:
            raise NotFound(f"There is no room {room_id}.", field="room_id")
        records = await self._records(room_id, asked)
        shown = _nearest(records, asked)
        return HistoricResponseData(
            messages=[_message(record) for record in shown],
            has_more=len(records) > len(shown),
            first_seq=shown[0].seq if shown else None,
            last_seq=shown[-1].seq if shown else None,
            generation=position.generation,
        )

    async def _records(self, room_id: str, asked: HistoricData) -> list[Record]:
        """One more than is shown, which tells whether there are more."""
        if asked.after is not None:
            return await self.log.messages(room_id, asked.after, asked.limit + 1, PAGE_BYTES)
        return await self.log.messages_back(room_id, asked.before, asked.limit + 1, PAGE_BYTES)


def _nearest(records: list[Record], asked: HistoricData) -> list[Record]:
    """As many as fit on the page, from the asker's end on; always one."""
    ordered = records if asked.after is not None else records[::-1]
    sizes = accumulate(len(record.envelope) for record in ordered)
    fitting = sum(size <= PAGE_BYTES for size in sizes)
    shown = ordered[: max(1, min(fitting, asked.limit))]
    return shown if asked.after is not None else shown[::-1]


def _message(record: Record) -> dict[str, Any]:
    envelope = orjson.loads(record.envelope)
    return {**envelope["data"], "code": envelope["code"], "timestamp": envelope["timestamp"]}
