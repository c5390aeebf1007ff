"""Who belongs to a room, as its assistants are told."""

from collections.abc import Mapping

from assistants.beside import side_by_side
from assistants.messages import Member
from assistants.services import Services
from productflo.store.profiles import Profile


async def members_of(services: Services, room: str) -> dict[str, Member]:
    """The members by id, assistants as they present themselves. Raises what redis-py raises."""
    members, profiles = await side_by_side(services.rooms.members(room), services.profiles.all())
    presence = await services.presence.of([one.user_id for one in members], room)
    presented = {one.id: one for one in profiles}
    return {
        one.user_id: Member(
            one.user_id,
            one.name,
            one.kind.value,
            presence[one.user_id].value,
            *_presented(presented.get(one.user_id)),
        )
        for one in members
    }


def _presented(profile: Profile | None) -> tuple[str, Mapping[str, str]]:
    return (profile.description, profile.commands) if profile else ("", {})
