"""What came of an append: the script's answers as results, and as errors that a client is told."""

from typing import Any

from productflo.errors import Conflict, LeaseLost, NotFound, PermissionDenied, ProductFloError, TooLarge
from productflo.store.entries import Appended, Entry, Revision
from productflo.store.reading import put_together


def outcome(
    result: Any, entry: Entry | Revision, listening: frozenset[str], woken: frozenset[str]
) -> Appended | ProductFloError:
    """What append.lua tells of an entry: `PermissionDenied`, `NotFound`, `Conflict`, `TooLarge` or
    `LeaseLost` where it refused it. Of the assistants in `listening` those in `woken` were woken with it."""
    if isinstance(result, int):  # As a class pattern it would cost 0.6 us a message.
        return Appended(result, None, listening, woken=woken)
    match result:
        case [b"duplicate", seq, event, said, is_edit]:
            envelope = put_together(event, said, is_edit=bool(is_edit))
            return Appended(seq, envelope, listening, woken=woken)
        case [b"unchanged", message_seq]:
            return Appended(0, None, listening, message_seq)
        case [refusal]:
            return _refusal(refusal, entry)
    raise AssertionError(f"append.lua told {result!r}")


def _refusal(told: bytes, entry: Entry | Revision) -> ProductFloError:
    match told, entry:
        case b"conflict", Revision():
            return Conflict(
                f"The request_id {entry.operation} stands for something else that you did. Use a new one.",
                field="request_id",
            )
        case b"conflict", _:
            return Conflict(
                f"The message_id {entry.message_id} stands for another message of this room. Use a new one.",
                field="data.message_id",
            )
        case b"not_found", _:
            return NotFound(f"The room has no message {entry.message_id}.", field="data.message_id")
        case b"not_yours", _:
            return PermissionDenied(
                f"The message {entry.message_id} is not yours to change.", field="data.message_id"
            )
        case b"full", _:
            return TooLarge(
                "The message has as many reactions as one may have: 20 emoji, 1,000 in all.",
                field="data.emoji",
            )
        case b"lost", _:
            return LeaseLost("Another worker has taken this answer over.")
    return PermissionDenied("You are not a member of this room. Join it first.", field="room_id")
