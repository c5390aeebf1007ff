"""Tokens: who signed in, said by a signature (JSON Web Tokens, RFC 7519).

Those that are minted here have HS256; `provider` checks those of an identity provider.
"""

import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import jwt

from productflo.domain.identity import Identity
from productflo.errors import Unauthenticated, ValidationFailed
from productflo.protocol.ids import ID_PATTERN

ALGORITHM = "HS256"
"""The only one that counts for our secret: a token that names another (or `none`) is refused."""
DEFAULT_HOURS = 30 * 24
"""How long a minted token holds. There is no list of revoked tokens, so none is without an end."""
LEEWAY = 5.0
"""Seconds by which two servers' clocks may differ."""
MAX_TOKEN_LENGTH = 8192
"""Characters: what header lines commonly hold; far above any token with a few teams in it."""
MAX_NAME_LENGTH = 128
"""Characters of a person's name that are kept."""

_NOT_OURS = "The token was not signed by this server, nor by an identity provider that it trusts"
_ID = re.compile(ID_PATTERN)
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_SIGNATURE_ONLY: Any = {
    f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}


def mint(secret: str, user_id: str, name: str, teams: Iterable[str], hours: float, now: float) -> str:
    """A token that lets `user_id` in for `hours`; `now` is in Unix seconds.

    Raises `ValidationFailed` when an id has a character that ids can not have, or `hours` is not positive.
    """
    team_ids = sorted(set(teams))
    for field, value in [("user_id", user_id), *(("teams", team) for team in team_ids)]:
        if not _ID.fullmatch(value):
            raise ValidationFailed(
                f"{value!r} is no id: use 1 to 128 of letters, digits, and _ . : @ -", field=field
            )
    if not (math.isfinite(hours) and hours > 0):
        raise ValidationFailed("A token must hold for more than 0 hours", field="hours")
    claims: dict[str, Any] = {"sub": user_id, "iat": int(now), "exp": math.ceil(now + hours * 3600)}
    if name and name != user_id:
        claims["name"] = name[:MAX_NAME_LENGTH]
    if team_ids:
        claims["teams"] = team_ids
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify(token: str, secret: str, now: float) -> Identity:
    """Whose token this is, at `now` (Unix seconds).

    Raises `Unauthenticated`, whose message says what is wrong: not a token, not signed here, expired,
    not valid yet, no subject, a bad subject. Whether the subject is an assistant's id is not looked at.
    """
    return identity_of(signed_claims(token, secret, ALGORITHM), now)


def key_id(token: str) -> str | None:
    """The key that the token says it was signed with; None for what is no token, or names none."""
    if not _is_token(token):
        return None
    try:
        named = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    return named if isinstance(named, str) else None


def identity_of(claims: dict[str, Any], now: float) -> Identity:
    """Who signed in, by claims whose signature was checked. Raises `Unauthenticated` as `verify` does."""
    expires_at = _moment(claims, "exp")
    if expires_at is None:
        raise Unauthenticated("The token has no end (exp); this server takes none without one")
    if now > expires_at + LEEWAY:
        when = datetime.fromtimestamp(min(expires_at, now), UTC).isoformat(timespec="seconds")
        raise Unauthenticated(f"The token expired at {when}: sign in again")
    starts_at = _moment(claims, "nbf")
    if starts_at is not None and now < starts_at - LEEWAY:
        raise Unauthenticated("The token is not valid yet (nbf): compare the two machines' clocks")
    user_id = _subject(claims)
    return Identity(user_id, _name(claims) or user_id, _teams(claims), expires_at)


def signed_claims(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    """What a token says, when this key signed it with this algorithm. Raises `Unauthenticated`."""
    if not _is_token(token):
        raise Unauthenticated("This is not a token: a JWT of three parts with dots between is expected")
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        # A stranger chooses how deep the header nests, which older releases of PyJWT let through.
        raise Unauthenticated(_NOT_OURS) from error
    if not _is_canonical(token.rpartition(".")[2]):
        raise Unauthenticated(_NOT_OURS)
    return claims


def _is_token(token: str) -> bool:
    return len(token) <= MAX_TOKEN_LENGTH and _SHAPE.fullmatch(token) is not None


def _is_canonical(signature: str) -> bool:
    """Base64 has spare bits at its end: several texts decode to one signature, and one of them is ours."""
    decoded = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return urlsafe_b64encode(decoded).rstrip(b"=").decode() == signature


def _moment(claims: dict[str, Any], claim: str) -> float | None:
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthenticated(f"The token's {claim} is not a time in Unix seconds")
    return float(value)


def _subject(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if subject is None or subject == "":
        raise Unauthenticated("The token has no subject (sub): it must be the user's id")
    if not isinstance(subject, str) or not _ID.fullmatch(subject):
        raise Unauthenticated("The token's subject (sub) is no id: 1 to 128 of letters, digits, _ . : @ -")
    return subject


def _name(claims: dict[str, Any]) -> str:
    name = claims.get("name")
    return "".join(filter(str.isprintable, name)).strip()[:MAX_NAME_LENGTH] if isinstance(name, str) else ""


def _teams(claims: dict[str, Any]) -> frozenset[str]:
    teams = claims.get("teams", [])
    if not isinstance(teams, list) or not all(isinstance(t, str) and _ID.fullmatch(t) for t in teams):
        raise Unauthenticated("The token's teams are not a list of ids")
    return frozenset(teams)
