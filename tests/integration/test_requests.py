"""Typed requests and commands, from the client that sends one to the answer that everybody gets."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import httpx
import pytest
from chatting import Client, Server, web_process
from model_server import ModelServer, request_texts, speaks
from pydantic import BaseModel, Field, model_validator
from redis.asyncio import Redis
from workers import working

from assistants import Context, assistant
from assistants.documentation import documentation
from assistants.haitch import haitch
from assistants.idea import idea
from assistants.llm import ChatModel
from assistants.requests import schemas
from productflo.store.profiles import Profile, Profiles


class BomRequest(BaseModel):
    """What `bom_check` asks for."""

    part: str = Field(min_length=2)
    revision: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.part == "ghost":
            raise ValueError("there is no such part")
        return self


@assistant("bom", requests={"bom_check": BomRequest}, commands={"parts": "Count the parts"})
async def bom(ctx: Context) -> AsyncIterator[str]:
    if isinstance(ctx.request, BomRequest):
        yield f"{ctx.request.part}, revision {ctx.request.revision + 1}"
    else:
        yield f"{ctx.command}: {ctx.text}"


@assistant("eager")
async def eager(ctx: Context) -> AsyncIterator[str]:
    yield f"I heard {ctx.text}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the web process and the workers keep files."""
    return tmp_path_factory.mktemp("requests")


@pytest.fixture(scope="module")
async def server(store_url: str, folder: Path) -> AsyncIterator[Server]:
    """An open server without assistants in its rooms, and with the workers' files."""
    async with web_process(folder, REDIS_URL=store_url, PRODUCTFLO_DEFAULT_ASSISTANTS=",") as server:
        yield server


@pytest.fixture
def files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers of this process keep files where the web process has them."""
    monkeypatch.setenv("PRODUCTFLO_DATA_DIR", str(folder))


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def ana(server: Server, room: str) -> AsyncIterator[Client]:
    async with server.client("ana") as ana:
        await ana.join(room)
        yield ana


@pytest.fixture
async def ben(server: Server, room: str, ana: Client) -> AsyncIterator[Client]:
    async with server.client("ben") as ben:
        await ben.join(room)
        yield ben


async def add(server: Server, room: str, assistant_id: str, listens: str = "mentions") -> None:
    async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "ana"}) as http:
        path = f"/api/rooms/{room}/assistants/{assistant_id}"
        answer = await http.put(path, json={"listens": listens})
        assert answer.status_code == 204, answer.text


async def test_haitch_chat(
    server: Server, store_url: str, room: str, ana: Client, ben: Client, model: ModelServer
) -> None:
    """Everybody reads the query and its fields; the answer is a chat_response; the model knows the fields."""
    model.play(speaks("M4, ", "says the datasheet."))
    async with working(store_url, haitch, model=ChatModel(api_key=None, base_url=model.url)):
        await add(server, room, "haitch")
        await ana.say("haitch_chat", room, query="Which screws?", doc_type="datasheet", message_id="q1")
        asked = await ben.until("chat_response", sender="ana")
        answer = await ben.until("chat_response", sender="haitch", status="success")
    assert asked["data"]["message"] == "Which screws?"
    assert asked["data"]["message_id"] == "q1"
    assert asked["data"]["request"] == {"code": "haitch_chat", "assistant": "haitch", "doc_type": "datasheet"}
    assert answer["data"]["message"] == "M4, says the datasheet."
    assert answer["data"]["reply_to"] == "q1"
    assert "kind of document: datasheet" in list(request_texts(model.exchanges[0]))[-1]


async def test_a_registered_code(server: Server, store_url: str, room: str, ana: Client, ben: Client) -> None:
    """Its answer has a code of its own, and is a message: in the history, in a resume, for reactions."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("bom_check", room, part="A-7", revision=2, message_id="q2")
        answer = await ben.until("bom_check_response", sender="bom", status="success")
        await ben.say("reaction", room, message_id=answer["data"]["message_id"], emoji="ok", action="add")
        await ana.until("reaction", sender="ben")
    assert answer["data"]["message"] == "A-7, revision 3"
    await ana.say("historic", room)
    page = (await ana.until("historic_response"))["data"]["messages"]
    assert [one["code"] for one in page] == ["chat_response", "bom_check_response"]
    assert page[0]["message"] == "bom_check:\npart: A-7\nrevision: 2"
    assert page[0]["request"] == {"code": "bom_check", "assistant": "bom", "part": "A-7", "revision": 2}
    assert page[1]["reactions"] == {"ok": ["ben"]}
    async with server.client("cy") as cy:
        await cy.join(room, since=0)
        missed = await cy.until("bom_check_response")
    assert missed["data"]["message"] == "A-7, revision 3"


async def test_what_a_request_leaves_is_deleted_whole(
    server: Server, store_url: str, room: str, ana: Client
) -> None:
    """Its fields go with its text; so does an answer of a code of its own."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("bom_check", room, part="secret", message_id="q3")
        answer = await ana.until("bom_check_response", sender="bom", status="success")
        for message_id in ("q3", answer["data"]["message_id"]):
            await ana.say("delete", room, message_id=message_id)
            await ana.until("delete", message_id=message_id)
    await ana.say("historic", room)
    page = (await ana.until("historic_response"))["data"]["messages"]
    assert all(one["deleted"] and "request" not in one and not one["message"] for one in page)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "data"),
        ({"part": "A"}, "data.part"),
        ({"part": "A-7", "revision": "two"}, "data.revision"),
        ({"part": "A-7", "revision": 0}, "data.revision"),
        ({"part": "A-7", "message_id": "\n"}, "data.message_id"),
        ({"part": "A-7", "more": "x" * 70_000}, "data"),
    ],
)
async def test_wrong_fields_are_told_at_once(
    server: Server, store_url: str, room: str, ana: Client, data: dict[str, object], field: str
) -> None:
    """By the owner's schema, naming the field; nothing of it is in the room."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("bom_check", room, **data)
        error = await ana.error()
    assert (error["code"], error["field"], error["request_code"]) == ("VALIDATION_ERROR", field, "bom_check")
    await ana.say("historic", room)
    assert not (await ana.until("historic_response"))["data"]["messages"]


async def test_what_only_the_model_knows_is_wrong_is_told_by_the_answer(
    server: Server, store_url: str, room: str, ana: Client, ben: Client
) -> None:
    """The room reads a failed answer that names the fault; the asker alone gets an error besides."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("bom_check", room, part="ghost", message_id="q4")
        error = await ana.error()
        answer = await ben.until("bom_check_response", status="success")
    assert answer["data"]["assistant"]["state"] == "failed"
    assert "there is no such part" in answer["data"]["message"]
    assert (error["code"], error["message_id"]) == ("PROCESSING_ERROR", "q4")
    assert not [one for one in [*ben.heard, *await ben.settled()] if one["status"] == "error"]


async def test_a_request_that_nobody_answers(server: Server, store_url: str, room: str, ana: Client) -> None:
    """An unknown code is unsupported, naming those that are known; a known one says what to add."""
    async with working(store_url, bom):
        await ana.say("nobodys_code", room)
        error = await ana.error()
        assert error["code"] == "UNSUPPORTED_MESSAGE_TYPE"
        assert "bom_check" in error["message"]
        await ana.say("bom_check", room, part="A-7")
        error = await ana.error()
        assert error["code"] == "PROCESSING_ERROR"
        assert f"PUT /api/rooms/{room}/assistants/bom" in error["message"]
        await add(server, room, "bom", "off")
        await ana.say("bom_check", room, part="A-7")
        assert (await ana.error())["code"] == "PROCESSING_ERROR"
    for code, told in (
        ("haitch_chat", "HAITCH_CHAT_ERROR"),
        ("engineering", "ENGINEERING_ERROR"),
    ):
        await ana.say(code, room, query="why?")
        assert (await ana.error())["code"] == told


async def test_a_request_whose_owner_has_gone_is_refused(
    server: Server, store_url: str, room: str, ana: Client
) -> None:
    """At once, with the assistant, the code and what to do; nothing is in the room. One that was taken before
    is told so when it is sent again, and a command is a message all the same."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("bom_check", room, part="A-7", message_id="g1")
        taken = await ana.until("chat_response", message_id="g1")
        await ana.until("bom_check_response", status="success")
    await ana.until("presence", user_id="bom", status="offline")
    await ana.say("bom_check", room, part="B-8", message_id="g2")
    error = await ana.error()
    assert (error["code"], error["field"]) == ("PROCESSING_ERROR", "code")
    assert error["message"].startswith(
        "The assistant bom, which answers bom_check, can not answer now: It is not running at present."
    )
    await ana.say("bom_check", room, part="A-7", message_id="g1")
    again = await ana.until("chat_response", message_id="g1")
    assert again["data"]["seq"] == taken["data"]["seq"]
    said = await ana.chat(room, "/parts", message_id="g3")
    assert said["data"]["request"] == {"code": "/parts", "assistant": "bom"}
    await ana.say("historic", room)
    page = (await ana.until("historic_response"))["data"]["messages"]
    assert [one["message_id"] for one in page if one["sender"] == "ana"] == ["g1", "g3"]


async def test_a_request_goes_to_an_owner_that_can_answer(
    server: Server, store_url: str, redis: Redis, room: str, ana: Client
) -> None:
    """Where the room has two; where the only one is broken, the error says what a room may read of it."""
    owned = schemas({"bom_check": BomRequest})
    profiles = Profiles(redis)
    await profiles.register(Profile("aardvark", "Aardvark", "", ("mention",), owned))
    await profiles.register_broken("aardvark", "Its settings are not valid.")
    await add(server, room, "aardvark")
    await ana.say("bom_check", room, part="A-7")
    error = await ana.error()
    assert (
        "aardvark, which answers bom_check, can not answer now: Its settings are not valid."
        in error["message"]
    )
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("bom_check", room, part="A-7", message_id="g4")
        asked = await ana.until("chat_response", message_id="g4")
        await ana.until("bom_check_response", sender="bom", status="success")
    assert asked["data"]["request"]["assistant"] == "bom"


async def test_a_request_wakes_its_owner_only(server: Server, store_url: str, room: str, ana: Client) -> None:
    """Also where another assistant listens to everything; a plain chat wakes that one."""
    async with working(store_url, bom, eager):
        await add(server, room, "bom")
        await add(server, room, "eager", "all")
        await ana.say("bom_check", room, part="A-7", message_id="q5")
        await ana.until("bom_check_response", status="success")
        await ana.say("chat", room, message="/parts of A-7", sender="ana", message_id="q6")
        counted = await ana.until("chat_response", sender="bom", status="success")
        await ana.chat(room, "just talking", message_id="q7")
        heard = await ana.until("chat_response", sender="eager", status="success")
    assert counted["data"]["message"] == "parts: /parts of A-7"
    assert (counted["data"]["reply_to"], heard["data"]["reply_to"]) == ("q6", "q7")


async def test_a_command_names_its_assistant(server: Server, store_url: str, room: str, ana: Client) -> None:
    """It stands on the message; what is no command of this room is text, and so is one in the middle."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        said = await ana.chat(room, "/Parts", message_id="q8")
        assert said["data"]["request"] == {"code": "/parts", "assistant": "bom"}
        for text in ("/usr/bin", "/party", "see /parts", "/partsandmore"):
            assert "request" not in (await ana.chat(room, text))["data"]
    async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "ana"}) as http:
        (listed,) = (await http.get(f"/api/rooms/{room}/assistants")).json()["assistants"]
    assert listed["commands"] == [{"name": "parts", "description": "Count the parts"}]
    assert listed["requests"] == ["bom_check"]


async def test_a_request_sent_again_is_one(server: Server, store_url: str, room: str, ana: Client) -> None:
    """The same id and the same fields; with other fields, or another code, it is a conflict."""
    async with working(store_url, bom, idea, haitch):
        await add(server, room, "bom")
        await ana.say("bom_check", room, part="A-7", message_id="q9")
        first = await ana.until("chat_response", message_id="q9")
        await ana.until("bom_check_response", status="success")
        await ana.say("bom_check", room, part="A-7", message_id="q9")
        again = await ana.until("chat_response", message_id="q9")
        assert again["data"]["seq"] == first["data"]["seq"]
        await ana.say("bom_check", room, part="B-8", message_id="q9")
        assert (await ana.error())["code"] == "CONFLICT"
        await add(server, room, "idea", "mentions")
        await add(server, room, "haitch", "mentions")
        await ana.say("haitch_chat", room, query="why?", message_id="q10")
        await ana.until("chat_response", message_id="q10")
        await ana.say("idea", room, query="why?", message_id="q10")
        assert (await ana.error())["code"] == "CONFLICT"


async def test_nobody_speaks_for_another(server: Server, store_url: str, room: str, ana: Client) -> None:
    """A sender must be the user; what only the server says of a message can not be sent."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("bom_check", room, part="A-7", sender="ben")
        error = await ana.error()
        assert (error["code"], error["field"]) == ("PERMISSION_DENIED", "data.sender")
        forged = {"code": "bom_check", "assistant": "bom", "part": "A-7"}
        said = await ana.chat(room, "hello", request=forged, assistant={"run_id": "x"})
        assert not {"request", "assistant"} & set(said["data"])


@pytest.mark.usefixtures("files")
async def test_a_document_is_a_file_of_the_room(
    server: Server, store_url: str, room: str, ana: Client, ben: Client, model: ModelServer
) -> None:
    """Members read it, strangers do not; the message says what is in it and what is missing."""
    text = "# Drop test\n\n## Scope\n\nTBD\n\n## Open points\n\n- the height: Ana\n- the floor: Ben\n"
    model.play(speaks("```markdown\n", *text.splitlines(keepends=True), "```"))
    async with working(store_url, documentation, model=ChatModel(api_key=None, base_url=model.url)):
        await add(server, room, "documentation")
        await ana.say("documentation", room, query="The drop test", doc_type="test_plan")
        answer = (await ben.until("documentation_response", status="success"))["data"]
    assert answer["message"].startswith("**Drop test** is attached as `drop-test.md`: test plan, ")
    assert "It names 2 open points:\n\n- the height: Ana\n- the floor: Ben" in answer["message"]
    (file_id,) = answer["attached_files"]
    async with httpx.AsyncClient(base_url=server.http) as http:
        path = f"/files/{file_id}/download"
        assert (await http.get(path, headers={"X-User-Id": "ben"})).text == text
        assert (await http.get(path, headers={"X-User-Id": "eve"})).status_code == 403


async def test_a_request_that_fails_has_its_own_error(
    server: Server, store_url: str, room: str, ana: Client, model: ModelServer
) -> None:
    """The asker gets the code that the vendor's clients know; the room reads why."""

    async def script(exchange: object) -> None:
        await exchange.refuse(401)  # type: ignore[attr-defined]

    model.play(script)
    async with working(store_url, idea, model=ChatModel(api_key="wrong", base_url=model.url)):
        await add(server, room, "idea")
        await ana.say("idea", room, query="A bracket", message_id="q11")
        answer = await ana.until("idea_response", status="success")
        error = await ana.error()
    assert "refused the key" in answer["data"]["message"]
    assert (error["code"], error["message_id"]) == ("IDEA_GENERATION_ERROR", "q11")
    assert error["message"] == answer["data"]["message"]
    assert ana.heard[-1]["room_id"] == room


async def test_a_request_is_a_question_of_its_own(
    server: Server, store_url: str, room: str, ana: Client
) -> None:
    """What its sender said just before, or says just after, is another question."""
    async with working(store_url, bom):
        await add(server, room, "bom")
        await ana.say("chat", room, message="@bom one", sender="ana", message_id="a1")
        await ana.say("bom_check", room, part="A-7", message_id="a2")
        await ana.say("chat", room, message="@bom two", sender="ana", message_id="a3")
        answers = [
            await ana.until(code, sender="bom", status="success")
            for code in ("chat_response", "bom_check_response", "chat_response")
        ]
    assert [one["data"]["reply_to"] for one in answers] == ["a1", "a2", "a3"]
