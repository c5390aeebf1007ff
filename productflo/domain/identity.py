"""Who speaks."""

from dataclasses import dataclass, field

SERVICE_ID = "service"
"""Whom a caller with the service key is recorded as. No person may have this id."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or a service as the door (token, cookie, first envelope) established it.

    `expires_at` is the token's end in Unix seconds, None where nothing expires.
    `operator` holds a service key: it may administer every room and team.
    """

    user_id: str
    name: str
    teams: frozenset[str] = field(default_factory=frozenset)
    expires_at: float | None = None
    operator: bool = False
