"""Approvals: an assistant asks for an action, a person decides, and the room sees both."""

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass

from productflo.domain.identity import Identity
from productflo.errors import ProductFloError, StoreAway
from productflo.protocol.activity import Approval, Notification, NotificationData
from productflo.protocol.codec import encode
from productflo.protocol.ids import random_id
from productflo.service.clock import Clock, stamp
from productflo.store.approvals import Action, ApprovalStore, Asked, Decision
from productflo.store.bus import Bus
from productflo.store.events import Live

log = logging.getLogger(__name__)

LOOK = 0.2
"""Seconds between looks for a decision: found within 250 ms, and a lost event of the bus costs nothing."""
GIVE_UP = 1.0
"""Seconds for the last word about an asking that is ended from outside."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """Asking and deciding. The caller of `decide` and `open` has checked that the room may be seen."""

    store: ApprovalStore
    bus: Bus
    clock: Clock

    async def ask(self, action: Action, seconds: float) -> tuple[Decision, str | None]:
        """Ask the room's people, and wait; the decision, and who made it. An approval is used up by this.

        Raises `Conflict` where too much is asked in the room, and `StoreAway` where asking it failed. While
        the store is away later, the wait goes on. Cancelling ends the asking: nobody can approve it then.
        """
        asked = await self.store.ask(random_id("apr"), action, seconds)
        waiter = secrets.token_hex(8)
        settled: tuple[Decision, str | None] | None = None
        try:
            await self._tell(asked)
            while settled is None:
                await asyncio.sleep(LOOK)
                with suppress(StoreAway):  # Noted where it arose.
                    settled = await self.store.settle(asked, waiter)
        finally:
            if settled is None:
                await self._give_up(asked, waiter)
        if settled[0] is Decision.EXPIRED:
            await self._tell(asked, Decision.EXPIRED)
        return settled

    async def decide(self, identity: Identity, room: str, approval_id: str, *, approve: bool) -> Approval:
        """Approve or deny, once. Raises `NotFound`, `PermissionDenied` and `Conflict`."""
        decision = Decision.APPROVED if approve else Decision.DENIED
        asked = await self.store.decide(
            room, approval_id, decision, identity.user_id, operator=identity.operator
        )
        await self._tell(asked, decision, identity.user_id)
        return shown(asked, decision, identity.user_id)

    async def open(self, room: str) -> list[Asked]:
        """What can be decided now, the oldest first."""
        return await self.store.open(room)

    async def _give_up(self, asked: Asked, waiter: str) -> None:
        try:
            async with asyncio.timeout(GIVE_UP):
                await self.store.settle(asked, waiter, give_up=True)
                await self._tell(asked, Decision.EXPIRED)
        except (ProductFloError, TimeoutError) as error:
            log.info("An asking in %s ends by itself: %s", asked.action.room, error)

    async def _tell(self, asked: Asked, decision: Decision | None = None, by: str | None = None) -> None:
        """Tell the room; who misses it finds what is open over HTTP."""
        action = asked.action
        words = {
            None: f"May I? {action.action}",
            Decision.APPROVED: f"{by} has approved: {action.action}",
            Decision.DENIED: f"{by} has denied: {action.action}",
            Decision.EXPIRED: f"Nobody has approved: {action.action}",
        }
        notification = Notification(
            user_id=action.assistant,
            room_id=action.room,
            timestamp=stamp(self.clock),
            data=NotificationData(
                code="APPROVAL_DECIDED" if decision else "APPROVAL_ASKED",
                message=words[decision],
                sender=action.assistant,
                message_id=action.message_id,
                run_id=action.run_id,
                reply_to=action.reply_to,
                approval=shown(asked, decision, by),
            ),
        )
        try:
            await self.bus.publish(action.room, Live(encode(notification)))
        except ProductFloError as error:
            log.debug("%s: an approval was not told: %s", action.room, error)


def shown(asked: Asked, decision: Decision | None = None, by: str | None = None) -> Approval:
    """An asking as people see it."""
    return Approval(
        approval_id=asked.id,
        action=asked.action.action,
        arguments=asked.action.arguments,
        asker=asked.action.asker,
        expires_at=asked.expires_at,
        decision=(decision or asked.decision),
        decided_by=by or asked.decided_by,
    )
