"""A worker's own `/metrics`, and its traces."""

import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import answers
import httpx
import pytest
from answers import Gates, finished, waits
from counting import here
from model_server import ModelServer, speaks
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from processes import PRODUCTFLO, environment, running
from prometheus_client.parser import text_string_to_metric_families
from rooms import Listener, TestRoom
from workers import working

from assistants import Context, assistant
from assistants.llm import ChatModel
from productflo.store.events import PieceSaid
from productflo.store.runs import RunStore

room, heard, gates = answers.room, answers.heard, answers.gates


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


async def test_a_worker_tells_what_it_counts(store_url: str, tmp_path: Path, port: int) -> None:
    """A real process, on the port that is named."""
    env = environment(
        tmp_path,
        REDIS_URL=store_url,
        PRODUCTFLO_ASSISTANTS="guide",
        PRODUCTFLO_WORKER_METRICS_PORT=str(port),
    )
    async with running(*PRODUCTFLO, "assistants", "run", env=env) as process:
        await process.says("Assistants at work")
        async with httpx.AsyncClient() as http:
            told = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    names = {family.name for family in text_string_to_metric_families(told)}
    assert {"productflo_answers", "productflo_threads_left_behind", "productflo_store_away"} <= names


async def test_a_port_that_is_taken(store_url: str, tmp_path: Path) -> None:
    """The worker says which setting is wrong, and does not start."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        env = environment(tmp_path, REDIS_URL=store_url, PRODUCTFLO_WORKER_METRICS_PORT=str(number))
        async with running(*PRODUCTFLO, "assistants", "run", env=env) as process:
            assert await process.ends() == 1
    assert f"PRODUCTFLO_WORKER_METRICS_PORT={number}: Address already in use" in process.lines[-1]


async def test_traces_need_their_packages_or_nothing(store_url: str, tmp_path: Path) -> None:
    """An address to send traces to, without the extra: the worker says what to install."""
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("raise ImportError('no', name='opentelemetry')")
    env = environment(tmp_path, REDIS_URL=store_url, PYTHONPATH=str(tmp_path))
    env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
    async with running(*PRODUCTFLO, "assistants", "run", env=env) as process:
        assert await process.ends() == 1
    assert "opentelemetry is not installed: pip install 'productflo-chat[otel]'" in process.lines[-1]


NAMES = [
    "answers_total echo done",
    "answer_seconds_count echo",
    "answer_first_piece_seconds_count echo",
    "answer_queue_seconds_count echo",
    "answer_retries_total echo",
    "answers_running echo",
    "model_tokens_total scripted prompt",
    "model_tokens_total scripted completion",
    "model_first_chunk_seconds_count scripted",
]


def counts() -> list[float]:
    """How those stand in this process."""
    return [here(name, *labels) for name, *labels in map(str.split, NAMES)]


@assistant("echo")
async def asks(ctx: Context) -> AsyncIterator[str]:
    """Ask the model what was asked."""
    async for piece in ctx.llm([{"role": "user", "content": ctx.text}], model="scripted"):
        yield piece


async def test_an_answer_is_counted(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Once each: the answer, its times, its tokens; nothing runs afterwards."""
    before, cost = counts(), here("model_cost_total", "scripted")
    async with ModelServer() as server:
        server.play(speaks("Hello."))
        async with working(store_url, asks, model=ChatModel(api_key=None, base_url=server.url)):
            await room.say("ada", "hello", wake=["echo"])
            await heard.until(finished())
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1, 1, 0, 0, 7, 3, 1]
    assert here("model_cost_total", "scripted") == cost  # Nobody named a price.


async def test_a_failure_of_the_model_is_counted(store_url: str, room: TestRoom, heard: Listener) -> None:
    """By the client's name for it, each time that it was asked."""
    before = here("model_failures_total", "scripted", "RateLimitError")
    async with ModelServer() as server:
        model = ChatModel(api_key=None, base_url=server.url, first_wait=0.01)
        async with working(store_url, asks, model=model):
            await room.say("ada", "hello", wake=["echo"])
            for _ in range(3):
                await (await server.asked()).refuse(429)
            await heard.until(finished())
    assert here("model_failures_total", "scripted", "RateLimitError") == before + 3


async def test_an_answer_begun_again_is_counted(
    store_url: str, room: TestRoom, heard: Listener, gates: Gates
) -> None:
    """As a retry; while it is written it runs."""
    before = here("answer_retries_total", "echo")
    async with working(store_url, waits(gates)):
        await room.say("ada", "hello", wake=["echo"])
        await heard.until(lambda events: any(isinstance(event, PieceSaid) for event in events))
        assert here("answers_running", "echo") == 1
    async with working(store_url, waits(gates)):
        gates.opened.set()
        await heard.until(finished(1))
    assert await RunStore(room.redis).running("lab", ["echo"]) == []
    assert here("answer_retries_total", "echo") == before + 1
    assert here("threads_left_behind") == 0
    assert here("assistants_blocked_total", "nobody") == 0


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    """What a tracing server would get; OpenTelemetry takes one provider a process."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


async def test_an_answer_is_traced(
    store_url: str, room: TestRoom, heard: Listener, exporter: InMemorySpanExporter
) -> None:
    """A span of the answer, over threads the model's within it, and no word of anybody."""
    exporter.clear()
    async with ModelServer() as server:
        server.play(speaks("the canary sings"))
        async with working(store_url, asks, model=ChatModel(api_key=None, base_url=server.url)):
            await room.say("ada", "does the canary sing?", wake=["echo"])
            await heard.until(finished())
    spans: dict[str, ReadableSpan] = {span.name: span for span in exporter.get_finished_spans()}
    (answer,) = await room.answers()
    assert spans["chat"].parent is not None
    assert spans["chat"].parent.span_id == spans["answer"].get_span_context().span_id
    times = dict(spans["answer"].attributes or {})
    assert all(0 < times.pop(f"productflo.{name}_seconds") < 20 for name in ("queue", "first_piece"))
    assert times == {
        "productflo.assistant": "echo",
        "productflo.run_id": answer["assistant"]["run_id"],
    }
    assert dict(spans["chat"].attributes or {}) == {
        "gen_ai.request.model": "scripted",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
    }
    assert not re.search("canary", "".join(span.to_json() for span in spans.values()))
