"""Assistants' answers while they are being written, as the doors see them."""

from dataclasses import dataclass

import orjson

from productflo.errors import NotFound
from productflo.store.log import Log
from productflo.store.rooms import Rooms
from productflo.store.runs import RunSnapshot, RunStore


@dataclass(frozen=True, slots=True)
class Runs:
    """Stopping an answer, and looking at those under way. The caller has checked the membership."""

    store: RunStore
    rooms: Rooms
    log: Log

    async def stop(self, room: str, *, message_id: str | None, run_id: str | None, by: str) -> bytes | None:
        """Ask for an answer to be stopped; any of its tries names it, because it is one answer.

        None where it is being written: its final message comes to everybody. The final message where it had
        ended already, for the asker alone. Raises `NotFound` where the room has no such answer.
        """
        answer = message_id if message_id is not None else (run_id or "").rpartition(".")[0]
        assistants = list(await self.rooms.assistants(room))
        if answer and await self.store.stop(room, assistants, answer, by):
            return None
        ended = await self.log.find(room, answer)
        if ended is None or "assistant" not in orjson.loads(ended.envelope)["data"]:
            field = "data.message_id" if message_id is not None else "data.run_id"
            raise NotFound(f"No answer {message_id or run_id} is being written here.", field=field)
        return ended.envelope

    async def running(self, room: str) -> list[RunSnapshot]:
        """The answers being written in a room, for one who comes late."""
        assistants = list(await self.rooms.assistants(room))
        return await self.store.running(room, assistants) if assistants else []
