"""The answers that assistants are writing in a room, as far as this process has heard them.

Late joiners get the text so far, and pieces that Pub/Sub dropped are noticed by their index.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from productflo.store.events import PieceSaid


@dataclass(slots=True)
class _Writing:
    run_id: str
    index: int
    envelope: dict[str, Any]
    parts: list[str] = field(default_factory=list)


class Answers:
    """The running answers of one room, by the message id that each will have."""

    def __init__(self) -> None:
        self._writing: dict[str, _Writing] = {}

    def __bool__(self) -> bool:
        return bool(self._writing)

    def heard(self, piece: PieceSaid) -> bool:
        """Take a piece; False if one before it is missing, and the text must be asked for anew."""
        known = self._writing.get(piece.message_id)
        if piece.index == 0:
            envelope = orjson.loads(piece.envelope)
            text = envelope["data"]["message"]
            self._writing[piece.message_id] = _Writing(piece.run_id, 0, envelope, [text])
            return True
        if known is None or known.run_id != piece.run_id or piece.index > known.index + 1:
            self._writing.pop(piece.message_id, None)
            return False
        if piece.index == known.index + 1:
            known.index = piece.index
            known.parts.append(orjson.loads(piece.envelope)["data"]["message"])
        return True

    def repaired(self, message_id: str, run_id: str, index: int, envelope: bytes) -> None:
        """Take the text so far as the store has it: `envelope` is a piece with index 0 that holds it all."""
        piece = orjson.loads(envelope)
        self._writing[message_id] = _Writing(run_id, index, piece, [piece["data"]["message"]])

    def heard_up_to(self, message_id: str, run_id: str) -> int:
        """The index of the newest piece of a run; -1 where nothing of it was heard."""
        known = self._writing.get(message_id)
        return known.index if known and known.run_id == run_id else -1

    def ended(self, envelope: bytes) -> None:
        """A message is in the log: if it is an answer, nothing of it is being written any more."""
        self._writing.pop(orjson.loads(envelope)["data"].get("message_id"), None)

    def left(self, assistant: str) -> None:
        """An assistant is no member any more, and will not finish what it was writing."""
        gone = [key for key, one in self._writing.items() if one.envelope["user_id"] == assistant]
        for key in gone:
            del self._writing[key]

    def so_far(self) -> list[bytes]:
        """For a late joiner: each running answer as one piece with index 0."""
        return [orjson.dumps(_whole(writing)) for writing in self._writing.values()]


def _whole(writing: _Writing) -> dict[str, Any]:
    writing.parts = ["".join(writing.parts)]
    return {**writing.envelope, "data": {**writing.envelope["data"], "message": writing.parts[0], "index": 0}}
