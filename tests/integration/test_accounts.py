"""Local accounts on a real store: who comes in, who does not, and how often one may try."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from redis.asyncio import Redis
from serving import doors, serving

from productflo.errors import (
    Conflict,
    NotFound,
    ProductFloError,
    RateLimited,
    Unauthenticated,
    ValidationFailed,
)
from productflo.service import passwords
from productflo.service.accounts import MAX_WAITING, PER_ADDRESS, PER_EMAIL, WINDOW, Accounts
from productflo.service.invites import Invites
from productflo.service.tokens import verify
from productflo.store.accounts import AccountStore
from productflo.store.invites import InviteStore
from productflo.store.keys import user_rooms
from productflo.web.address import Proxies
from productflo.web.guard import COOKIE, Guard
from productflo.web.login import login_blueprint

SECRET = "a-secret-of-at-least-thirty-two-bytes"
PASSWORD = "a housing of cast zinc"
WRONG = "a housing of cast iron"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost a millisecond: these tests are about who comes in."""
    monkeypatch.setattr(passwords, "COST", 2**8)
    monkeypatch.setattr("productflo.service.accounts.NOBODYS", passwords.NOBODYS.replace("$32768$", "$256$"))


def accounts_of(redis: Redis) -> Accounts:
    return Accounts(AccountStore(redis), InviteStore(redis).claim_user, {"haitch"}.__contains__)


@pytest.fixture
async def accounts(redis: Redis) -> Accounts:
    """The accounts of an empty store, with one of Ana."""
    accounts = accounts_of(redis)
    await accounts.add("Ana@Example.com", PASSWORD, None, "Ana Rey", ["hw", "fw", "hw"])
    return accounts


@asynccontextmanager
async def door(redis: Redis, secret: str | None = SECRET) -> AsyncIterator[httpx.AsyncClient]:
    """A running server with this secret, and a client of it."""
    guard = Guard(secret=secret, service_key=None, allowed_hosts=(), reserved={"haitch"}.__contains__)
    app = doors(guard, invites=Invites(InviteStore(redis), {"haitch"}.__contains__))
    app.register_blueprint(login_blueprint(accounts_of(redis), guard, Proxies(())))
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as http:
        yield http


async def refusal(accounts: Accounts, email: str, password: str, address: str) -> ProductFloError:
    """What one is told who does not come in."""
    with pytest.raises(ProductFloError) as refused:
        await accounts.sign_in(email, password, address)
    return refused.value


async def test_an_account_lets_in_by_its_password(accounts: Accounts) -> None:
    """With the email in any case; as the id made of it, with name and teams."""
    for email in ("ana@example.com", " ANA@EXAMPLE.COM "):
        who = await accounts.sign_in(email, PASSWORD, "")
        assert (who.user_id, who.name, who.teams) == ("ana", "Ana Rey", {"hw", "fw"})
        assert not who.operator


async def test_a_wrong_password_and_an_unknown_email_are_told_alike(accounts: Accounts) -> None:
    """Nobody learns which emails have an account."""
    wrong = await refusal(accounts, "ana@example.com", WRONG, "")
    unknown = await refusal(accounts, "ben@example.com", PASSWORD, "")
    assert isinstance(wrong, Unauthenticated)
    assert (wrong.code, wrong.message) == (unknown.code, unknown.message)


async def test_an_unknown_email_costs_a_comparison_too(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash is compared whether or not there is an account: the time tells nothing."""
    compared = []

    async def counting(password: str, kept: str) -> bool:
        compared.append(kept.split("$")[:4])
        return await passwords.is_password(password, kept)

    monkeypatch.setattr("productflo.service.accounts.is_password", counting)
    await refusal(accounts, "ben@example.com", PASSWORD, "")
    await accounts.sign_in("ana@example.com", PASSWORD, "")
    assert compared == [["scrypt", "256", "8", "3"]] * 2


async def test_an_id_of_somebody_else_is_not_given_by_accident(accounts: Accounts, redis: Redis) -> None:
    """Made of the email, an id must be free; the operator may name one that somebody has."""
    await redis.sadd(user_rooms("ben"), "lab")
    for email in ("ana@other.example", "ben@example.com", "haitch@example.com", "service@example.com"):
        with pytest.raises(Conflict) as refused:
            await accounts.add(email, PASSWORD, None, "", [])
        assert "--id" in refused.value.message
    assert (await accounts.add("ben@example.com", PASSWORD, "ben", "", [])).name == "ben"
    for bad in ("haitch", "service", "a b", ""):
        with pytest.raises(ValidationFailed):
            await accounts.add("cy@example.com", PASSWORD, bad, "", [])


async def test_an_email_has_one_account(accounts: Accounts) -> None:
    """Also when it is written otherwise, and when several add it at once."""
    with pytest.raises(Conflict):
        await accounts.add("ANA@example.com", PASSWORD, "ana2", "", [])
    added = await asyncio.gather(
        *(accounts.add("cy@example.com", PASSWORD, f"cy{n}", "", []) for n in range(8)),
        return_exceptions=True,
    )
    (won,) = [one for one in added if not isinstance(one, Conflict)]
    assert won in await accounts.all()


@pytest.mark.parametrize(
    ("email", "name", "team"),
    [
        ("ana", "", "hw"),
        ("a@b@c", "", "hw"),
        ("a b@c", "", "hw"),
        (f"{'a' * 250}@example.com", "", "hw"),
        ("cy@example.com", "C\x1by", "hw"),
        ("cy@example.com", "", "h w"),
    ],
)
async def test_what_is_no_account_is_refused(accounts: Accounts, email: str, name: str, team: str) -> None:
    """An email without a place, a name that does not print, a team that is no id."""
    with pytest.raises(ValidationFailed):
        await accounts.add(email, PASSWORD, "cy", name, [team])


async def test_a_password_can_be_changed_and_an_account_removed(accounts: Accounts) -> None:
    """The old password is worth nothing then; nor is the account; what is not there can not be changed."""
    await refusal(accounts, "ana@example.com", WRONG, "")
    await accounts.set_password("Ana@example.com", WRONG)
    assert isinstance(await refusal(accounts, "ana@example.com", PASSWORD, ""), Unauthenticated)
    assert (await accounts.sign_in("ana@example.com", WRONG, "")).user_id == "ana"
    await accounts.remove("Ana@example.com")
    await refusal(accounts, "ana@example.com", WRONG, "")
    for gone in (accounts.remove("ana@example.com"), accounts.set_password("ana@example.com", WRONG)):
        with pytest.raises(NotFound):
            await gone


async def test_the_store_knows_no_password(accounts: Accounts, redis: Redis) -> None:
    """Who reads the store finds a hash."""
    kept = await redis.hgetall("account:ana@example.com")
    assert set(kept) == {b"user_id", b"name", b"teams", b"password"}
    assert PASSWORD.encode() not in b"".join(kept.values())


async def test_guessing_one_email_ends(accounts: Accounts, redis: Redis) -> None:
    """After ten failures not even the right password comes in, until the count is forgotten; others do."""
    tries = await asyncio.gather(
        *(refusal(accounts, "ana@example.com", WRONG, f"192.0.2.{n}") for n in range(PER_EMAIL + 5))
    )
    assert len([one for one in tries if isinstance(one, Unauthenticated)]) == PER_EMAIL
    limited = await refusal(accounts, "ANA@example.com", PASSWORD, "")
    assert isinstance(limited, RateLimited)
    assert 0 < (limited.retry_after or 0) <= WINDOW
    assert 0 < await redis.ttl("login:ana@example.com") <= WINDOW
    await accounts.add("ben@example.com", PASSWORD, None, "", [])
    assert (await accounts.sign_in("ben@example.com", PASSWORD, "")).user_id == "ben"
    await redis.delete("login:ana@example.com")
    assert (await accounts.sign_in("ana@example.com", PASSWORD, "")).user_id == "ana"


async def test_emails_without_an_account_are_limited_too(accounts: Accounts) -> None:
    """The limit tells as little as the refusal which emails have an account."""
    for _ in range(PER_EMAIL):
        assert isinstance(await refusal(accounts, "nobody@example.com", WRONG, ""), Unauthenticated)
    assert isinstance(await refusal(accounts, "nobody@example.com", WRONG, ""), RateLimited)


async def test_a_success_forgets_what_failed(accounts: Accounts, redis: Redis) -> None:
    """Somebody who mistypes each morning is never locked out, nor is an office of many."""
    for _ in range(3):
        for _ in range(PER_EMAIL - 1):
            await refusal(accounts, "ana@example.com", WRONG, "")
        await accounts.sign_in("ana@example.com", PASSWORD, "192.0.2.1")
    assert int(await redis.get("login:192.0.2.1")) == 0


async def test_guessing_from_one_address_ends(accounts: Accounts, redis: Redis) -> None:
    """One password tried on many emails; a proxy's or this machine's own address says nothing."""
    await redis.set("login:192.0.2.1", PER_ADDRESS, ex=WINDOW)
    assert isinstance(await refusal(accounts, "ana@example.com", PASSWORD, "192.0.2.1"), RateLimited)
    for own in ("127.0.0.1", "::1", "::ffff:127.0.0.1", ""):
        await accounts.sign_in("ana@example.com", PASSWORD, own)
    assert not await redis.exists("login:127.0.0.1")


async def test_a_crowd_waits_outside(accounts: Accounts) -> None:
    """More sign-ins at once than are worked off in a moment are refused at once, and the count goes back."""
    crowd = [accounts.sign_in(f"u{n}@example.com", WRONG, "") for n in range(MAX_WAITING + 3)]
    told = await asyncio.gather(*crowd, return_exceptions=True)
    assert len([one for one in told if isinstance(one, RateLimited)]) == 3
    assert (await accounts.sign_in("ana@example.com", PASSWORD, "")).user_id == "ana"


async def test_logging_in_answers_a_token(accounts: Accounts, redis: Redis) -> None:
    """A program gets a token that works, and no cookie."""
    async with door(redis) as http:
        answer = await http.post("/auth/login", json={"email": "Ana@example.com", "password": PASSWORD})
        assert answer.status_code == 200
        assert list(answer.json()) == ["token"]
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
        session = (await http.get("/api/session", headers=bearer)).json()
        assert session == {"mode": "token", "user_id": "ana", "name": "Ana Rey", "teams": ["fw", "hw"]}


async def test_a_page_gets_the_cookie_of_an_invitation(accounts: Accounts, redis: Redis) -> None:
    """What browsers send with an Origin is answered with a cookie that scripts can not read."""
    async with door(redis) as http:
        own = {"Origin": f"http://localhost:{http.base_url.port}"}
        credentials = {"email": "ana@example.com", "password": PASSWORD}
        answer = await http.post("/auth/login", json=credentials, headers=own)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert verify(http.cookies[COOKIE], SECRET, time.time()).user_id == "ana"
        assert (await http.get("/api/session")).json()["user_id"] == "ana"


async def test_another_site_logs_nobody_in(accounts: Accounts, redis: Redis) -> None:
    """Its Origin is refused before the password is looked at."""
    async with door(redis) as http:
        credentials = {"email": "ana@example.com", "password": PASSWORD}
        evil = {"Origin": "http://evil.example"}
        assert (await http.post("/auth/login", json=credentials, headers=evil)).status_code == 403


async def test_what_can_go_wrong_has_its_status(accounts: Accounts, redis: Redis) -> None:
    """401 for a wrong password, 400 for what is no login, 429 with Retry-After for too many."""
    async with door(redis) as http:
        wrong = {"email": "ana@example.com", "password": WRONG}
        for _ in range(PER_EMAIL):
            assert (await http.post("/auth/login", json=wrong)).status_code == 401
        limited = await http.post("/auth/login", json=wrong)
        assert limited.status_code == 429
        assert limited.json()["error"]["code"] == "RATE_LIMITED"
        assert 0 < int(limited.headers["retry-after"]) <= WINDOW
        for body in ({}, {"email": 7, "password": PASSWORD}, {"email": "ana", "password": PASSWORD}):
            assert (await http.post("/auth/login", json=body)).status_code == 400


async def test_an_open_server_has_no_accounts(accounts: Accounts, redis: Redis) -> None:
    """There is nothing to be let into, and nothing to sign with: 404."""
    async with door(redis, secret=None) as http:
        credentials = {"email": "ana@example.com", "password": PASSWORD}
        answer = await http.post("/auth/login", json=credentials)
        assert answer.status_code == 404
        assert "open" in answer.json()["error"]["message"]
