"""What the descriptions say of the answers is what a running server answers, to the field."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from chatting import Server, web_process
from jsonschema import Draft202012Validator

from productflo.service.invites import Invites
from productflo.store.approvals import Action, ApprovalStore
from productflo.store.connect import open_redis
from productflo.store.invites import InviteStore
from productflo.store.profiles import Profile, Profiles

SERVICE_KEY = "a-service-key-for-tests"
SECRET = "a-secret-of-at-least-thirty-two-bytes"


def closed(schema: Any) -> Any:
    """A schema that allows only the fields that it names."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return {"additionalProperties": False, **inner} if isinstance(schema.get("properties"), dict) else inner


class Described:
    """A client of a server that holds each answer against the server's own description."""

    def __init__(self, http: httpx.AsyncClient, document: dict[str, Any], store_url: str) -> None:
        self.store_url = store_url
        self.http = http
        self.paths = document["paths"]
        self.components = closed(document["components"])
        self.seen: set[str] = set()

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call, and fail where the answer is not as described."""
        (rule,) = [one for one in self.paths if method.lower() in self.paths[one] and _fits(one, path)]
        operation = self.paths[rule][method.lower()]
        answer = await self.http.request(method, path, **options)
        self.seen.add(operation["operationId"])
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            assert answer.status_code >= 400, (rule, answer.status_code)
            described = operation["responses"]["default"]
            if "$ref" in described:
                described = self.components["responses"]["Error"]
        content = described.get("content", {})
        if json := content.get("application/json"):
            schema = {**json["schema"], "components": self.components}
            Draft202012Validator(schema).validate(answer.json())
        else:
            assert bool(answer.content) == bool(content)
        return answer


def _fits(rule: str, path: str) -> bool:
    """Whether a path is one of the rule, and of no rule that is more exact."""
    exact = {"/files/upload"} & {path}
    return rule == path if exact else bool(re.fullmatch(re.sub(r"{\w+}", "[^/]+", rule), path))


@asynccontextmanager
async def described(server: Server, store_url: str, **headers: str) -> AsyncIterator[Described]:
    async with httpx.AsyncClient(base_url=server.http, headers=headers, timeout=30) as http:
        yield Described(http, (await http.get("/openapi.json")).json(), store_url)


async def rooms(api: Described, room: str) -> None:
    """Call everything below /api/rooms."""
    await api.call("POST", "/api/rooms", json={"room_id": room, "members": ["ben"]})
    assert (await api.call("POST", "/api/rooms", json={"room_id": room})).status_code == 409
    for path in ("/api/rooms", f"/api/rooms/{room}", f"/api/rooms/{room}/members", "/api/assistants"):
        assert (await api.call("GET", path)).status_code == 200
    await api.call("PATCH", f"/api/rooms/{room}", json={"stoppers": "asker"})
    await api.call("PUT", f"/api/rooms/{room}/members/cy")
    await api.call("DELETE", f"/api/rooms/{room}/members/cy")
    await api.call("PUT", f"/api/rooms/{room}/assistants/guide", json={"listens": "all"})
    assert (await api.call("GET", f"/api/rooms/{room}/assistants")).json()["assistants"]
    await approvals(api, room)
    await api.call("DELETE", f"/api/rooms/{room}/assistants/guide")
    said = {"user_id": "ana", "message": "hello", "rooms": [room, "room_of_nobody"]}
    await api.call("POST", "/api/broadcast", json=said, headers={"X-Service-Key": SERVICE_KEY})
    for query in ({}, {"before": 1}, {"after": 0, "limit": 1}):
        assert (await api.call("GET", f"/api/rooms/{room}/messages", params=query)).status_code == 200


async def approvals(api: Described, room: str) -> None:
    """Decide on what an assistant asks."""
    asked = Action(room, "guide", "ana", "order: Order a part.", "{}", "msg_1", "msg_1.1", "msg_q")
    async with open_redis(api.store_url) as redis:
        await ApprovalStore(redis).ask("apr_1", asked, 60)
    assert (await api.call("GET", f"/api/rooms/{room}/approvals")).json()["approvals"]
    path = f"/api/rooms/{room}/approvals/apr_1"
    assert (await api.call("POST", path, json={"decision": "approve"})).status_code == 200
    assert (await api.call("POST", path, json={"decision": "deny"})).status_code == 409


async def teams(api: Described) -> None:
    """Call everything below /api/teams."""
    await api.call("PUT", "/api/teams/hw", json={"members": ["ana"]})
    await api.call("PUT", "/api/teams/hw/members/ben")
    for path in ("/api/teams", "/api/teams/hw"):
        assert (await api.call("GET", path)).status_code == 200
    await api.call("DELETE", "/api/teams/hw/members/ben")
    assert (await api.call("DELETE", "/api/teams/hw")).status_code == 204
    assert (await api.call("GET", "/api/teams/hw")).status_code == 404


async def files(api: Described) -> None:
    """Call everything below /files."""
    await api.call("POST", "/files", files={"file": ("plan.txt", b"plan")})
    said = {"description": "a plan", "product_id": "p1", "tags": "a,b"}
    kept = await api.call("POST", "/files/upload", files={"file": ("plan.txt", b"plan")}, data=said)
    path = f"/files/{kept.json()['id']}"
    assert (await api.call("GET", path)).status_code == 200
    assert (await api.call("GET", f"{path}/download")).content == b"plan"


async def sessions(api: Described, code: str) -> None:
    """Come in by invitation, fail to by password, and go out."""
    await api.call("GET", "/api/session")
    assert (await api.call("GET", f"/api/invites/{code}")).status_code == 200
    assert (await api.call("POST", f"/api/invites/{code}", json={})).status_code == 200
    assert (await api.call("GET", "/api/session")).json()["user_id"]
    assert (await api.call("POST", "/auth/logout", json={})).status_code == 204
    wrong = {"email": "ana@example.com", "password": "a housing of cast zinc"}
    assert (await api.call("POST", "/auth/login", json=wrong)).status_code == 401


async def test_every_answer_is_as_described(
    server: Server, store_url: str, room: str, tmp_path: Path
) -> None:
    """Each operation once, the page's own files aside: no status, field or type that is not described."""
    async with open_redis(store_url) as redis:
        await Profiles(redis).register(Profile("guide", "Guide", "Knows the way.", ("mention",)))
        code = (await Invites(InviteStore(redis), lambda _: False).create("Ana")).code
    open_server = web_process(tmp_path, REDIS_URL=store_url, PRODUCTFLO_SERVICE_KEY=SERVICE_KEY)
    async with open_server as server, described(server, store_url, **{"X-User-Id": "ana"}) as api:
        await rooms(api, room)
        await teams(api)
        await files(api)
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json"):
            assert (await api.call("GET", path)).status_code == 200
        seen = api.seen
    closed_server = web_process(tmp_path, REDIS_URL=store_url, PRODUCTFLO_SECRET=SECRET)
    async with closed_server as other, described(other, store_url) as api:
        await sessions(api, code)
        seen |= api.seen
    every = {one["operationId"] for path in api.paths.values() for one in path.values()}
    assert every - seen == {"page", "page_of_room", "page_of_invitation", "asset"}


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json"])
async def test_a_description_needs_no_token(store_url: str, tmp_path: Path, path: str) -> None:
    """Anybody may ask; another site's page may not, as with everything."""
    async with (
        web_process(tmp_path, REDIS_URL=store_url, PRODUCTFLO_SECRET=SECRET) as server,
        httpx.AsyncClient(base_url=server.http) as http,
    ):
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert (await http.get(path, headers={"Origin": "http://evil.example"})).status_code == 403
