"""The door over real Hypercorn: from where one may call, who one is, invitations, and signing out."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from redis.asyncio import Redis
from serving import doors, serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from productflo.errors import NotFound, ValidationFailed
from productflo.service.invites import INVITE_SECONDS, Invites, guest_id
from productflo.service.tokens import mint, verify
from productflo.store.invites import InviteStore
from productflo.store.keys import user_rooms
from productflo.web.guard import COOKIE, Guard

SECRET = "a-secret-of-at-least-thirty-two-bytes"
SERVICE_KEY = "the key of the other services"


def token(user_id: str = "ana", hours: float = 1, now: float | None = None) -> str:
    return mint(SECRET, user_id, "Ana Rey", ["hw"], hours, time.time() if now is None else now)


def invites_of(redis: Redis) -> Invites:
    return Invites(InviteStore(redis), reserved={"haitch"}.__contains__)


@asynccontextmanager
async def door(
    secret: str | None = SECRET, redis: Redis | None = None, allowed: tuple[str, ...] = ()
) -> AsyncIterator[httpx.AsyncClient]:
    """A running server with this secret, and a client of it."""
    guard = Guard(
        secret=secret, service_key=SERVICE_KEY, allowed_hosts=allowed, reserved={"haitch"}.__contains__
    )
    app = doors(guard, invites=invites_of(redis) if redis else None)
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as http:
        yield http


def address(http: httpx.AsyncClient, path: str = "/ws") -> str:
    return f"ws://localhost:{http.base_url.port}{path}"


async def test_only_our_own_host_is_answered() -> None:
    """A page whose name was rebound to this machine is refused; the operator learns how to allow a name."""
    async with door(None) as http:
        refused = await http.get("/whoami?user_id=ana", headers={"Host": "evil.example"})
        assert refused.status_code == 403
        assert "PRODUCTFLO_ALLOWED_HOSTS=evil.example" in refused.json()["error"]["message"]
        assert (await http.get("/whoami?user_id=ana")).json()["user_id"] == "ana"
    async with door(None, allowed=("chat.example",)) as http:
        assert (await http.get("/whoami?user_id=ana", headers={"Host": "chat.example"})).status_code == 200
        assert (await http.get("/whoami?user_id=ana", headers={"Host": "a.chat.example"})).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
async def test_other_sites_pages_are_refused(origin: str) -> None:
    """By their Origin, for reading and changing alike."""
    async with door(None) as http:
        for method in ("GET", "POST"):
            answer = await http.request(method, "/whoami?user_id=ana", headers={"Origin": origin})
            assert answer.status_code == 403


async def test_our_own_page_is_not() -> None:
    """The page's Origin is the Host, also when a proxy speaks TLS for us."""
    async with door(None, allowed=("chat.example",)) as http:
        own = {"Origin": f"http://localhost:{http.base_url.port}"}
        assert (await http.post("/whoami?user_id=ana", headers=own)).status_code == 200
        proxied = {"Host": "chat.example", "Origin": "https://chat.example"}
        assert (await http.post("/whoami?user_id=ana", headers=proxied)).status_code == 200


async def test_browsers_that_say_cross_site_change_nothing() -> None:
    """Sec-Fetch-Site counts where an Origin is missing; following a link from elsewhere is reading."""
    async with door(None) as http:
        headers = {"Sec-Fetch-Site": "cross-site"}
        assert (await http.post("/whoami?user_id=ana", headers=headers)).status_code == 403
        assert (await http.get("/whoami?user_id=ana", headers=headers)).status_code == 200


@pytest.mark.parametrize("wrong", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
async def test_a_websocket_is_refused_before_it_is_accepted(wrong: dict[str, str]) -> None:
    """Another site's page never gets as far as an open socket."""
    async with door(None) as http:
        fields = {"additional_headers": wrong} if "Origin" in wrong else {}
        target = address(http) if "Origin" in wrong else "ws://evil.example/ws"
        place = {} if "Origin" in wrong else {"host": "localhost", "port": http.base_url.port}
        with pytest.raises(InvalidStatus) as refused:
            async with connect(target, proxy=None, **fields, **place):
                pass
        assert refused.value.response.status_code == 403


async def test_a_websocket_of_our_own_page_is_accepted() -> None:
    """The same Origin, and none at all, as programs send."""
    async with door(None) as http:
        own = {"Origin": f"http://localhost:{http.base_url.port}"}
        for headers in (own, {}):
            async with connect(address(http), additional_headers=headers, proxy=None) as socket:
                assert await socket.recv() == "nobody"


async def test_an_open_server_believes_what_one_says() -> None:
    """By header or query; not an assistant's id, not a malformed one; a token counts for nothing."""
    async with door(None) as http:
        assert (await http.get("/whoami", headers={"X-User-Id": "ana"})).json()["user_id"] == "ana"
        assert (await http.get("/whoami?user_id=ben")).json()["user_id"] == "ben"
        assert (await http.get("/whoami")).status_code == 401
        assert (await http.get("/whoami?user_id=haitch")).status_code == 403
        assert (await http.get("/whoami?user_id=service")).status_code == 403
        assert (await http.get("/whoami", params={"user_id": "a b"})).status_code == 400
        assert (await http.get("/whoami", params={"token": token()})).status_code == 401


async def test_with_a_secret_only_tokens_count() -> None:
    """From each of the four places, the first one deciding; saying a user id counts for nothing."""
    async with door() as http:
        good, bad = token(), token(now=0)
        assert (await http.get("/whoami?user_id=ana", headers={"X-User-Id": "ana"})).status_code == 401
        for params, headers in [
            ({}, {"Authorization": f"Bearer {good}"}),
            ({}, {"Authorization": f"bearer  {good}"}),
            ({"token": good}, {}),
            ({}, {"Cookie": f"{COOKIE}={good}"}),
            ({"token": bad}, {"Authorization": f"Bearer {good}"}),
            ({"token": good}, {"Cookie": f"{COOKIE}={bad}"}),
        ]:
            answer = await http.get("/whoami", params=params, headers=headers)
            assert answer.json() == {"user_id": "ana", "operator": False}
        expired = await http.get("/whoami", params={"token": bad}, headers={"Cookie": f"{COOKIE}={good}"})
        assert expired.status_code == 401
        assert "expired" in expired.json()["error"]["message"]
        reserved = await http.get("/whoami", params={"token": token("haitch")})
        assert reserved.status_code == 401


async def test_the_access_token_is_for_files_and_the_secure_socket() -> None:
    """`?access_token=` counts where the public API has it, and nowhere else."""
    async with door() as http:
        assert (await http.get("/whoami", params={"access_token": token()})).status_code == 401
        async with connect(address(http, f"/ws/secure?access_token={token()}"), proxy=None) as socket:
            assert await socket.recv() == "ana"
        async with connect(address(http, f"/ws?access_token={token()}"), proxy=None) as socket:
            assert await socket.recv() == "nobody"


async def test_a_websocket_s_token_is_refused_after_it_is_accepted() -> None:
    """A browser can read a message and a close code, not a 401."""
    async with door() as http:
        async with connect(address(http, f"/ws?token={token(now=0)}"), proxy=None) as socket:
            assert "expired" in str(await socket.recv())
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd.code == 4401


async def test_the_service_key_makes_an_operator() -> None:
    """In either header, on an open server too; a wrong one is not overlooked."""
    for secret in (None, SECRET):
        async with door(secret) as http:
            for headers in ({"X-Service-Key": SERVICE_KEY}, {"Authorization": f"Bearer {SERVICE_KEY}"}):
                answer = await http.get("/whoami", headers=headers)
                assert answer.json() == {"user_id": "service", "operator": True}
            for wrong in (SERVICE_KEY[:-1], SERVICE_KEY + "é"):
                headers = {"X-Service-Key": wrong.encode()}
                assert (await http.get("/whoami?user_id=ana", headers=headers)).status_code == 401


async def test_a_cookie_alone_changes_nothing() -> None:
    """A form of another site brings the cookie of an old browser, but neither an Origin of ours nor JSON."""
    async with door() as http:
        cookie = {"Cookie": f"{COOKIE}={token()}"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await http.post("/whoami", headers=cookie | form, content=b"a=b")).status_code == 403
        assert (await http.post("/whoami", headers=cookie, json={})).status_code == 200
        own = {"Origin": f"http://localhost:{http.base_url.port}"}
        assert (await http.post("/whoami", headers=cookie | form | own, content=b"a=b")).status_code == 200


async def test_an_invitation_lets_one_person_in(redis: Redis) -> None:
    """Looked at, redeemed into a cookie that scripts can not read, used up; and signing out forgets it."""
    async with door(SECRET, redis) as http:
        invitation = await invites_of(redis).create("Ana Rey")
        path = f"/api/invites/{invitation.code}"
        assert (await http.get(path)).json()["name"] == "Ana Rey"
        assert (await http.get(path)).json()["expires_at"].endswith("Z")
        assert (await http.get("/api/session")).json() == {
            "mode": "token",
            "user_id": None,
            "name": None,
            "teams": [],
        }
        redeemed = await http.post(path, json={})
        session = redeemed.json()
        assert session["name"] == "Ana Rey"
        assert session["user_id"].startswith("ana-rey-")
        cookie = redeemed.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert (await http.get("/api/session")).json() == session
        assert (await http.post(path, json={})).status_code == 404
        assert (await http.get(path)).status_code == 404
        assert (await http.post("/auth/logout", json={})).status_code == 204
        assert (await http.get("/api/session")).json()["user_id"] is None


async def test_the_cookie_is_secure_behind_tls(redis: Redis) -> None:
    """A proxy's TLS shows in the Origin of the browser: such a cookie never travels in the clear."""
    async with door(SECRET, redis, allowed=("chat.example",)) as http:
        code = (await invites_of(redis).create("Ana")).code
        headers = {"Host": "chat.example", "Origin": "https://chat.example"}
        answer = await http.post(f"/api/invites/{code}", headers=headers)
        assert "Secure" in answer.headers["set-cookie"].split("; ")


async def test_another_site_signs_nobody_in_or_out(redis: Redis) -> None:
    """A form without an Origin of ours and without JSON neither uses up an invitation nor ends a session."""
    async with door(SECRET, redis) as http:
        code = (await invites_of(redis).create("Ana")).code
        for path in (f"/api/invites/{code}", "/auth/logout"):
            assert (await http.post(path, data={"a": "b"})).status_code == 403
        assert (await http.get(f"/api/invites/{code}")).status_code == 200


async def test_a_session_that_has_expired_is_nobody_s(redis: Redis) -> None:
    """The page learns that nobody is signed in, instead of an error."""
    async with door(SECRET, redis) as http:
        answer = await http.get("/api/session", headers={"Cookie": f"{COOKIE}={token(now=0)}"})
        assert (answer.status_code, answer.json()["user_id"]) == (200, None)
        known = await http.get("/api/session", headers={"Authorization": f"Bearer {token()}"})
        assert known.json() == {"mode": "token", "user_id": "ana", "name": "Ana Rey", "teams": ["hw"]}


async def test_an_open_server_takes_no_invitations(redis: Redis) -> None:
    """There is nothing to be let into: the answer says so, and uses nothing up."""
    async with door(None, redis) as http:
        code = (await invites_of(redis).create("Ana")).code
        assert (await http.post(f"/api/invites/{code}", json={})).status_code == 404
        assert (await invites_of(redis).look(code)).name == "Ana"
        session = await http.get("/api/session?user_id=ana")
        assert session.json() == {"mode": "open", "user_id": "ana", "name": "ana", "teams": []}


async def test_of_two_who_redeem_at_once_one_comes_in(redis: Redis) -> None:
    """Single use holds under a race."""
    invites = invites_of(redis)
    code = (await invites.create("Ana")).code
    results = await asyncio.gather(*(invites.redeem(code) for _ in range(20)), return_exceptions=True)
    assert len([result for result in results if not isinstance(result, NotFound)]) == 1


async def test_the_store_does_not_know_the_code(redis: Redis) -> None:
    """Who reads the store or a backup finds a hash, and Redis forgets it after a day."""
    invitation = await invites_of(redis).create("Ana")
    keys = [key async for key in redis.scan_iter("*")]
    assert len(keys) == 1
    assert invitation.code.encode() not in keys[0] + (await redis.get(keys[0]))
    assert INVITE_SECONDS - 5 <= await redis.ttl(keys[0]) <= INVITE_SECONDS
    assert invitation.expires_at == pytest.approx(time.time() + INVITE_SECONDS, abs=5)


async def test_an_invitation_never_lets_in_as_somebody_else(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids that an invitation made, or that have joined a room, and assistants' ids are passed over."""
    draws = iter(["ana-0001", "ana-0001", "ana-0002", "haitch", "ana-0003"])
    monkeypatch.setattr("productflo.service.invites.guest_id", lambda name: next(draws))
    await redis.sadd(user_rooms("ana-0002"), "lab")
    invites = invites_of(redis)
    ids = [(await invites.redeem((await invites.create("Ana")).code)).user_id for _ in range(2)]
    assert ids == ["ana-0001", "ana-0003"]


async def test_only_the_operator_lets_a_known_user_in_again(redis: Redis) -> None:
    """A lost cookie: the operator names the id, and gets no assistant's or malformed one."""
    invites = invites_of(redis)
    again = await invites.redeem((await invites.create("Ana", user_id="ana-0001")).code)
    assert (again.user_id, again.name) == ("ana-0001", "Ana")
    for bad in ("haitch", "a b", ""):
        with pytest.raises(ValidationFailed):
            await invites.create("Ana", user_id=bad)
    for name in ("", "  ", "x" * 65, "a\x1bb"):
        with pytest.raises(ValidationFailed):
            await invites.create(name)


@pytest.mark.parametrize("name", ["Ana Rey", "Zoë O'Neil-Straße", "李雷", "🤖", "x" * 64, "---", "haitch"])
def test_a_guest_s_id_is_an_id_and_never_the_name(name: str) -> None:
    """Whatever the name is made of, the id is one, two draws differ, and no name becomes its own id."""
    first, second = guest_id(name), guest_id(name)
    assert first != second
    assert first != name
    assert verify(mint(SECRET, first, name, [], 1, 0), SECRET, 0).user_id == first
