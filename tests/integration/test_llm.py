"""The real openai client against a local model server that misbehaves as servers do."""

import asyncio
from contextlib import aclosing
from typing import Any

import asked_model
import pytest
from model_server import MODEL, Exchange, ModelServer, request_texts, speaks

from assistants.budget import tokens_of_messages
from assistants.errors import ModelError
from assistants.llm import ChatModel
from assistants.receipt import Receipt

server, model = asked_model.server, asked_model.model


@pytest.fixture
def gap() -> float:
    """Seconds of a server's silence."""
    return 0.5


TURNS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Ada: why?"}]


async def ask(model: ChatModel, receipt: Receipt | None = None, into: list[str] | None = None) -> str:
    """The whole answer; its pieces also go `into` a list, for those that do not come to an end."""
    pieces = [] if into is None else into
    async with aclosing(model.stream(TURNS, model=MODEL, receipt=receipt or Receipt())) as stream:
        async for piece in stream:
            pieces.append(piece)
    return "".join(pieces)


async def told(model: ChatModel, pieces: list[str] | None = None) -> str:
    """What the room would be told of a failure."""
    with pytest.raises(ModelError) as error:
        await ask(model, into=pieces)
    return str(error.value)


async def test_an_answer_comes_in_pieces(server: ModelServer, model: ChatModel) -> None:
    """Each piece can be read before the next one was sent; model and usage are noted."""
    receipt = Receipt()
    async with aclosing(model.stream(TURNS, model=MODEL, receipt=receipt)) as stream:
        first = asyncio.create_task(anext(stream))
        exchange = await server.asked()
        await exchange.say("Because")
        assert await first == "Because"
        await exchange.say(" it", " is.")
        await exchange.finish()
        assert [piece async for piece in stream] == [" it", " is."]
    assert (receipt.model, receipt.usage) == (MODEL, {"prompt_tokens": 7, "completion_tokens": 3})
    assert list(request_texts(exchange)) == ["Be brief.", "Ada: why?"]
    assert exchange.path == "/v1/chat/completions"


def counted(prompt: int, completion: int) -> dict[str, Any]:
    """What a server says that was used."""
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": 0}}


def said(text: str, finish: str | None = None) -> dict[str, Any]:
    """A chunk of an answer."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


END = {"choices": []}
STYLES = {
    "OpenAI: once, at the end": [said("four" * 3), said("", "stop"), END | counted(70, 3)],
    "vLLM's continuous_usage_stats: so far, in each": [
        *(said("four") | counted(70, number) for number in (1, 2, 3)),
        said("", "stop") | counted(70, 3),
        END | counted(70, 3),
    ],
    "the prompt first, the answer at the end": [
        END | counted(70, 0),
        said("four" * 3),
        said("", "stop") | counted(0, 3),
    ],
    "the same twice": [said("four" * 3), said("", "stop") | counted(70, 3), END | counted(70, 3)],
}


@pytest.mark.parametrize("chunks", STYLES.values(), ids=STYLES.keys())
async def test_usage_is_counted_once_however_it_is_told(
    server: ModelServer, model: ChatModel, chunks: list[dict[str, Any]]
) -> None:
    """The last word of each request; the requests of an answer are added up."""

    async def play(exchange: Exchange) -> None:
        for chunk in chunks:
            await exchange.event(chunk)
        await exchange.finish(None)

    server.play(play)
    receipt = Receipt()
    for times in (1, 2):
        assert await ask(model, receipt) == "four" * 3
        assert receipt.usage == {"prompt_tokens": 70 * times, "completion_tokens": 3 * times}
    assert not receipt.estimated


async def test_what_a_server_did_not_count_is_estimated(server: ModelServer, model: ChatModel) -> None:
    """From where it counted last, when the answer is ended in its midst; all of it, when it never counts."""
    estimate = {"prompt_tokens": tokens_of_messages(TURNS), "completion_tokens": 2}
    for chunks, usage in (
        ([said("four"), said("four")], estimate),
        ([said("four") | counted(70, 5), said("four")], {"prompt_tokens": 70, "completion_tokens": 6}),
    ):
        receipt = Receipt()
        async with aclosing(model.stream(TURNS, model=MODEL, receipt=receipt)) as stream:
            first = asyncio.create_task(anext(stream))
            exchange = await server.asked()
            for chunk in chunks:
                await exchange.event(chunk)
            assert [await first, await anext(stream)] == ["four", "four"]
        assert (receipt.usage, receipt.estimated) == (usage, True)
    receipt = Receipt()
    asking = asyncio.create_task(ask(model, receipt))
    exchange = await server.asked()
    for chunk in (said("four"), said("four", "stop")):
        await exchange.event(chunk)
    await exchange.finish(None)
    await asking
    assert (receipt.usage, receipt.estimated) == (estimate, True)


async def test_a_request_that_fails_uses_nothing(server: ModelServer, model: ChatModel) -> None:
    """And is not told as nothing used."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.refuse(400)

    server.play(refuse)
    receipt = Receipt()
    with pytest.raises(ModelError):
        await ask(model, receipt)
    assert (receipt.usage, receipt.estimated) == ({}, False)


async def test_a_server_without_a_key_is_asked_with_a_placeholder(
    server: ModelServer, model: ChatModel
) -> None:
    """The client would refuse to start without one."""
    server.play(speaks("yes"))
    assert await ask(model) == "yes"
    assert (await server.asked()).headers["authorization"] == "Bearer none"


async def test_without_key_and_address_nothing_is_asked() -> None:
    """Empty counts as unset, as `.env` templates have it; the room is told what to set."""
    model = ChatModel(api_key="", base_url="")
    assert not model.configured
    assert "OPENAI_API_KEY" in await told(model)


async def test_a_busy_server_is_asked_again_and_the_room_sees_it(
    server: ModelServer, model: ChatModel
) -> None:
    """429 with the seconds that it asks for; the answer then comes as if nothing had been."""
    words: list[str] = []
    receipt = Receipt(changed=lambda: words.append(receipt.status))
    asking = asyncio.create_task(ask(model, receipt))
    await (await server.asked()).refuse(
        429, {"message": "slow down", "code": "rate_limit_exceeded"}, Retry_After="0"
    )
    again = await server.asked()
    await again.say("here")
    await again.finish()
    assert await asking == "here"
    assert words == ["The model server is rate-limited. Trying again in 1 s."]


@pytest.mark.parametrize(
    ("status", "words"), [(429, "rate-limited"), (500, "status 500"), (503, "status 503")]
)
async def test_after_three_tries_it_is_told(
    server: ModelServer, model: ChatModel, status: int, words: str
) -> None:
    """The number of tries is bounded."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.refuse(status)

    server.play(refuse)
    assert words in await told(model)
    assert len(server.exchanges) == 3


async def test_a_long_wait_is_not_waited_for(server: ModelServer, model: ChatModel) -> None:
    """Whoever must wait five minutes is told so at once."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.refuse(429, Retry_After="300")

    server.play(refuse)
    assert "wait 300 s" in await told(model)
    assert len(server.exchanges) == 1


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, {"message": "bad key"}, "refused the key"),
        (403, {"message": "not allowed"}, "refused the key"),
        (404, {"message": "no such model"}, "knows no model scripted, or its address lacks /v1"),
        (400, {"message": "too long", "code": "context_length_exceeded"}, "too long for the model scripted"),
        (400, {"message": "maximum context length is 4096 tokens"}, "too long for the model"),
        (400, {"message": "the request exceeds the available context size"}, "too long for the model"),
        (400, {"message": "unknown field"}, "rejected the request (status 400)"),
    ],
)
async def test_a_refusal_is_told_and_not_repeated(
    server: ModelServer, model: ChatModel, status: int, error: dict[str, str], words: str
) -> None:
    """What would be refused again is asked once."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.refuse(status, error)

    server.play(refuse)
    assert words in await told(model)
    assert len(server.exchanges) == 1


async def test_nobody_listens() -> None:
    """The address is told, without the password in it."""
    async with ModelServer() as gone:
        address = gone.url
    model = ChatModel(api_key="k", base_url=address.replace("//", "//user:secret@"), first_wait=0.01)
    assert await told(model) == f"The model is not reachable at {address}."
    await model.aclose()


async def test_an_address_that_lacks_its_version(server: ModelServer) -> None:
    """The usual mistake in OPENAI_BASE_URL is told as such."""
    model = ChatModel(api_key="k", base_url=server.url.removesuffix("/v1"), first_wait=0.01)
    assert "or its address lacks /v1" in await told(model)
    await model.aclose()


async def breaks_off(exchange: Exchange) -> None:
    await exchange.say("half")
    exchange.break_off()


async def ends_silently(exchange: Exchange) -> None:
    await exchange.say("half")
    await exchange.finish(None)


async def errs_in_band(exchange: Exchange) -> None:
    await exchange.say("half")
    await exchange.raw(b'data: {"error": {"message": "overloaded", "code": "overloaded"}}\n\n')


async def garbles(exchange: Exchange) -> None:
    await exchange.say("half")
    await exchange.raw(b"data: {not json\n\n")


async def falls_silent(exchange: Exchange) -> None:
    await exchange.say("half")


async def runs_out(exchange: Exchange) -> None:
    await exchange.say("half")
    await exchange.finish("length")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (breaks_off, "not reachable"),
        (ends_silently, "ended before it was complete"),
        (errs_in_band, "reported an error in the middle"),
        (garbles, "not Chat Completions"),
        (falls_silent, "went silent"),
        (runs_out, "length limit"),
    ],
)
async def test_an_answer_that_breaks_is_kept_and_told(
    server: ModelServer, model: ChatModel, script: object, words: str
) -> None:
    """What was said stays ours; it is not asked again, because the room has read half of it."""
    server.play(script)  # type: ignore[arg-type]
    pieces: list[str] = []
    assert words in await told(model, pieces)
    assert pieces == ["half"]
    assert len(server.exchanges) == 1


async def test_chunks_without_text_are_passed_over(server: ModelServer, model: ChatModel) -> None:
    """Reasoning, tool calls without an index, empty choices: servers send them, they are no text."""

    async def odd(exchange: Exchange) -> None:
        await exchange.chunk({"role": "assistant", "content": None, "reasoning_content": "hm"})
        await exchange.chunk({"tool_calls": [{"id": "call", "type": "function", "function": {"name": "f"}}]})
        await exchange.event({"choices": []})
        await exchange.say("fine")
        await exchange.finish()

    server.play(odd)
    assert await ask(model) == "fine"


async def test_closing_the_answer_closes_the_connection(server: ModelServer, model: ChatModel) -> None:
    """The server sees it at once, and can stop to generate."""
    stream = model.stream(TURNS, model=MODEL, receipt=Receipt())
    first = asyncio.create_task(anext(stream))
    exchange = await server.asked()
    await exchange.say("one")
    await first
    assert not exchange.disconnected.is_set()
    await stream.aclose()
    await asyncio.wait_for(exchange.disconnected.wait(), 1)


async def test_cancelling_the_reader_closes_the_connection(server: ModelServer, model: ChatModel) -> None:
    """Also while it waits for the first piece."""
    asking = asyncio.create_task(ask(model))
    exchange = await server.asked()
    asking.cancel()
    await asyncio.wait_for(exchange.disconnected.wait(), 1)
    with pytest.raises(asyncio.CancelledError):
        await asking
