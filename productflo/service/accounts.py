"""Local accounts: people who sign in with an email and a password.

Guessing is bounded: each email and each address has so many attempts in a quarter of an hour, counted before
the password is looked at, so that many at once get no more. An email without an account costs and answers
the same as a wrong password.
"""

import math
import re
from collections.abc import Awaitable, Callable, Iterable

from productflo.domain.identity import SERVICE_ID, Identity
from productflo.errors import Conflict, NotFound, RateLimited, Unauthenticated, ValidationFailed
from productflo.network import is_loopback
from productflo.protocol.ids import ID_PATTERN
from productflo.service.invites import MAX_NAME_LENGTH, slug
from productflo.service.passwords import NOBODYS, hash_password, is_password
from productflo.store.accounts import AccountRecord, AccountStore

MAX_EMAIL = 254
"""Characters of an email address (RFC 5321, 4.5.3.1.3, less the angle brackets)."""
WINDOW = 900
"""Seconds after which attempts are forgotten: a quarter of an hour is a short wait for a person."""
PER_EMAIL = 10
"""Attempts in a window without a success: about a thousand guesses a day (NIST SP 800-63B, 5.2.2: at most 100
in a row; a person gives up, or asks for a new password, far earlier)."""
PER_ADDRESS = 100
"""Failed attempts in a window: an office behind one address, none of whom remembers."""
MAX_WAITING = 16
"""Sign-ins under way in one process: two seconds of work; more would only wait longer."""

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_ID = re.compile(ID_PATTERN)


class Accounts:
    """Adds, changes and checks accounts.

    `reserved` tells the ids that only assistants have; `claim_user` takes an id that nobody has, and says
    whether it was free.
    """

    def __init__(
        self,
        store: AccountStore,
        claim_user: Callable[[str], Awaitable[bool]],
        reserved: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._claim_user = claim_user
        self._reserved = reserved
        self._waiting = 0

    async def add(
        self, email: str, password: str, user_id: str | None, name: str, teams: Iterable[str]
    ) -> AccountRecord:
        """A new account. Without `user_id` the id is made from the email, and must be one that nobody has.

        Raises `ValidationFailed` for what is no email, id, team or password, `Conflict` when the email has an
        account, or the id made from it is taken.
        """
        email = normal_email(email)
        name = " ".join(name.split())
        if len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise ValidationFailed(f"A name has at most {MAX_NAME_LENGTH} printable characters", field="name")
        teams = tuple(sorted(set(teams)))
        for team in teams:
            if not _ID.fullmatch(team):
                raise ValidationFailed(f"{team!r} is not a team's id", field="teams")
        if user_id is not None and (not _ID.fullmatch(user_id) or self._is_taken(user_id)):
            raise ValidationFailed(f"{user_id!r} is not an id that a person can have", field="user_id")
        kept = await hash_password(password)
        if await self._store.get(email) is not None:
            raise _exists(email)
        user_id = user_id or await self._new_user(email)
        record = AccountRecord(email, user_id, name or user_id, teams, kept)
        if not await self._store.add(record):
            raise _exists(email)
        return record

    async def set_password(self, email: str, password: str) -> None:
        """Change a password, and forget failed attempts. Raises `ValidationFailed` and `NotFound`."""
        email = normal_email(email)
        kept = await hash_password(password)
        if await self._store.get(email) is None:
            raise NotFound(f"{email} has no account", field="email")
        await self._store.set_password(email, kept)
        await self._store.forget(email)

    async def remove(self, email: str) -> None:
        """End an account; tokens that it has go on until they end. Raises `NotFound`."""
        if not await self._store.remove(normal_email(email)):
            raise NotFound(f"{email} has no account", field="email")

    async def all(self) -> list[AccountRecord]:
        """Every account, by email."""
        return sorted([one async for one in self._store.all()], key=lambda one: one.email)

    async def sign_in(self, email: str, password: str, address: str) -> Identity:
        """Who this is; `address` is the caller's, empty where there is none; `expires_at` is unset.

        Raises `Unauthenticated`, with the same words whatever was wrong, and `RateLimited`.
        """
        if self._waiting >= MAX_WAITING:
            raise RateLimited("Too many are signing in at once", retry_after=2)
        self._waiting += 1
        try:
            return await self._sign_in(normal_email(email), password, address)
        finally:
            self._waiting -= 1

    async def _sign_in(self, email: str, password: str, address: str) -> Identity:
        told_apart = address if address and not is_loopback(address) else None
        if told_apart:
            await self._allow(told_apart, PER_ADDRESS)
        await self._allow(email, PER_EMAIL)
        record = await self._store.get(email)
        is_right = await is_password(password, record.password if record else NOBODYS)
        if record is None or not is_right:
            raise Unauthenticated("The email or the password is wrong")
        await self._store.forget(email)
        if told_apart:
            await self._store.count(told_apart, -1, WINDOW)
        return Identity(record.user_id, record.name, frozenset(record.teams))

    async def _allow(self, subject: str, limit: int) -> None:
        attempts = await self._store.count(subject, 1, WINDOW)
        if attempts.number > limit:
            wait = attempts.forgotten_in
            raise RateLimited(
                f"Too many attempts to sign in: try again in {math.ceil(wait / 60)} minutes", retry_after=wait
            )

    async def _new_user(self, email: str) -> str:
        user_id = slug(email.partition("@")[0])
        if self._is_taken(user_id) or not await self._claim_user(user_id):
            raise Conflict(f"Somebody has the id {user_id!r}: choose another with --id", field="user_id")
        return user_id

    def _is_taken(self, user_id: str) -> bool:
        return user_id == SERVICE_ID or self._reserved(user_id)


def normal_email(email: str) -> str:
    """The email as accounts are known by: trimmed, in lower case. Raises `ValidationFailed`."""
    normal = email.strip().lower()
    if len(normal) > MAX_EMAIL or not _EMAIL.fullmatch(normal):
        raise ValidationFailed("This is not an email address", field="email")
    return normal


def _exists(email: str) -> Conflict:
    return Conflict(f"{email} has an account already", field="email")
