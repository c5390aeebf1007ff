"""A budget in money over the whole path: a client, the web process, a worker and the model's server."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from chatting import Client, web_process
from model_server import Exchange, ModelServer
from processes import PRODUCTFLO, environment, running
from redis.asyncio import Redis

from assistants.budget import STEP

PROMPT_PRICE, COMPLETION_PRICE = 10, 20
"""Of a token, in millionths; for a million tokens the same in whole units."""
DAY = 30_000
"""Millionths: room for the prompt and some 1,450 tokens of answers."""
TOML = f"""
[assistants.reviewer]
prompt = "You review."
model = "scripted"
limits = {{ cost_per_day = {DAY / 1_000_000} }}
"""
PIECE = "four" * 100
"""100 tokens, as this server estimates them."""
USED_UP = "*(The day's budget is used up; it starts again at 00:00 UTC.)*"


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """The model's server."""
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def ana(tmp_path: Path, redis: Redis, store_url: str, model: ModelServer) -> AsyncIterator[Client]:
    """Somebody in a room with the assistant; its worker has limits and prices."""
    file = tmp_path / "assistants.toml"
    file.write_text(TOML)
    worker = environment(
        tmp_path,
        REDIS_URL=store_url,
        PRODUCTFLO_ASSISTANTS=",",
        PRODUCTFLO_ASSISTANTS_FILE=str(file),
        PRODUCTFLO_MODEL_PRICES=f"scripted={PROMPT_PRICE}/{COMPLETION_PRICE}",
        OPENAI_BASE_URL=model.url,
    )
    web = {"REDIS_URL": store_url, "PRODUCTFLO_DEFAULT_ASSISTANTS": "reviewer"}
    async with (
        running(*PRODUCTFLO, "assistants", "run", env=worker) as process,
        web_process(tmp_path / "web", **web) as server,
        server.client("ana") as ana,
    ):
        await process.says("Assistants at work: reviewer")
        await ana.join("room")
        yield ana


async def spent(redis: Redis) -> tuple[int, list[int]]:
    """Millionths that are settled, and those of each reservation."""
    kept = await redis.hgetall("spent:reviewer")
    held = [int(value.split()[1]) for name, value in kept.items() if name.startswith(b"r:")]
    return int(kept.get(b"cost", 0)), held


async def asked(ana: Client, model: ModelServer, words: str) -> Exchange:
    """What reaches the model when Ana says this."""
    await ana.chat("room", f"@reviewer {words}")
    return await model.asked(words)


async def test_money_is_reserved_settled_and_cut(ana: Client, redis: Redis, model: ModelServer) -> None:
    """Reserved before the model is asked, settled by what its server counts; the answer that meets the end of
    the budget is cut in mid-stream, the next one is not begun, and the room is told why."""
    first = await asked(ana, model, "one")
    settled, (held,) = await spent(redis)
    assert settled == 0
    assert STEP * COMPLETION_PRICE < held < DAY
    await first.say("Solid.")
    await first.finish(prompt_tokens=100, completion_tokens=50)
    answer = await ana.until("chat_response", sender="reviewer")
    assert answer["data"]["message"] == "Solid."
    cost = 100 * PROMPT_PRICE + 50 * COMPLETION_PRICE
    assert await spent(redis) == (cost, [])

    second = await asked(ana, model, "two")
    with suppress(ConnectionError):  # It may be closed between a look and the next piece.
        while not second.disconnected.is_set():
            await second.say(PIECE)
            settled, held_now = await spent(redis)
            assert settled + sum(held_now) <= DAY + len(PIECE) // 4 * COMPLETION_PRICE
    answer = await ana.until("chat_response", sender="reviewer")
    assert answer["data"]["message"].endswith(USED_UP)
    assert answer["data"]["assistant"]["state"] == "failed"
    usage = answer["data"]["assistant"]["usage"]
    assert answer["data"]["assistant"]["usage_estimated"]
    assert 1000 < usage["completion_tokens"] < 1500
    cost += usage["prompt_tokens"] * PROMPT_PRICE + usage["completion_tokens"] * COMPLETION_PRICE
    assert await spent(redis) == (cost, [])

    await ana.chat("room", "@reviewer three")
    answer = await ana.until("chat_response", sender="reviewer")
    assert answer["data"]["message"] == USED_UP
    assert len(model.exchanges) == 2
