"""What operators and balancers ask, while the store goes away and comes back."""

import asyncio
from pathlib import Path

import httpx
from cast import unique
from chatting import PATIENCE_SECONDS, Server, web_process
from wire import wired


async def answers(http: httpx.AsyncClient, status: int) -> httpx.Response:
    """Ask `/readyz` until it answers so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (answer := await http.get("/readyz")).status_code != status:
            pass
    return answer


async def test_a_server_is_up_and_ready(server: Server) -> None:
    """Both, without saying who asks."""
    async with httpx.AsyncClient(base_url=server.http) as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        assert (await http.get("/readyz")).json() == {"status": "ready"}


async def test_readiness_follows_the_store(store_url: str, tmp_path: Path, room: str) -> None:
    """Up all the while; not ready while the store is away; ready, and chatting on, when it is back."""
    (ada,) = unique("ada")
    async with wired(store_url) as wire:
        env = {"REDIS_URL": wire.url, "PRODUCTFLO_DEFAULT_ASSISTANTS": ","}
        async with (
            web_process(tmp_path, **env) as server,
            httpx.AsyncClient(base_url=server.http, timeout=PATIENCE_SECONDS) as http,
            server.client(ada) as tab,
        ):
            await tab.chat(room, "before")
            await wire.cut()
            away = await answers(http, 503)
            assert away.json()["error"]["code"] == "STORE_AWAY"
            assert int(away.headers["Retry-After"]) >= 1
            assert (await http.get("/healthz")).status_code == 200
            listed = await http.get("/api/rooms", headers={"X-User-Id": ada})
            assert (listed.status_code, listed.json()["error"]["code"]) == (503, "STORE_AWAY")
            await tab.say("historic", room)
            assert (await tab.error())["code"] == "STORE_AWAY"
            await tab.say("chat", room, message="meanwhile", sender=ada)
            await wire.mend()
            assert (await tab.until("chat_response", message="meanwhile"))["data"]["seq"] == 2
            assert (await answers(http, 200)).json() == {"status": "ready"}
            assert (await tab.chat(room, "after"))["data"]["seq"] == 3


async def test_errors_are_told_in_one_shape(server: Server) -> None:
    """Whatever goes wrong over HTTP is JSON with a code."""
    async with httpx.AsyncClient(base_url=server.http) as http:
        for method, path, status, code in (
            ("GET", "/api/rooms", 401, "UNAUTHENTICATED"),
            ("GET", "/api/rooms?user_id=a%20b", 400, "VALIDATION_ERROR"),
            ("GET", "/api/nowhere", 404, "NOT_FOUND"),
            ("DELETE", "/api/rooms?user_id=ada", 405, "PROCESSING_ERROR"),
        ):
            answer = await http.request(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
