"""What the whole path adds to a model's first word: `PYTHONPATH=tests python benchmarks/first_piece.py`.

A local model server says its first piece as soon as it is asked. A question is asked in a room (WebSocket
client, web process, store, worker, model server, and the pieces back), and then the conversation that the
model was given there is sent to it directly: with the openai client in its plain form, and in the quicker one
that the worker uses (`assistants.llm`), by which the path is judged. They take turns, so that a noisy machine
disturbs all alike. Prints medians and their difference; exit code 1 where that is 15 ms or more.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from chatting import Client, Server, web_process
from model_server import Exchange, ModelServer
from openai import AsyncOpenAI
from processes import PRODUCTFLO, environment, running

from productflo.store.embedded import EmbeddedStore

MOST = 15.0
"""Milliseconds that the path may add at the median."""
PIECES = 5
"""Pieces of an answer; only the first is measured."""


async def script(exchange: Exchange) -> None:
    """The model: a few pieces, a little apart."""
    for number in range(PIECES):
        await exchange.say(f"piece {number} ")
        await asyncio.sleep(0.01)
    await exchange.finish()


async def plainly(model: AsyncOpenAI, messages: list[Any]) -> float:
    """Milliseconds from the request to the first piece, asked with the client as its documentation shows."""
    return await directly(model, messages, {})


async def quickly(model: AsyncOpenAI, messages: list[Any]) -> float:
    """The same, asked as the worker asks."""
    return await directly(model, [], {"messages": messages})


async def directly(model: AsyncOpenAI, messages: list[Any], body: dict[str, Any]) -> float:
    """The same, asked with the client alone; `body` is sent beside what the client has looked at."""
    began, first = time.perf_counter(), 0.0
    async with await model.chat.completions.create(
        model="scripted",
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
        extra_body=body,
    ) as stream:
        async for chunk in stream:
            if not first and chunk.choices and chunk.choices[0].delta.content:
                first = time.perf_counter()
    return (first - began) * 1000


async def in_a_room(client: Client, room: str, text: str) -> float:
    """The same from the envelope of a chat to that of the first piece."""
    began = time.perf_counter()
    await client.say("chat", room, message=text, sender=client.user)
    await client.until("chat_response", index=0)
    took = (time.perf_counter() - began) * 1000
    await client.until("typing", status="stopped")
    return took


@asynccontextmanager
async def everything(model: str) -> AsyncIterator[Server]:
    """A store, a web process and a worker, as `./run` starts them."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        async with EmbeddedStore(data / "store", "the benchmark", fsync="always") as store:
            env = {"REDIS_URL": store.url, "PRODUCTFLO_DEFAULT_ASSISTANTS": "haitch"}
            env |= {"PRODUCTFLO_ASSISTANTS": "haitch", "OPENAI_BASE_URL": model}
            worker = environment(data, **env)
            async with (
                web_process(data, **env) as server,
                running(*PRODUCTFLO, "assistants", "run", env=worker) as process,
            ):
                await process.says("Assistants at work")
                yield server


async def measure(rounds: int, warm: int) -> list[tuple[float, float, float]]:
    """Latencies of each round, in ms: asked plainly, quickly, and in a room."""
    measured: list[tuple[float, float, float]] = []
    async with ModelServer() as server, everything(server.url) as chat:
        server.play(script)
        model = AsyncOpenAI(api_key="none", base_url=server.url)
        async with chat.client("ada") as ada:
            await ada.join("lab", stream=True)
            for number in range(warm + rounds):
                through = await in_a_room(ada, "lab", f"hello {number}")
                messages = server.exchanges[-1].body["messages"]
                plain, quick = await plainly(model, messages), await quickly(model, messages)
                if number >= warm:
                    measured.append((plain, quick, through))
        await model.close()
    return measured


def told(name: str, values: Sequence[float]) -> str:
    """A row of the table."""
    ordered = sorted(values)
    return (
        f"{name:<15} {statistics.median(ordered):8.2f} {ordered[len(ordered) // 10]:8.2f}"
        f" {ordered[len(ordered) * 9 // 10]:8.2f}"
    )


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--warm", type=int, default=20)
    options = parser.parse_args()
    plain, quick, through = zip(*asyncio.run(measure(options.rounds, options.warm)), strict=True)
    print(f"{options.rounds} questions, load {os.getloadavg()[0]:.1f}; ms to the first piece")
    print(f"{'':<15} {'median':>8} {'p10':>8} {'p90':>8}")
    print(
        told("direct, plainly", plain), told("direct, quickly", quick), told("in a room", through), sep="\n"
    )
    more = statistics.median(through) - statistics.median(quick)
    plain_more = statistics.median(through) - statistics.median(plain)
    print(f"the path adds {more:.2f} ms to the quicker one, {plain_more:.2f} ms to the plain one")
    sys.exit(more >= MOST)


if __name__ == "__main__":
    main()
