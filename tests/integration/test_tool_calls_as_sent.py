"""Tool calls as model servers send them: in odd pieces, cut off, broken off, too many at once."""

from typing import Any

import asked_model
import pytest
from asking import context
from model_server import Exchange, ModelServer, tool_results, uses
from tooling import answer, stock, whose

from assistants import ModelError, tool
from assistants.llm import ChatModel

gap, server, model = asked_model.gap, asked_model.server, asked_model.model


async def without_index(exchange: Exchange) -> None:
    """A real Ollama bug: two calls, no index, whole in one chunk each."""
    for call_id, part in (("a", "M4"), ("b", "M10")):
        function = {"name": "stock", "arguments": f'{{"part": "{part}"}}'}
        await exchange.chunk({"tool_calls": [{"id": call_id, "type": "function", "function": function}]})


async def without_index_and_id(exchange: Exchange) -> None:
    """And one that leaves out the id too."""
    for part in ("M4", "M10"):
        function = {"name": "stock", "arguments": f'{{"part": "{part}"}}'}
        await exchange.chunk({"tool_calls": [{"type": "function", "function": function}]})


async def all_at_zero(exchange: Exchange) -> None:
    """A gateway that gives every call the index 0."""
    for call_id, part in (("a", "M4"), ("b", "M10")):
        await exchange.call("stock", {"part": part}, call_id, 0)


async def interleaved(exchange: Exchange) -> None:
    """Two calls whose chunks come in turn."""
    for at in (0, 1):
        function = {"name": "stock", "arguments": ""}
        await exchange.chunk({"tool_calls": [{"index": at, "id": f"c{at}", "function": function}]})
    for cut in (slice(0, 8), slice(8, None)):
        for at, text in enumerate(('{"part": "M4"}', '{"part": "M10"}')):
            await exchange.chunk({"tool_calls": [{"index": at, "function": {"arguments": text[cut]}}]})


@pytest.mark.parametrize("asks", [without_index, without_index_and_id, all_at_zero, interleaved])
@pytest.mark.parametrize("reason", ["tool_calls", "stop"])
async def test_calls_as_servers_send_them(
    server: ModelServer, model: ChatModel, asks: Any, reason: str
) -> None:
    """Each call is found, whatever names it, and whatever the server says that it ended for."""

    async def script(exchange: Exchange) -> None:
        if tool_results(exchange):
            await exchange.say("Counted.")
            await exchange.finish()
        else:
            await asks(exchange)
            await exchange.finish(reason)

    server.play(script)
    ctx = context(model)
    assert await answer(ctx, stock) == "Counted."
    assert tool_results(server.exchanges[-1]) == ["2", "3"]
    ids = [call["id"] for call in server.exchanges[-1].body["messages"][1]["tool_calls"]]
    assert len(set(ids)) == 2
    assert all(ids)


@pytest.mark.parametrize("reason", [None, "length"])
async def test_a_call_that_is_cut_off_is_not_made(
    server: ModelServer, model: ChatModel, reason: str | None
) -> None:
    """Half of its arguments may be missing: the answer fails instead."""

    async def script(exchange: Exchange) -> None:
        await exchange.call("stock", {"part": "M4"})
        await exchange.finish(reason)

    server.play(script)
    ctx = context(model)
    with pytest.raises(ModelError, match=r"ended before it was complete|length limit"):
        await answer(ctx, stock)
    assert ctx.receipt.tools == []


async def test_a_busy_server_between_rounds_is_asked_again(server: ModelServer, model: ChatModel) -> None:
    """The tool does not run twice for it."""
    busy = iter([False, True, False])
    plays = uses(("whose", {}), then="Ada.")

    async def script(exchange: Exchange) -> None:
        await (exchange.refuse(429, Retry_After="0") if next(busy) else plays(exchange))

    server.play(script)
    ctx = context(model)
    assert await answer(ctx, whose) == "Ada."
    assert len(ctx.receipt.tools) == 1


async def test_a_call_that_breaks_off_is_asked_again(server: ModelServer, model: ChatModel) -> None:
    """Nothing was said and nothing called: the request is repeated, and the tool runs once."""
    plays = uses(("stock", {"part": "M4"}), then="There are 2.")

    async def script(exchange: Exchange) -> None:
        if len(server.exchanges) > 1:
            await plays(exchange)
            return
        function = {"name": "stock", "arguments": '{"part": "M'}
        await exchange.chunk({"tool_calls": [{"index": 0, "id": "call_0", "function": function}]})
        exchange.break_off()

    server.play(script)
    ctx = context(model)
    assert await answer(ctx, stock) == "There are 2."
    assert [call.state for call in ctx.receipt.tools] == ["done"]


async def test_an_emoji_that_is_cut_in_two(server: ModelServer, model: ChatModel) -> None:
    """In what the model says, in its arguments, and half of one in a result: all of it can be sent on."""

    @tool
    async def half(part: str) -> str:
        """Give back the first half."""
        return f"{part}\ud83d"

    async def script(exchange: Exchange) -> None:
        if tool_results(exchange):
            await exchange.say("Yes.")
            await exchange.finish()
            return
        await exchange.say("\ud83d", "\ude00")
        for part in ('{"part": "\ud83d', '\ude00"}'):
            function = {"name": "half" if "{" in part else None, "arguments": part}
            await exchange.chunk({"tool_calls": [{"index": 0, "id": "call", "function": function}]})
        await exchange.finish("tool_calls")

    server.play(script)
    ctx = context(model)
    assert (await answer(ctx, half)).endswith("Yes.")
    assert tool_results(server.exchanges[-1]) == ["\U0001f600\ufffd"]
    assert server.exchanges[-1].body["messages"][1]["content"] == "\U0001f600"
    assert ctx.receipt.tools[0].arguments == '{"part": "\U0001f600"}'


async def test_too_many_calls_at_once(server: ModelServer, model: ChatModel) -> None:
    """A round is bounded as well."""

    async def script(exchange: Exchange) -> None:
        for at in range(17):
            await exchange.call("whose", {}, f"c{at}", at)
        await exchange.finish("tool_calls")

    server.play(script)
    with pytest.raises(ModelError, match="more than 16 tools"):
        await answer(context(model), whose)
