"""What members say of themselves at the moment: their presence, and that they are typing."""

from dataclasses import dataclass
from typing import Literal

from productflo.domain.passing import Passing
from productflo.errors import StoreAway
from productflo.protocol.activity import PresenceData, PresenceNotice, TypingData, TypingNotice
from productflo.protocol.codec import encode
from productflo.protocol.codes import Presence
from productflo.service.clock import Clock, stamp
from productflo.store.bus import Bus
from productflo.store.events import Live, Typed
from productflo.store.presence import PresenceStore, Said

RETRY_AFTER = 1.0
"""Seconds in which a beat tells a store that has just come back who is here."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Words that pass; nothing of it is in a room's log. The caller has checked the membership."""

    presence: PresenceStore
    bus: Bus
    clock: Clock

    async def say(self, user: str, presence: Presence, room: str | None) -> bytes | None:
        """A user's word, for everywhere or for one room until their next word for everywhere.

        Returns the notice for the caller alone where the word changes nothing; else all who share a room
        hear it. Raises `StoreAway` where the store does not know yet that the user is here.
        """
        if room is None:
            said = await self.presence.say(user, presence)
        else:
            said = await self.presence.say_in(room, user, presence)
        if said is Said.NOT_HERE:
            raise StoreAway("The store has just come back. Say it again shortly.", retry_after=RETRY_AFTER)
        notice = presence_notice(user, presence, stamp(self.clock), room)
        if said is Said.SAME:
            return notice
        if room is not None:
            await self.bus.publish(room, Live(notice, passing=Passing.PRESENCE))
        return None

    async def type(
        self, room: str, user: str, *, started: bool, message_id: str | None = None, run_id: str | None = None
    ) -> None:
        """Tell the others that a user types, or stopped; an assistant also says what it is writing.

        It ends by itself after `domain.typing.LEASE` unless it is said again.
        """
        now = stamp(self.clock)
        await self.bus.publish(
            room,
            Typed(
                user,
                started,
                typing_notice(room, user, "started" if started else "stopped", now, message_id, run_id),
                typing_notice(room, user, "stopped", now, message_id, run_id),
            ),
        )


def presence_notice(user: str, presence: Presence, timestamp: str, room: str | None = None) -> bytes:
    """The envelope that tells a change of presence."""
    return encode(
        PresenceNotice(
            user_id=user,
            room_id=room,
            timestamp=timestamp,
            data=PresenceData(status=presence, sender=user),
        )
    )


def typing_notice(
    room: str,
    user: str,
    status: Literal["started", "stopped"],
    timestamp: str,
    message_id: str | None = None,
    run_id: str | None = None,
) -> bytes:
    """The envelope that tells that somebody types."""
    return encode(
        TypingNotice(
            user_id=user,
            room_id=room,
            timestamp=timestamp,
            data=TypingData(status=status, sender=user, message_id=message_id, run_id=run_id),
        )
    )
