"""Actions that assistants ask approval for, in the rooms in which they ask.

All is judged by the store's clock and in one script each: whether a decision is in time, who may decide,
and that an approval is used once, by the asking that it was given to.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from redis.exceptions import RedisError

from productflo.errors import Conflict, NotFound, PermissionDenied
from productflo.protocol.timestamps import format_time
from productflo.store.client import Client
from productflo.store.exchange import Argument
from productflo.store.keys import RoomKeys
from productflo.store.refusals import told
from productflo.store.reply import text
from productflo.store.scripts import script

ALIVE = 5.0
"""Seconds after which an asking counts as dead whose worker has not looked: nobody may approve it then."""
MOST_OPEN = 50
"""Askings open in a room at the same time."""
KEPT = 3600.0
"""Seconds that an ended asking is kept, so that whoever decides late is told why that does not count."""


class Decision(StrEnum):
    """What came of an asking."""

    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Action:
    """What is asked for: `action` in a sentence, `arguments` as JSON, on behalf of `asker`.

    `message_id` and `run_id` are those of the answer in which it is asked, `reply_to` the question's.
    """

    room: str
    assistant: str
    asker: str
    action: str
    arguments: str
    message_id: str
    run_id: str
    reply_to: str

    @property
    def digest(self) -> str:
        """What an approval is bound to."""
        return hashlib.sha256(orjson.dumps([self.asker, self.action, self.arguments])).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """An action that was asked for under an id; `expires_at` is UTC."""

    id: str
    action: Action
    expires_at: str
    decision: Decision | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalStore:
    """The askings of all rooms. Methods raise `StoreAway`."""

    redis: Client

    async def ask(self, approval_id: str, action: Action, seconds: float) -> Asked:
        """Begin to ask. Raises `Conflict` where too much is asked in the room."""
        kept = {name: getattr(action, name) for name in _FIELDS}
        found = await self._call(
            "approval_ask",
            [RoomKeys(action.room).approvals],
            [
                approval_id,
                orjson.dumps({**kept, "digest": action.digest}),
                _ms(seconds),
                _ms(ALIVE),
                MOST_OPEN,
                _ms(KEPT),
            ],
        )
        if found == b"FULL":
            raise Conflict(f"{MOST_OPEN} approvals are open in {action.room}: decide on those first.")
        return Asked(approval_id, action, _time(found[0]))

    async def settle(
        self, asked: Asked, waiter: str, *, give_up: bool = False
    ) -> tuple[Decision, str | None] | None:
        """The decision and who made it; None while there is none. An approval is used up by this.

        Called again and again by the one that waits, which keeps the asking alive. `give_up` ends it.
        """
        keys = RoomKeys(asked.action.room)
        state, by = await self._call(
            "approval_settle",
            [keys.approvals, keys.members],
            [asked.id, asked.action.digest, _ms(ALIVE), "1" if give_up else "0", waiter],
        )
        return None if state == b"open" else (Decision(text(state)), text(by) or None)

    async def decide(
        self, room: str, approval_id: str, decision: Decision, by: str, *, operator: bool
    ) -> Asked:
        """Decide, once; the same decision of the same person again is the same.

        Raises `NotFound`, `PermissionDenied`, and `Conflict` where it was decided or its time is over.
        """
        keys = RoomKeys(room)
        found = await self._call(
            "approval_decide",
            [keys.approvals, keys.members, keys.assistants, keys.meta],
            [approval_id, by, "1" if operator else "0", decision],
        )
        if found == b"not_found":
            raise NotFound(f"Nothing is asked in {room} under {approval_id}.", field="approval_id")
        if found == b"forbidden":
            raise PermissionDenied("Only who asked, the room's creator and operators may decide on this.")
        became, who, approval = found
        if Decision(text(became)) is Decision.EXPIRED:
            raise Conflict("The time for this decision is over.")
        if (text(became), text(who)) != (decision, by):
            raise Conflict(f"{text(who)} has {text(became)} this already.")
        return _asked(room, approval_id, approval)

    async def open(self, room: str) -> list[Asked]:
        """What can be decided now, the oldest first."""
        found = await self._call("approval_open", [RoomKeys(room).approvals], [])
        asked = [_asked(room, text(one), two) for one, two in zip(found[::2], found[1::2], strict=True)]
        return sorted(asked, key=lambda one: (one.expires_at, one.id))

    async def _call(self, name: str, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        try:
            return await script(name)(self.redis, keys, args)
        except RedisError as error:
            raise told(error) from error


_FIELDS = ("assistant", "asker", "action", "arguments", "message_id", "run_id", "reply_to")


def _asked(room: str, approval_id: str, approval: bytes | str) -> Asked:
    known = orjson.loads(approval)
    decision = known.get("decision")
    return Asked(
        approval_id,
        Action(room=room, **{name: known[name] for name in _FIELDS}),
        _time(known["ends"]),
        Decision(decision) if decision else None,
        known.get("by"),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _time(ms: float) -> str:
    return format_time(datetime.fromtimestamp(ms / 1000, UTC))
