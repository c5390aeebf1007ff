"""What a client makes of a room's durable events: the same, whichever way they came."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import orjson

Shown = dict[str, Any]


@dataclass(slots=True)
class View:
    """The messages that a client shows, by id, and the seq up to which it has heard the room.

    It does as docs/reference/protocol.md says: a message is replaced by what comes under its id, an event
    about a message that it does not have passes.
    """

    seq: int = 0
    messages: dict[str, Shown] = field(default_factory=dict)

    def copy(self) -> "View":
        """A client that stops listening here."""
        return deepcopy(self)

    def take(self, envelopes: Iterable[bytes]) -> None:
        """Take events in the order in which they came; fails where one is missing or comes twice."""
        for envelope in envelopes:
            told = orjson.loads(envelope)
            assert told["data"]["seq"] == self.seq + 1, f"{told} after {self.seq}"
            self.seq += 1
            self._take(told["code"], told["data"])

    def show(self, page: Iterable[Shown]) -> None:
        """Take messages of a page of history."""
        for data in page:
            self._take("chat_response", data)

    def _take(self, code: str, data: Shown) -> None:
        known = self.messages.get(data["message_id"])
        if code == "chat_response":
            self.messages[data["message_id"]] = _shown(data)
        elif known is None or known["deleted"]:
            return
        elif code == "delete" or "deleted" in data:
            known |= {"text": "", "deleted": True, "reactions": {}}
        elif code == "edit":
            known["text"] = data["message"]
        else:
            users = known["reactions"].setdefault(data["emoji"], [])
            users[:] = [user for user in users if user != data["sender"]]
            if data["action"] == "add":
                users.append(data["sender"])
            elif not users:
                del known["reactions"][data["emoji"]]


def _shown(data: Shown) -> Shown:
    return {
        "seq": data["seq"],
        "sender": data["sender"],
        "text": data["message"],
        "deleted": data.get("deleted", False),
        "reactions": deepcopy(data.get("reactions", {})),
    }
