"""Teams over HTTP. Members of a team, and services, may change it.

Services make them; on an open server anybody may. Elsewhere who made one of a name that only tokens used
would be let into its rooms.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field
from quart import Blueprint, request

from productflo.domain.identity import Identity
from productflo.errors import NotFound, PermissionDenied, ValidationFailed
from productflo.protocol.ids import Id
from productflo.store.teams import Teams
from productflo.web.guard import Guard
from productflo.web.json_body import read_body


class TeamMembers(BaseModel):
    """`PUT /api/teams/{team}`: the team's members from now on."""

    members: Annotated[list[Id], Field(max_length=10_000)] = Field(default_factory=list)


class _TeamId(BaseModel):
    team: Id


def teams_blueprint(teams: Teams, guard: Guard) -> Blueprint:
    """`/api/teams` and what is below it."""
    blueprint = Blueprint("teams", __name__)

    @blueprint.get("/api/teams")
    async def all_teams() -> dict[str, Any]:
        guard.require(request)
        return {"teams": await teams.all()}

    @blueprint.get("/api/teams/<team>")
    async def one(team: str) -> dict[str, Any]:
        guard.require(request)
        if not await teams.exists(team):
            raise NotFound(f"There is no team {team}.", field="team")
        return {"team": team, "members": await teams.members(team)}

    @blueprint.put("/api/teams/<team>")
    async def put(team: str) -> dict[str, Any]:
        identity = guard.require(request)
        team = _checked(team)
        asked = await read_body(request, TeamMembers)
        for member in asked.members:
            guard.check_person(member)
        exists = await _changeable(teams, identity, team)
        if not exists and not (identity.operator or guard.is_open):
            raise PermissionDenied("Teams are made by services, with the service key.", field="team")
        wanted = set(asked.members) if exists or identity.operator else {*asked.members, identity.user_id}
        await teams.add(team, sorted(wanted))
        await teams.remove(team, [user for user in await teams.members(team) if user not in wanted])
        return {"team": team, "members": await teams.members(team)}

    @blueprint.delete("/api/teams/<team>")
    async def delete(team: str) -> tuple[str, int]:
        await _existing(teams, guard.require(request), team)
        await teams.delete(team)
        return "", 204

    @blueprint.put("/api/teams/<team>/members/<user_id>")
    async def add(team: str, user_id: str) -> tuple[str, int]:
        await _existing(teams, guard.require(request), team)
        guard.check_person(user_id)
        await teams.add(team, [user_id])
        return "", 204

    @blueprint.delete("/api/teams/<team>/members/<user_id>")
    async def remove(team: str, user_id: str) -> tuple[str, int]:
        await _existing(teams, guard.require(request), team)
        await teams.remove(team, [user_id])
        return "", 204

    return blueprint


async def _changeable(teams: Teams, identity: Identity, team: str) -> bool:
    """Whether the team exists; raises `PermissionDenied` if it does and the caller is not in it."""
    exists = await teams.exists(team)
    if exists and not identity.operator and not await teams.has(team, identity.user_id):
        raise PermissionDenied(f"Only members of {team} and services may change it.", field="team")
    return exists


async def _existing(teams: Teams, identity: Identity, team: str) -> None:
    if not await _changeable(teams, identity, team):
        raise NotFound(f"There is no team {team}.", field="team")


def _checked(team: str) -> str:
    try:
        return _TeamId(team=team).team
    except ValueError as error:
        raise ValidationFailed("A team id has 1 to 128 of A-Z a-z 0-9 _ . : @ -", field="team") from error
