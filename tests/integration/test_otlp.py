"""Traces as a collector gets them: OTLP over HTTP, from a worker process to a server that decodes them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from answers import finished
from model_server import ModelServer, speaks
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from processes import PRODUCTFLO, environment, running
from redis.asyncio import Redis
from rooms import PATIENCE, listening, make_room, writing

TOML = """
[assistants.reviewer]
prompt = "You review."
model = "scripted"
"""


class Collector:
    """Takes what is sent to `/v1/traces`; `whole` has it as it came."""

    def __init__(self) -> None:
        self.whole = b""
        self.port = 0
        self._spans: list[Span] = []
        self._came = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("post /v1/traces http/1.1")
        assert "content-type: application/x-protobuf" in head
        body = await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        self.whole += body
        request = ExportTraceServiceRequest.FromString(body)
        self._spans += [
            span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans
        ]
        self._came.set()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n"
            b"Connection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    async def spans(self, *names: str) -> list[Span]:
        """The spans of these names, once all have come."""
        async with asyncio.timeout(PATIENCE):
            while not {*names} <= {span.name for span in self._spans}:
                self._came.clear()
                await self._came.wait()
        return [next(span for span in self._spans if span.name == name) for name in names]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """One on this machine."""
    collector = Collector()
    async with await asyncio.start_server(collector.serve, "127.0.0.1", 0) as server:
        collector.port = server.sockets[0].getsockname()[1]
        yield collector


def attributes(span: Span) -> dict[str, str | int | float]:
    """What is noted about it."""
    values = ((one.key, one.value) for one in span.attributes)
    return {key: getattr(value, value.WhichOneof("value") or "") for key, value in values}


async def test_a_collector_gets_an_answers_times_and_tokens(
    tmp_path: Path, redis: Redis, store_url: str, collector: Collector
) -> None:
    """How long the question waited, when the first piece came, what the model used; no word of anybody."""
    file = tmp_path / "assistants.toml"
    file.write_text(TOML)
    async with ModelServer() as model, writing(redis) as log, listening(redis, "lab") as heard:
        model.play(speaks("the canary", " sings"))
        room = await make_room(redis, log, "lab", assistants=["reviewer"])
        env = environment(
            tmp_path,
            REDIS_URL=store_url,
            OPENAI_BASE_URL=model.url,
            PRODUCTFLO_ASSISTANTS=",",
            PRODUCTFLO_ASSISTANTS_FILE=str(file),
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}",
            OTEL_BSP_SCHEDULE_DELAY="50",
        )
        async with running(*PRODUCTFLO, "assistants", "run", env=env) as worker:
            await worker.says("Assistants at work")
            await room.say("ada", "does the canary sing?", wake=["reviewer"])
            answer, chat = await collector.spans("answer", "chat")
            await heard.until(finished())
    assert (chat.trace_id, chat.parent_span_id) == (answer.trace_id, answer.span_id)
    noted = attributes(answer)
    (told,) = await room.answers()
    assert (noted["productflo.assistant"], noted["productflo.run_id"]) == (
        "reviewer",
        told["assistant"]["run_id"],
    )
    seconds = (answer.end_time_unix_nano - answer.start_time_unix_nano) / 1e9
    assert 0 < float(noted["productflo.first_piece_seconds"]) <= seconds
    assert 0 < float(noted["productflo.queue_seconds"]) < PATIENCE
    assert attributes(chat) == {
        "gen_ai.request.model": "scripted",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
    }
    assert b"canary" not in collector.whole
