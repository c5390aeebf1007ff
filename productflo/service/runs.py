"""Assistants' answers while they are being written, and again when they were, as the doors see them."""

from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from productflo.domain.identity import Identity
from productflo.errors import Conflict, NotFound, PermissionDenied, RateLimited
from productflo.protocol.codes import Stoppers
from productflo.service.wakeups import Wakeups
from productflo.store.log import Log
from productflo.store.rooms import Rooms
from productflo.store.runs import Caller, RunSnapshot, RunStore

AGAIN_LATER = 30.0
"""Seconds after which a room with too many requests for answers anew has probably dealt with some."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Stopping answers, asking for them anew, and looking at those under way. The caller has checked the
    membership; `PermissionDenied` is raised where the room lets only who asked."""

    store: RunStore
    rooms: Rooms
    log: Log
    wakeups: Wakeups

    async def stop(
        self, identity: Identity, room: str, *, message_id: str | None, run_id: str | None
    ) -> bytes | None:
        """Ask for an answer to be stopped; any of its tries names it, because it is one answer.

        A question's own `message_id` takes it back where it waits, and stops its answer where that was begun;
        so does that of an answer with one that is to be given anew in its place.
        None where it is being written or waits: what comes of it goes to everybody. The final message where
        it had ended already, for the asker alone. Raises `NotFound` where the room has no such answer.
        """
        answer = message_id if message_id is not None else (run_id or "").rpartition(".")[0]
        field = "data.message_id" if message_id is not None else "data.run_id"
        assistants = list(await self.rooms.assistants(room))
        caller = _caller(identity)
        try:
            if answer and await self.store.stop(room, assistants, answer, caller):
                return None
            said = await self.log.find(room, answer)
            data = orjson.loads(said.envelope)["data"] if said else {}
            if said and "assistant" in data:
                withdrawn = await self.store.withdraw_again(room, data["sender"], answer, caller)
                return None if withdrawn else said.envelope
            if said and message_id is not None:
                question = (said.seq, answer, data["sender"])
                if await self.store.withdraw(room, assistants, question, caller):
                    return None
        except PermissionError:
            _refuse("stop it")
        raise NotFound(f"No answer {message_id or run_id} is being written here.", field=field)

    async def regenerate(self, identity: Identity, room: str, message_id: str) -> None:
        """Have an answer given anew, in a message of its own; asked for again while it waits, it is one.

        Raises `NotFound` (no such answer, or its assistant has left), `Conflict` (it is still being written,
        or its question is gone), `RateLimited` (too many wait).
        """
        field = "data.message_id"
        data = await self._data(room, message_id)
        if "assistant" not in data:
            if any(one.message_id == message_id for one in await self.running(room)):
                raise Conflict("The answer is still being written: stop it, or wait.", field=field)
            raise NotFound(f"The room has no answer {message_id}.", field=field)
        asked = await self._data(room, data["reply_to"])
        if not asked or "deleted" in asked:
            raise Conflict("The question of this answer is gone. Ask it again.", field=field)
        assistant = data["sender"]
        try:
            came = await self.store.regenerate(
                room, assistant, message_id, asked["sender"], _caller(identity)
            )
        except PermissionError:
            _refuse("have it answered again")
        if came == "absent":
            raise NotFound(f"{assistant} is no assistant of this room any more. Add it first.", field=field)
        if came == "full":
            raise RateLimited("Too many answers are to be given anew in this room.", retry_after=AGAIN_LATER)
        self.wakeups.wake([assistant], room)

    async def running(self, room: str) -> list[RunSnapshot]:
        """The answers being written in a room, for one who comes late."""
        assistants = list(await self.rooms.assistants(room))
        return await self.store.running(room, assistants) if assistants else []

    async def _data(self, room: str, message_id: str) -> dict[str, Any]:
        """What a message says; empty where the room has none of that id."""
        found = await self.log.find(room, message_id)
        data: dict[str, Any] = orjson.loads(found.envelope)["data"] if found else {}
        return data


def _caller(identity: Identity) -> Caller:
    return Caller(identity.user_id, identity.operator)


def _refuse(deed: str) -> NoReturn:
    raise PermissionDenied(
        f"In this room only who asked may {deed}, its creator or an operator (stoppers: {Stoppers.ASKER}).",
        field="data.message_id",
    ) from None
