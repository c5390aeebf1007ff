"""An identity provider for tests: keys that it publishes, tokens that it signs with them, its bad days."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from quart import Quart, Response
from serving import serving

ISSUER = "https://id.example/"
AUDIENCE = "chat"

SIGNERS: dict[str, tuple[Any, Any]] = {
    "RS256": (rsa.generate_private_key(public_exponent=65537, key_size=2048), RSAAlgorithm),
    "ES256": (ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm),
}
"""One private key for each algorithm, and what tells its public one as JSON."""


def published(algorithm: str, key_id: str, **more: Any) -> dict[str, Any]:
    """A public key as the set has it."""
    private, kind = SIGNERS[algorithm]
    return {**json.loads(kind.to_jwk(private.public_key())), "kid": key_id, "use": "sig", **more}


def signed(algorithm: str, key_id: str | None, subject: str = "ana", **claims: Any) -> str:
    """A token of the provider; a claim that is None is left out."""
    said = {"sub": subject, "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 3600, **claims}
    headers = {"kid": key_id} if key_id else None
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(kept, SIGNERS[algorithm][0], algorithm=algorithm, headers=headers)


class IdentityProvider:
    """What it publishes, whether it answers, and how often it was asked."""

    def __init__(self) -> None:
        self.keys = [published(algorithm, algorithm.lower()) for algorithm in SIGNERS]
        self.answer: bytes | None = None
        self.status = 200
        self.asked = 0
        self.url = ""


@asynccontextmanager
async def identity_provider() -> AsyncIterator[IdentityProvider]:
    """One that runs."""
    provider = IdentityProvider()
    app = Quart("identity provider")

    @app.get("/keys")
    async def keys() -> Response:
        provider.asked += 1
        body = json.dumps({"keys": provider.keys}).encode() if provider.answer is None else provider.answer
        return Response(body, status=provider.status, content_type="application/json")

    async with serving(app) as port:
        provider.url = f"http://127.0.0.1:{port}/keys"
        yield provider
