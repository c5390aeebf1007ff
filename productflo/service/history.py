"""A room's past, page by page."""

from dataclasses import dataclass
from itertools import accumulate

from productflo.domain.identity import Identity
from productflo.errors import NotFound, ValidationFailed
from productflo.protocol.answers import HistoricResponseData, as_message
from productflo.protocol.inbound import HistoricData
from productflo.service.membership import Membership
from productflo.store.entries import Record
from productflo.store.log import Log

PAGE_BYTES = 524_288
"""Of a page's encoded messages: half of what may wait for a slow reader, so that a page makes nobody one."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page without its messages, and those: encoded, one behind the other (`answers.with_messages`)."""

    head: HistoricResponseData
    messages: bytes


@dataclass(frozen=True, slots=True)
class History:
    """Pages of messages, for members only."""

    log: Log
    membership: Membership

    async def page(self, identity: Identity, room_id: str, asked: HistoricData) -> Page:
        """At most `asked.limit` messages, and `PAGE_BYTES`, before or after a seq; without either the newest.

        Raises `PermissionDenied`, `NotFound`, and `ValidationFailed` for another conversation or product.
        """
        room = await self.membership.require(identity, room_id)
        if asked.conversation_id is not None and asked.conversation_id != room_id:
            raise ValidationFailed("conversation_id must equal room_id.", field="data.conversation_id")
        if room.product is not None and asked.product_id not in (None, room.product):
            raise ValidationFailed(f"This room is about {room.product}.", field="data.product_id")
        # One more than is shown, which tells whether there are more.
        found = await self.log.page(
            room_id, after=asked.after, before=asked.before, limit=asked.limit + 1, size=PAGE_BYTES
        )
        if found is None:
            raise NotFound(f"There is no room {room_id}.", field="room_id")
        shown = _fitting(found.nearest, asked.limit)
        has_more = len(found.nearest) > len(shown)
        if asked.after is None:
            shown.reverse()
        head = HistoricResponseData(
            messages=[],
            has_more=has_more,
            first_seq=shown[0].seq if shown else None,
            last_seq=shown[-1].seq if shown else None,
            generation=found.generation,
        )
        return Page(head, b",".join([as_message(record.envelope) for record in shown]))


def _fitting(nearest: list[Record], limit: int) -> list[Record]:
    """As many as fit on the page; always one."""
    sizes = accumulate(len(record.envelope) for record in nearest)
    fitting = sum(size <= PAGE_BYTES for size in sizes)
    return nearest[: max(1, min(fitting, limit))]
