"""What is done to messages that were said: edits, deletions, reactions, ratings of answers."""

from collections.abc import Callable
from dataclasses import dataclass

from productflo import metrics
from productflo.domain.identity import Identity
from productflo.errors import NotFound, PermissionDenied, ProductFloError, ValidationFailed
from productflo.protocol import inbound
from productflo.protocol.answers import FeedbackData
from productflo.protocol.codec import encode, in_parts
from productflo.protocol.ids import random_id
from productflo.protocol.messages import Deleted, DeletedData, Edited, EditedData, Reacted, ReactedData
from productflo.service.clock import Clock, stamp
from productflo.service.mentions import Mentions
from productflo.store.entries import Appended, Deed, Revision
from productflo.store.feedback import FeedbackStore, Given
from productflo.store.log import Log
from productflo.store.rooms import Rooms

OPERATOR = "operator"
"""The rank, for append.lua, of one who may delete any message; a room's creator is known there."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """Durable events about messages, on their way into a room's log. The script checks the rights."""

    log: Log
    rooms: Rooms
    mentions: Mentions
    feedback: FeedbackStore
    clock: Clock

    async def prepare(
        self, identity: Identity, said: inbound.Edit | inbound.Delete | inbound.Reaction
    ) -> Revision:
        """What was asked for, as the log takes it; with a name, since the store may be asked twice."""
        operation = said.request_id or random_id("op")
        head = {
            "user_id": identity.user_id,
            "room_id": said.room_id,
            "timestamp": said.timestamp or stamp(self.clock),
        }
        about = {"message_id": said.data.message_id, "sender": identity.user_id}
        details: tuple[str, ...] = ()
        assistants: tuple[str, ...] = ()
        envelope: Edited | Deleted | Reacted
        match said:
            case inbound.Edit():
                deed, text = Deed.EDIT, said.data.message
                mentions = await self.mentions.find(said.room_id, text)
                edited = EditedData(**about, message=text, mentions=mentions)
                envelope = Edited(**head, data=edited)
            case inbound.Delete():
                deed, details = Deed.DELETE, (OPERATOR,) if identity.operator else ("",)
                assistants = tuple(await self.rooms.assistants(said.room_id))
                envelope = Deleted(**head, data=DeletedData(**about))
            case inbound.Reaction():
                deed, details = Deed.REACTION, (said.data.action, said.data.emoji)
                envelope = Reacted(**head, data=_reacted(said))
        return Revision(
            said.room_id,
            identity.user_id,
            operation,
            deed,
            said.data.message_id,
            in_parts(envelope),
            details,
            assistants,
        )

    def hand_in(self, revision: Revision, answered: Callable[[Appended | ProductFloError], None]) -> None:
        """Append what was prepared, in the order of these calls. Raises what `Log.hand_in` raises."""
        self.log.hand_in(revision, answered)

    def unchanged(self, said: inbound.Reaction, message_seq: int) -> bytes:
        """The answer, to its sender alone, to a reaction that was there already, or gone."""
        return encode(
            Reacted(
                user_id=said.user_id,
                room_id=said.room_id,
                timestamp=stamp(self.clock),
                request_id=said.request_id,
                data=_reacted(said, message_seq),
            )
        )

    async def rate(self, identity: Identity, said: inbound.Feedback) -> FeedbackData:
        """Keep what a member thinks of an answer, for operators; said again it counts once.

        Raises `PermissionDenied`, `NotFound`, and `ValidationFailed` for a message that is no assistant's.
        """
        data = said.data
        given = await self.feedback.give(
            said.room_id, identity.user_id, data.message_id, data.rating, data.comment
        )
        match given:
            case Given.FORBIDDEN:
                raise PermissionDenied("You are not a member of this room. Join it first.", field="room_id")
            case Given.NOT_FOUND:
                raise NotFound(f"The room has no message {data.message_id}.", field="data.message_id")
            case Given.NO_ANSWER:
                raise ValidationFailed("Only what an assistant said can be rated.", field="data.message_id")
            case Given.NEW:
                metrics.FEEDBACK.labels(data.rating).inc()
        return FeedbackData(
            message_id=data.message_id, sender=identity.user_id, rating=data.rating, comment=data.comment
        )


def _reacted(said: inbound.Reaction, message_seq: int | None = None) -> ReactedData:
    return ReactedData(
        message_id=said.data.message_id,
        sender=said.user_id,
        emoji=said.data.emoji,
        action=said.data.action,
        message_seq=message_seq,
    )
