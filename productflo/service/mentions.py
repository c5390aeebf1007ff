"""Whom a message of a room mentions."""

from dataclasses import dataclass

from productflo.domain.mentions import candidates, mentioned
from productflo.store.rooms import Rooms
from productflo.store.teams import Teams


@dataclass(frozen=True, slots=True)
class Mentions:
    """Looks names up among those who can be mentioned. Raises redis-py's errors."""

    rooms: Rooms
    teams: Teams

    async def find(self, room: str, text: str) -> list[str] | None:
        """Members, assistants and teams that the text mentions; None for none."""
        if not candidates(text):
            return None
        teams = await self.teams.all()
        return mentioned(text, [*teams, *await self.rooms.member_ids(room)]) or None
