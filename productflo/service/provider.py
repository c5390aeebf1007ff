"""Tokens of an identity provider: signed with keys that it publishes (a JSON Web Key Set, RFC 7517).

A key's type says with which algorithm its signatures are checked; what a token's header says about that is
not looked at. The header only names the key.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from jwt import PyJWK

from productflo.domain.identity import Identity
from productflo.errors import Unauthenticated
from productflo.service import tokens

REFRESH_SECONDS = 600.0
"""Between two looks at the keys: one that the provider withdraws counts for so much longer at most."""
RETRY_SECONDS = 30.0
"""Between two looks at least: tokens that name keys which do not exist can be made by anybody."""
FETCH_SECONDS = 5.0
"""For one look: key sets are a few kilobytes from a fast server, and somebody waits at the door."""
MAX_SET_BYTES = 262_144
"""Of a key set: hundreds of keys, where providers have two or three."""
MIN_RSA_BITS = 2048
"""Shorter RSA keys count as none (NIST SP 800-131A)."""

_ALGORITHMS = {"RSA": "RS256", "EC P-256": "ES256", "OKP Ed25519": "EdDSA"}
"""Type and curve of a key -> the one algorithm that its signatures are checked with."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Key:
    key: Any
    algorithm: str


class Provider:
    """The keys of an identity provider, and whose tokens they have signed.

    `issuer` and `audience` must be the token's, exactly. `now` gives seconds that only grow.
    """

    def __init__(
        self, url: str, issuer: str, audience: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._keys: dict[str, _Key] = {}
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")

    async def run(self) -> None:
        """Keep the keys fresh, until it is cancelled."""
        while True:
            async with self._looking:
                found = await self._look()
            await asyncio.sleep(REFRESH_SECONDS if found else RETRY_SECONDS)

    async def prepare(self, token: str) -> None:
        """Look for the key that the token names, where it is not known and was not looked for of late.

        Waits `FETCH_SECONDS` at most for each look, and raises nothing: `knows` tells whether it was found.
        """
        if (key_id := tokens.key_id(token)) is None or key_id in self._keys:
            return
        async with self._looking:
            if key_id not in self._keys and self._now() - self._looked_at >= RETRY_SECONDS:
                await self._look()

    def knows(self, token: str) -> bool:
        """Whether the token names a key of this provider."""
        return tokens.key_id(token) in self._keys

    def verify(self, token: str, now: float) -> Identity:
        """Whose token this is, at `now` (Unix seconds).

        Raises `Unauthenticated` as `tokens.verify` does, and for another issuer or audience.
        """
        key = self._keys.get(tokens.key_id(token) or "")
        if key is None:
            raise Unauthenticated("The token was signed with no key that the identity provider has")
        claims = tokens.signed_claims(token, key.key, key.algorithm)
        if claims.get("iss") != self._issuer:
            raise Unauthenticated(f"The token's issuer (iss) is not {self._issuer}")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise Unauthenticated(
                f"The token's audience (aud) is not {self._audience}: it is for another service"
            )
        return tokens.identity_of(claims, now)

    async def _look(self) -> bool:
        """Take the provider's keys; where it does not answer those known go on counting."""
        import httpx2  # Half a second, which a server without a provider need not spend.

        self._looked_at = self._now()
        try:
            async with asyncio.timeout(FETCH_SECONDS), httpx2.AsyncClient() as http:
                keys = dict(_usable(await _fetch(http, self._url)))
        except (TimeoutError, ValueError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.warning("No keys from %s: %s", self._url, str(error) or type(error).__name__)
            return False
        if not keys:
            log.warning("No keys from %s: it has none for RS256, ES256 or EdDSA with an id (kid)", self._url)
            return False
        self._keys = keys
        return True


async def _fetch(http: Any, url: str) -> Any:
    """The JSON at `url`. Raises `ValueError` for any other, and for too much; `httpx2.HTTPError`."""
    found = bytearray()
    async with http.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_bytes():
            found += part
            if len(found) > MAX_SET_BYTES:
                raise ValueError(f"more than {MAX_SET_BYTES:,} bytes")
    return orjson.loads(found)


def _usable(key_set: Any) -> Iterator[tuple[str, _Key]]:
    """The keys of a set that tokens can be checked with, by their ids; others are for something else."""
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(keys, list):
        raise ValueError("not a key set")
    for one in keys:
        if not isinstance(one, dict) or not isinstance(key_id := one.get("kid"), str):
            continue
        algorithm = _ALGORITHMS.get(f"{one.get('kty')} {one.get('crv', '')}".strip())
        if algorithm is None or one.get("use", "sig") != "sig" or one.get("alg", algorithm) != algorithm:
            continue
        try:
            key = PyJWK(one, algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            log.warning("The key %r of the identity provider can not be read: %s", key_id, error)
            continue
        if algorithm != "RS256" or key.key_size >= MIN_RSA_BITS:
            yield key_id, _Key(key, algorithm)
