"""Invitations: a link that lets one colleague in, once.

Whom an invitation lets in as: **always somebody new**. The user id is made from the name plus four random
characters (`Ana Rey` -> `ana-rey-7k2m`), so that neither the one who writes the name nor the one who opens
the link can choose an id that somebody has, whether that id came from an invitation, from a token minted
on the command line or from another system that signs tokens; and it is claimed in the store before it is
given out. Only the operator, by naming a `user_id`, can let a known user in again (a new browser, a lost
cookie).
"""

import re
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from productflo.domain.identity import Identity
from productflo.errors import Conflict, NotFound, ValidationFailed
from productflo.protocol.ids import CROCKFORD, ID_PATTERN
from productflo.store.invites import InviteRecord, InviteStore

INVITE_SECONDS = 24 * 3600
"""How long an invitation waits: long enough for another time zone, short for a link in a mailbox."""
MAX_NAME_LENGTH = 64
"""Characters of a guest's name."""
_SLUG_LENGTH = 32
"""Characters of a guest's id that come from the name: people read and mention it."""
_SUFFIX_LENGTH = 4
"""Random characters of a guest's id: 20 bits against meeting an id that this store does not know."""
_TRIES = 16
"""Sixteen taken ids in a row do not happen; something is wrong then."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`code` goes into the link and is not kept; `expires_at` is in Unix seconds."""

    code: str
    name: str
    expires_at: float


class Invites:
    """Creates, shows and redeems invitations. `reserved` tells the ids that only assistants have."""

    def __init__(
        self, store: InviteStore, reserved: Callable[[str], bool], now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._reserved = reserved
        self._now = now

    async def create(self, name: str, user_id: str | None = None) -> Invitation:
        """An invitation for `name`; with `user_id` it lets in as that very user.

        Raises `ValidationFailed` for a name that is empty or longer than 64 characters, and for a bad id.
        """
        name = " ".join(name.split())
        if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise ValidationFailed("A name has 1 to 64 printable characters", field="name")
        if user_id is not None and (self._reserved(user_id) or not re.fullmatch(ID_PATTERN, user_id)):
            raise ValidationFailed(f"{user_id!r} is not an id that a person can have", field="user_id")
        invitation = Invitation(secrets.token_urlsafe(16), name, float(int(self._now()) + INVITE_SECONDS))
        await self._store.put(invitation.code, InviteRecord(name, user_id, invitation.expires_at))
        return invitation

    async def look(self, code: str) -> Invitation:
        """The invitation, without using it up. Raises `NotFound` when it was used, expired, or never was."""
        record = await self._store.get(code)
        if record is None:
            raise _gone()
        return Invitation(code, record.name, record.expires_at)

    async def redeem(self, code: str) -> Identity:
        """Who comes in with this code, which is used up by it; `expires_at` is unset. Raises `NotFound`."""
        record = await self._store.take(code)
        if record is None:
            raise _gone()
        return Identity(record.user_id or await self._new_user(record.name), record.name)

    async def _new_user(self, name: str) -> str:
        for _ in range(_TRIES):
            user_id = guest_id(name)
            if not self._reserved(user_id) and await self._store.claim_user(user_id):
                return user_id
        raise Conflict("No free id was found for this name: ask for another invitation", field="name")


def guest_id(name: str) -> str:
    """`Ana Rey` -> `ana-rey-` and four random characters; a name without Latin letters -> `guest-...`."""
    return f"{slug(name)}-{''.join(secrets.choice(CROCKFORD) for _ in range(_SUFFIX_LENGTH))}"


def slug(name: str) -> str:
    """`Ana Rey` -> `ana-rey`; a name without Latin letters and digits -> `guest`."""
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", latin).strip("-")[:_SLUG_LENGTH].strip("-") or "guest"


def _gone() -> NotFound:
    return NotFound("This invitation was used, or its 24 hours are over: ask for a new one")
