"""One message to several rooms, by a service."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from productflo.domain.identity import Identity
from productflo.errors import NotFound, ProductFloError
from productflo.protocol.inbound import ChatData
from productflo.service.chat import Chat
from productflo.service.membership import Membership
from productflo.store.refusals import told
from productflo.store.rooms import Rooms


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Says a message in rooms; the speaker becomes a member of each, so that people see who speaks."""

    chat: Chat
    membership: Membership
    rooms: Rooms

    async def send(
        self, speaker: Identity, said: ChatData, rooms: Sequence[str]
    ) -> dict[str, int | ProductFloError]:
        """The seq of the message in each room, or why it is not there.

        `said.message_id` makes it safe to repeat: a room that has the message keeps the one.
        """
        return {room: await self._say(speaker, room, said) for room in dict.fromkeys(rooms)}

    async def _say(self, speaker: Identity, room: str, said: ChatData) -> int | ProductFloError:
        try:
            if await self.rooms.find(room) is None:
                return NotFound(f"There is no room {room}.", field="rooms")
            if not await self.rooms.is_member(room, speaker.user_id):  # Else their name would be lost.
                await self.membership.join(speaker, room)
            return (await self.chat.commit(await self.chat.prepare(speaker, room, said))).seq
        except ProductFloError as error:
            return error
        except RedisError as error:
            return told(error)
