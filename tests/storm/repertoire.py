"""What one can say in a room: messages, and what is done to them."""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from storm.journal import deleted, edited, edited_words_of, reacted, words_of

RECENT = 20
"""Messages that one remembers, to do something to."""
EMOJI = "\N{THUMBS UP SIGN}"


@dataclass(frozen=True, slots=True)
class Saying:
    """Something to say: the operation's name, and the envelope's code and data."""

    name: str
    code: str
    data: dict[str, Any]


def _recent() -> deque[str]:
    return deque(maxlen=RECENT)


@dataclass(slots=True)
class Repertoire:
    """One user's in one room; all are ids of messages, and each is used once.

    A message is either mortal, and its author deletes it, or it is edited and liked: what is done to one
    that is deleted at the same time would rightly be refused.
    """

    user: str
    _editable: deque[str] = field(default_factory=_recent)
    _mortal: deque[str] = field(default_factory=_recent)
    _likeable: deque[str] = field(default_factory=_recent)
    _liked: deque[str] = field(default_factory=_recent)

    def message(self, message_id: str) -> Saying:
        """A message of this id."""
        return Saying(message_id, "chat", {"message": words_of(message_id), "message_id": message_id})

    def revision(self, chance: random.Random) -> Saying | None:
        """Something to do to a message; None where there is none to do it to."""
        match chance.choice(("edit", "delete", "like", "unlike")):
            case "edit" if self._editable:
                message_id = self._editable.popleft()
                data = {"message_id": message_id, "message": edited_words_of(message_id)}
                return Saying(edited(message_id), "edit", data)
            case "delete" if self._mortal:
                message_id = self._mortal.popleft()
                return Saying(deleted(message_id), "delete", {"message_id": message_id})
            case "like" if self._likeable:
                return self._reaction(self._likeable.pop(), "add")
            case "unlike" if self._liked:
                return self._reaction(self._liked.popleft(), "remove")
        return None

    def heard(self, code: str, data: dict[str, Any]) -> None:
        """A new event of the room."""
        if code == "chat_response" and not _is_mortal(data["message_id"]):
            self._likeable.append(data["message_id"])

    def acknowledged(self, code: str, data: dict[str, Any]) -> None:
        """Something of one's own is in the log."""
        message_id = data["message_id"]
        if code == "chat_response":
            (self._mortal if _is_mortal(message_id) else self._editable).append(message_id)
        elif data.get("action") == "add":
            self._liked.append(message_id)

    def _reaction(self, message_id: str, action: str) -> Saying:
        data = {"message_id": message_id, "emoji": EMOJI, "action": action}
        return Saying(reacted(message_id, self.user, EMOJI, action), "reaction", data)


def _is_mortal(message_id: str) -> bool:
    return message_id.endswith("7")
