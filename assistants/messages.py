"""A room as an assistant is shown it: its members and its messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the room. `presence` is `online`, `away`, `busy` or `offline`.

    An assistant has a `description`, and the `commands` that call it, each with what it does.
    """

    id: str
    name: str
    kind: Literal["human", "assistant"]
    presence: str
    description: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_here(self) -> bool:
        """Whether the member is connected, whatever they say of themselves."""
        return self.presence != "offline"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the room.

    `seq` is its place in the room's order (1, 2, 3, ...), `sent_at` when the server took it (ISO 8601, UTC),
    `reply_to` the id of the message that it answers, `files` the ids of what is attached. `hops` counts the
    assistants' messages between an assistant's and a person's.
    """

    id: str
    seq: int
    sender: str
    text: str
    sent_at: str
    reply_to: str | None = None
    files: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    from_assistant: bool = False
    hops: int = 0
    request: Mapping[str, Any] | None = None
    """Of a typed request, or a command: `code`, `assistant` whom it is for, and the request's own fields."""

    @property
    def request_code(self) -> str | None:
        """The code of the request in it; of a command its first word (`/summary`); None for a chat."""
        return self.request["code"] if self.request else None

    @property
    def is_command(self) -> bool:
        """Whether it is a command such as `/summary`, for an assistant of the room."""
        return (self.request_code or "").startswith("/")
