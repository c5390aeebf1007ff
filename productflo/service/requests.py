"""Typed requests and commands: whom a message is for that names a code or begins with `/name`.

Which assistant owns what stands in the profiles that workers register; only an assistant of the room counts.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import ValidationError

from productflo.domain.identity import Identity
from productflo.errors import ErrorCode, ProductFloError, RequestFailed, ValidationFailed
from productflo.protocol.codec import first_problem, unsupported
from productflo.protocol.inbound import ChatData
from productflo.protocol.messages import RequestInfo
from productflo.protocol.requests import QUERY, REQUESTS, AnyRequest, Request
from productflo.service.chat import Chat, with_id
from productflo.service.membership import NOT_RUNNING, why_not
from productflo.store.entries import Entry
from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profile, Profiles
from productflo.store.rooms import Rooms

COMMAND = re.compile(r"\s*/(?P<name>[a-z][a-z0-9_-]{0,31})(?=\s|\Z)", re.IGNORECASE)
"""A command at the beginning of a message; a path such as `/usr/bin` is none."""
TOLD_BY_FIELDS = 1_000
"""Characters of a request without a query in the message that tells it."""

FAILURES = {
    "haitch_chat": ErrorCode.HAITCH_CHAT_ERROR,
    "idea": ErrorCode.IDEA_GENERATION_ERROR,
    "documentation": ErrorCode.DOCUMENTATION_ERROR,
    "engineering": ErrorCode.ENGINEERING_ERROR,
}
"""What a request that fails as a whole is told with; others with `PROCESSING_ERROR`."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests and commands on their way into a room's log. Methods raise redis-py's errors too."""

    chat: Chat
    rooms: Rooms
    profiles: Profiles
    presence: PresenceStore

    async def prepare(self, identity: Identity, said: Request) -> Entry:
        """A request as the log takes it: a message for the assistant that owns its code.

        Without a `message_id` it gets one. Raises `UnsupportedCode` where nobody registered the code,
        `RequestFailed` where nobody in the room answers it or can answer it now, `ValidationFailed` where
        its fields are not what the owner asks for, and what `Chat.prepare` raises.
        """
        fields = said.data.own
        owner = await self._owner(said)
        if isinstance(said, AnyRequest):
            check(owner.requests[said.code], fields)
        query = fields.pop(QUERY, None)
        text = query if isinstance(query, str) and query.strip() else told_by_fields(said.code, fields)
        request = RequestInfo.model_validate({**fields, "code": said.code, "assistant": owner.id})
        message = with_id(_message(identity, said, text))
        return await self.chat.prepare(identity, said.room_id, message, said.timestamp, request)

    def may_be_command(self, text: str) -> bool:
        """Whether a text begins as commands do: `command` tells whether this room knows it."""
        return COMMAND.match(text) is not None

    async def command(self, room: str, text: str) -> RequestInfo | None:
        """Whom a command is for; None for a message that is none, or none that this room knows."""
        found = COMMAND.match(text)
        if found is None:
            return None
        name = found["name"].lower()
        owners, _ = await self._find(room, lambda profile: profile.commands, name)
        owner = await self._first_at_work(owners) or next(iter(owners), None)
        return RequestInfo(code=f"/{name}", assistant=owner.id) if owner else None

    async def _owner(self, said: Request) -> Profile:
        owners, others = await self._find(said.room_id, lambda profile: profile.requests, said.code)
        if owners:
            return await self._first_at_work(owners) or await self._asked_before(said, owners[0])
        if not others and said.code not in REQUESTS:
            registered = [code for one in await self.profiles.all() for code in one.requests]
            raise unsupported(registered)
        hint = (
            f"Add one that does: {', '.join(others)} (PUT /api/rooms/{said.room_id}/assistants/{others[0]})."
            if others
            else "No worker here runs one that does: the operator names it in PRODUCTFLO_ASSISTANTS."
        )
        raise failed(said.code, f"No assistant of this room answers {said.code}. {hint}")

    async def _asked_before(self, said: Request, owner: Profile) -> Profile:
        """The owner that can not answer now, for a request that is in the log already and was sent again.

        That one waits for its owner, and whoever sent it must learn that it was taken. Raises
        `RequestFailed` for a new one, which would wait for nobody knows how long.
        """
        message_id = said.data.message_id
        if message_id is not None and await self.chat.log.find(said.room_id, message_id) is not None:
            return owner
        presence = await self.presence.of([owner.id])
        reason = why_not(owner, presence[owner.id]) or NOT_RUNNING  # It may have come back this moment.
        raise failed(
            said.code,
            f"The assistant {owner.id}, which answers {said.code}, can not answer now: {reason} "
            "Nothing was sent; send it again when it is at work. "
            "`productflo assistants check` tells the operator more.",
        )

    async def _first_at_work(self, owners: Sequence[Profile]) -> Profile | None:
        """The first that can answer now."""
        presence = await self.presence.of([one.id for one in owners])
        return next((one for one in owners if why_not(one, presence[one.id]) is None), None)

    async def _find(
        self, room: str, owned: Callable[[Profile], Iterable[str]], name: str
    ) -> tuple[list[Profile], list[str]]:
        """The room's assistants that own a name and are not off, by id; and the ids of all that own it."""
        listens = await self.rooms.assistants(room)
        owners = [profile for profile in await self.profiles.all() if name in owned(profile)]
        here = [one for one in owners if listens.get(one.id, "off") != "off"]
        return here, [one.id for one in owners]


def failed(code: str, message: str) -> ProductFloError:
    """The error that tells that a request failed as a whole."""
    return RequestFailed(message, FAILURES.get(code, ErrorCode.PROCESSING_ERROR), field="code")


def check(schema: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Hold a request's fields against its owner's JSON schema. Raises `ValidationFailed` naming the field."""
    error = best_match(Draft202012Validator(dict(schema)).iter_errors(dict(fields)))
    if error is not None:
        field = ".".join(map(str, ("data", *error.absolute_path)))
        raise ValidationFailed(f"{field}: {error.message[:500]}.", field=field)


def told_by_fields(code: str, fields: Mapping[str, Any]) -> str:
    """What the room reads of a request that has no query."""
    lines = [f"{code}:", *(f"{name}: {value}" for name, value in fields.items())]
    text = "\n".join(lines)
    return text if len(text) <= TOLD_BY_FIELDS else text[: TOLD_BY_FIELDS - 1] + "…"


def _message(identity: Identity, said: Request, text: str) -> ChatData:
    data = said.data
    try:
        return ChatData(
            message=text,
            sender=identity.user_id,
            message_id=data.message_id,
            attached_files=data.attached_files,
            reply_to=data.reply_to,
            metadata=data.metadata,
        )
    except ValidationError as error:
        raise first_problem(error) from error
