"""Tokens of an identity provider: by the keys that it publishes, and by nothing else."""

import asyncio
import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from chatting import web_process
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from identity_provider import (
    AUDIENCE,
    ISSUER,
    SIGNERS,
    IdentityProvider,
    identity_provider,
    published,
    signed,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from productflo.errors import Unauthenticated
from productflo.service.provider import MAX_SET_BYTES, RETRY_SECONDS, Provider
from productflo.service.tokens import mint

SECRET = "a-secret-of-at-least-thirty-two-bytes"


class Clock:
    """Seconds that grow when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def source() -> AsyncIterator[IdentityProvider]:
    async with identity_provider() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(source: IdentityProvider, clock: Clock) -> Provider:
    return Provider(source.url, ISSUER, AUDIENCE, clock)


def is_refused(provider: Provider, token: str, why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        provider.verify(token, time.time())


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_token_of_the_provider_says_who_it_is(provider: Provider, algorithm: str) -> None:
    """With each kind of key, subject, name and teams are those of the token; the end is its own too."""
    token = signed(algorithm, algorithm.lower(), name="Ana Rey", teams=["hw"], aud=["other", AUDIENCE])
    await provider.prepare(token)
    assert provider.knows(token)
    identity = provider.verify(token, time.time())
    assert (identity.user_id, identity.name, identity.teams) == ("ana", "Ana Rey", {"hw"})
    assert identity.expires_at == pytest.approx(time.time() + 3600, abs=30)
    is_refused(provider, token[:-8] + "AAAAAAAA", "not signed")


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://id.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "chat2"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": ["cha", "t"]}, "audience"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "no end"),
        ({"subject": "auth|7"}, "subject"),
    ],
)
async def test_a_claim_that_is_not_ours_is_refused(provider: Provider, claims: dict, why: str) -> None:
    """Issuer and audience count exactly; the rest as with our own tokens."""
    token = signed("RS256", "rs256", **claims)
    await provider.prepare(token)
    is_refused(provider, token, why)


async def test_the_key_and_not_the_token_chooses_the_algorithm(provider: Provider) -> None:
    """A token that calls itself HS256 and is signed with the public key, or with nothing, is refused."""
    await provider.prepare(signed("RS256", "rs256"))
    public = SIGNERS["RS256"][0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def part(value: bytes) -> bytes:
        return urlsafe_b64encode(value).rstrip(b"=")

    claims = {"sub": "ana", "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60}
    for algorithm in ("HS256", "none"):
        head = json.dumps({"alg": algorithm, "kid": "rs256"}).encode()
        body = part(head) + b"." + part(json.dumps(claims).encode())
        signature = hmac.new(public, body, hashlib.sha256).digest()
        is_refused(provider, (body + b"." + part(signature)).decode(), "not signed")
    is_refused(provider, signed("ES256", "rs256"), "not signed")


async def test_keys_for_something_else_do_not_count(source: IdentityProvider, provider: Provider) -> None:
    """Keys to encrypt with, of an unknown kind, without an id, or that can not be read are passed over."""
    good = published("ES256", "good")
    source.keys = [
        published("ES256", "enc", use="enc"),
        published("ES256", "other", alg="ES384"),
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"},
        {**good, "kid": "broken", "x": "AA"},
        {**good, "kid": 7},
        {**good, "kid": "odd", "crv": ["P-256"]},
        good,
    ]
    await provider.prepare(signed("ES256", "good"))
    for key_id in ("enc", "other", "oct", "broken", "odd"):
        assert not provider.knows(signed("ES256", key_id))
    assert provider.verify(signed("ES256", "good"), time.time()).user_id == "ana"


async def test_a_new_key_is_looked_for_at_once_and_then_not_for_a_while(
    source: IdentityProvider, provider: Provider, clock: Clock
) -> None:
    """After a rotation nobody is turned away; made-up key ids do not turn this server on the provider."""
    await asyncio.gather(*(provider.prepare(signed("RS256", "rs256")) for _ in range(20)))
    assert source.asked == 1
    source.keys = [published("ES256", "next")]
    clock.now += RETRY_SECONDS
    await provider.prepare(signed("ES256", "next"))
    assert source.asked == 2
    assert provider.verify(signed("ES256", "next"), time.time()).user_id == "ana"
    assert not provider.knows(signed("RS256", "rs256"))
    await asyncio.gather(*(provider.prepare(signed("RS256", f"made up {n}")) for n in range(20)))
    clock.now += RETRY_SECONDS - 1
    await provider.prepare(signed("RS256", "made up"))
    assert source.asked == 2


async def test_tokens_without_a_key_ask_nobody(source: IdentityProvider, provider: Provider) -> None:
    """Our own tokens, and what is no token, do not wait for the provider."""
    for token in (
        mint(SECRET, "ana", "", [], 1, time.time()),
        signed("RS256", None),
        "no token",
        "a.b.c",
        "",
    ):
        await provider.prepare(token)
        assert not provider.knows(token)
    assert source.asked == 0


@pytest.mark.parametrize("bad_day", ["503", "not JSON", "no keys", "empty", "too large", "redirect"])
async def test_known_keys_outlive_the_provider_s_bad_days(
    source: IdentityProvider, provider: Provider, clock: Clock, bad_day: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it answers instead of keys, those who came in with the old ones still do; it is logged."""
    token = signed("EdDSA", "eddsa")
    await provider.prepare(token)
    answers = {"not JSON": b"<html>", "no keys": b"[1]", "empty": b'{"keys": []}'}
    source.answer = answers.get(bad_day)
    if bad_day == "too large":
        source.answer = b'{"keys": []}' + b" " * MAX_SET_BYTES
    source.status = {"503": 503, "redirect": 302}.get(bad_day, 200)
    clock.now += RETRY_SECONDS
    await provider.prepare(signed("RS256", "unknown"))
    assert "No keys from" in caplog.text
    assert provider.verify(token, time.time()).user_id == "ana"


async def test_known_keys_outlive_the_provider_s_absence(clock: Clock) -> None:
    """A provider that can not be reached at all turns nobody away whose key is known."""
    async with identity_provider() as source:
        provider = Provider(source.url, ISSUER, AUDIENCE, clock)
        await provider.prepare(signed("RS256", "rs256"))
    clock.now += RETRY_SECONDS
    await provider.prepare(signed("RS256", "unknown"))
    assert provider.verify(signed("RS256", "rs256"), time.time()).user_id == "ana"


async def test_a_server_with_a_provider_and_a_secret_takes_both(
    source: IdentityProvider, store_url: str, tmp_path: Path
) -> None:
    """Over HTTP and the WebSocket: the provider's tokens, our own, and no others."""
    variables = {
        "REDIS_URL": store_url,
        "PRODUCTFLO_SECRET": SECRET,
        "PRODUCTFLO_JWKS_URL": source.url,
        "PRODUCTFLO_TOKEN_ISSUER": ISSUER,
        "PRODUCTFLO_TOKEN_AUDIENCE": AUDIENCE,
    }
    async with web_process(tmp_path, **variables) as server, httpx.AsyncClient(base_url=server.http) as http:

        async def who(token: str) -> str | None:
            answer = await http.get("/api/session", headers={"Authorization": f"Bearer {token}"})
            user: str | None = answer.json()["user_id"]
            return user

        assert await who(signed("ES256", "es256", "ana")) == "ana"
        assert await who(mint(SECRET, "ben", "", [], 1, time.time())) == "ben"
        assert await who(mint("x" * 40, "ben", "", [], 1, time.time())) is None
        assert await who(signed("ES256", "es256", "haitch")) is None
        async with connect(f"{server.ws}?token={signed('EdDSA', 'eddsa', 'cy')}") as socket:
            await socket.send(json.dumps({"code": "ping", "user_id": "cy", "data": {}}))
            assert json.loads(await socket.recv())["code"] == "pong"
        async with connect(f"{server.ws}?token={signed('EdDSA', 'eddsa', 'cy', aud='other')}") as socket:
            assert "audience" in json.loads(await socket.recv())["data"]["message"]
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


async def test_a_server_with_a_provider_alone_is_not_open(
    source: IdentityProvider, store_url: str, tmp_path: Path
) -> None:
    """Saying who one is counts for nothing, and there are neither invitations nor accounts."""
    variables = {
        "REDIS_URL": store_url,
        "PRODUCTFLO_JWKS_URL": source.url,
        "PRODUCTFLO_TOKEN_ISSUER": ISSUER,
        "PRODUCTFLO_TOKEN_AUDIENCE": AUDIENCE,
    }
    async with web_process(tmp_path, **variables) as server, httpx.AsyncClient(base_url=server.http) as http:
        assert (await http.get("/api/session")).json()["mode"] == "token"
        assert (await http.get("/api/rooms", headers={"X-User-Id": "ana"})).status_code == 401
        own = mint(SECRET, "ana", "", [], 1, time.time())
        assert (await http.get("/api/rooms", params={"token": own})).status_code == 401
        theirs = signed("RS256", "rs256")
        assert (await http.get("/api/rooms", params={"token": theirs})).status_code == 200
        login = {"email": "ana@example.com", "password": "a housing of cast zinc"}
        refused = await http.post("/auth/login", json=login)
        assert refused.status_code == 404
        assert "identity provider" in refused.json()["error"]["message"]
