"""Teams: named sets of users."""

from dataclasses import dataclass

from productflo.store.client import Client
from productflo.store.keys import TEAMS, team, user_teams
from productflo.store.reply import text


@dataclass(frozen=True, slots=True)
class Teams:
    """The teams kept here; tokens may claim others. Methods raise what redis-py raises."""

    redis: Client

    async def all(self) -> list[str]:
        """The ids of all teams, by name."""
        return sorted(text(name) for name in await self.redis.smembers(TEAMS))

    async def exists(self, team_id: str) -> bool:
        """Whether the team is kept here."""
        return bool(await self.redis.sismember(TEAMS, team_id))

    async def members(self, team_id: str) -> list[str]:
        """The users of a team, by name; nobody where there is no such team."""
        return sorted(text(name) for name in await self.redis.smembers(team(team_id)))

    async def has(self, team_id: str, user_id: str) -> bool:
        """Whether a user is in the team."""
        return bool(await self.redis.sismember(team(team_id), user_id))

    async def of(self, user_id: str) -> frozenset[str]:
        """The teams of a user."""
        return frozenset(text(name) for name in await self.redis.smembers(user_teams(user_id)))

    async def add(self, team_id: str, user_ids: list[str]) -> None:
        """Make the team if it is new, and users its members."""
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.sadd(TEAMS, team_id)
        for user_id in user_ids:
            pipeline.sadd(team(team_id), user_id)
            pipeline.sadd(user_teams(user_id), team_id)
        await pipeline.execute()

    async def remove(self, team_id: str, user_ids: list[str]) -> None:
        """Take users out of the team."""
        pipeline = self.redis.pipeline(transaction=False)
        for user_id in user_ids:
            pipeline.srem(team(team_id), user_id)
            pipeline.srem(user_teams(user_id), team_id)
        await pipeline.execute()

    async def delete(self, team_id: str) -> None:
        """End the team."""
        await self.remove(team_id, await self.members(team_id))
        await self.redis.srem(TEAMS, team_id)
