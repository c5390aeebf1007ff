"""An assistant that acts, in a real worker: its room sees what it does and approves it, once."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import answers
import httpx
import orjson
import pytest
from answers import finished
from chatting import Server
from model_server import MODEL, ModelServer, tool_results, uses
from pydantic import Field
from redis.asyncio import Redis
from rooms import Listener, TestRoom, answers_of, person
from workers import working

from assistants import Context, NotApproved, assistant, tool
from assistants.llm import ChatModel
from assistants.plugin import Assistant
from productflo.protocol.codes import Kind
from productflo.store.events import Live, RoomEvent
from productflo.store.rooms import Member, Rooms

room, heard = answers.room, answers.heard


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        server.play(uses(("order", {"part": "bracket", "count": 40}), then="Ordered."))
        yield server


def buyer(orders: list[str]) -> Assistant[Any]:
    """An assistant whose one tool orders parts."""

    @tool(acting=True)
    async def order(ctx: Context[Any], part: str, count: Annotated[int, Field(ge=1, le=100)]) -> str:
        """Order a part from the usual supplier."""
        orders.append(f"{count} {part} for {ctx.asker_identity.user_id}")
        return "ordered"

    @assistant("echo")
    async def buys(ctx: Context) -> AsyncIterator[str]:
        ctx.status("looking at the shelf")
        turns = [{"role": "user", "content": message.text} for message in [*await ctx.history(), ctx.message]]
        async for piece in ctx.llm(turns, model=MODEL, tools=[order]):
            yield piece

    return buys


def asked(events: list[RoomEvent]) -> list[dict[str, Any]]:
    """The approvals that the room was asked for."""
    datas = [orjson.loads(event.envelope)["data"] for event in events if isinstance(event, Live)]
    return [data["approval"] for data in datas if data.get("code") == "APPROVAL_ASKED"]


async def decide(server: Server, approval: dict[str, Any], decision: str, by: str = "ada") -> int:
    """Over HTTP, as the page does."""
    path = f"/api/rooms/lab/approvals/{approval['approval_id']}"
    async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": by}) as http:
        return (await http.post(path, json={"decision": decision})).status_code


async def asked_once(room: TestRoom, heard: Listener, text: str) -> dict[str, Any]:
    """Ada says something to the assistant, and it asks for an approval."""
    await room.say("ada", text, wake=["echo"])
    await heard.until(lambda events: len(asked(events)) == 1)
    return asked(heard.events)[0]


async def test_an_answer_given_anew_acts_for_who_wants_it(
    store_url: str, server: Server, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """Bo, who regenerates Ada's question, is asked for the approval, and the order is Bo's."""
    orders: list[str] = []
    await Rooms(room.redis).join("lab", Member("bo", "Bo", Kind.HUMAN), granted=True)
    async with working(store_url, buyer(orders), model=ChatModel(api_key="", base_url=model.url)):
        await room.say("ada", "@echo order some", wake=["echo"])
        await heard.until(lambda events: len(asked(events)) == 1)
        await decide(server, asked(heard.events)[0], "deny")
        await heard.until(finished())
        (first,) = await room.answers()
        model.play(uses(("order", {"part": "bracket", "count": 40}), then="Ordered."))
        await answers_of(room).regenerate(person("bo"), "lab", first["message_id"])
        await heard.until(lambda events: len(asked(events)) == 2)
        approval = asked(heard.events)[1]
        assert approval["asker"] == "bo"
        assert await decide(server, approval, "approve", by="bo") == 200
        await heard.until(finished(2))
    assert orders == ["40 bracket for bo"]


async def test_an_approved_action_is_done_and_shown(
    store_url: str, server: Server, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """With the arguments that were approved; the answer says what was called and what was read."""
    orders: list[str] = []
    async with working(store_url, buyer(orders), model=ChatModel(api_key="", base_url=model.url)):
        approval = await asked_once(room, heard, "order some")
        assert orders == []
        assert approval["action"] == "order: Order a part from the usual supplier."
        assert json.loads(approval["arguments"]) == {"part": "bracket", "count": 40}
        assert await decide(server, approval, "approve") == 200
        await heard.until(finished())
    assert orders == ["40 bracket for ada"]
    (answer,) = await room.answers()
    assert answer["message"] == "Ordered."
    (call,) = answer["assistant"]["tools"]
    assert (call["name"], call["state"], call["acting"], call["result"]) == ("order", "done", True, "ordered")
    (decided,) = answer["assistant"]["approvals"]
    assert (decided["decision"], decided["decided_by"]) == ("approved", "ada")
    assert decided["action"] == approval["action"]
    read = answer["assistant"]["context"]
    assert (read["from_seq"], read["to_seq"], read["cut"]) == (1, 1, False)


async def test_a_denied_action_is_not_done(
    store_url: str, server: Server, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """The model is told, and so is whoever reads the answer."""
    orders: list[str] = []
    async with working(store_url, buyer(orders), model=ChatModel(api_key="", base_url=model.url)):
        approval = await asked_once(room, heard, "order some")
        assert await decide(server, approval, "deny") == 200
        await heard.until(finished())
    assert orders == []
    assert tool_results(model.exchanges[-1])[0].startswith("ada has denied it.")
    assert (await room.answers())[-1]["assistant"]["tools"][0]["state"] == "refused"


async def test_a_person_s_time_is_not_the_assistant_s(
    store_url: str, server: Server, room: TestRoom, heard: Listener
) -> None:
    """An answer may take two seconds here, and somebody thinks for longer."""

    @assistant("echo", limits={"timeout": 2})
    async def asks(ctx: Context) -> AsyncIterator[str]:
        by = await ctx.ask("Send the drawing")
        yield f"{by.name} said yes."

    async with working(store_url, asks):
        approval = await asked_once(room, heard, "send it")
        await asyncio.sleep(2.2)
        assert await decide(server, approval, "approve") == 200
        await heard.until(finished())
    (answer,) = await room.answers()
    assert (answer["message"], answer["assistant"]["state"]) == ("Ada said yes.", "done")


async def test_another_worker_asks_again(
    store_url: str, server: Server, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """The approval that the first one asked for is void: it was bound to that asking."""
    orders: list[str] = []
    async with working(store_url, buyer(orders), model=ChatModel(api_key="", base_url=model.url)):
        await asked_once(room, heard, "order some")
    async with working(store_url, buyer(orders), model=ChatModel(api_key="", base_url=model.url)):
        await heard.until(lambda events: len(asked(events)) == 2)
        first, second = asked(heard.events)
        assert await decide(server, first, "approve") == 409
        assert await decide(server, second, "approve") == 200
        await heard.until(finished())
    assert orders == ["40 bracket for ada"]


async def test_code_can_ask_by_itself(
    store_url: str, server: Server, room: TestRoom, heard: Listener, redis: Redis
) -> None:
    """`ctx.ask` returns who approved, and raises where nobody did."""

    @assistant("echo")
    async def asks(ctx: Context) -> AsyncIterator[str]:
        by = await ctx.ask("Send the drawing", arguments={"to": "Supplier"})
        yield f"{by.name} said yes."
        try:
            await ctx.ask("Send it again", seconds=1)
        except NotApproved as error:
            yield f" {error}"

    async with working(store_url, asks):
        approval = await asked_once(room, heard, "send it")
        assert await decide(server, approval, "approve") == 200
        await heard.until(finished())
    (answer,) = await room.answers()
    assert answer["message"] == "Ada said yes. Nobody approved it in time."
    assert answer["assistant"]["approvals"] == [
        {
            "action": "Send the drawing",
            "arguments": '{"to":"Supplier"}',
            "decision": "approved",
            "decided_by": "ada",
        },
        {"action": "Send it again", "arguments": "{}", "decision": "expired"},
    ]


async def test_the_how_to_works(
    store_url: str, server: Server, room: TestRoom, heard: Listener, model: ModelServer
) -> None:
    """The assistant of docs/how-to/let-an-assistant-act.md, as it is printed there."""
    page = Path(__file__).parents[2] / "docs" / "how-to" / "let-an-assistant-act.md"
    printed = re.search(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert printed is not None
    written = {"__name__": "buying"}
    exec(printed[1], written)  # noqa: S102 - the page is ours
    model.play(
        uses(("stock", {"part": "bracket"}), ("order", {"part": "bracket", "count": 40}), then="Done.")
    )
    buyer: Any = replace(written["buyer"], id="echo")  # type: ignore[type-var]
    async with working(store_url, buyer, model=ChatModel(api_key="", base_url=model.url)):
        approval = await asked_once(room, heard, "Order brackets if there are fewer than 10.")
        assert await decide(server, approval, "approve") == 200
        await heard.until(finished())
    assert tool_results(model.exchanges[-1]) == ["3", "Ordered 40 of bracket for Ada."]
    assert [one["message"] for one in await room.answers()] == ["Done."]
