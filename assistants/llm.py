"""A model behind an OpenAI-compatible server: Chat Completions, streamed.

Chat Completions and not the Responses API, because Ollama, vLLM, llama.cpp and LM Studio all serve it. The
client retries nothing by itself: it would sleep without a word for up to two minutes. What is tried again
here is tried before the first piece only, and the room sees it.
"""

import asyncio
import importlib
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from assistants.errors import ModelError
from assistants.faults import Fault, diagnose
from assistants.ports import Turn
from assistants.receipt import Receipt
from assistants.tool_requests import ToolRequest, ToolRequests
from productflo.settings import Settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

log = logging.getLogger(__name__)

OPENAI = "https://api.openai.com/v1"
"""Where the client goes without a base URL."""
NO_KEY = "none"
"""Sent where a server is configured without a key: the client refuses to start without one."""
GAP = 60.0
"""Seconds of silence after which the model counts as gone: a large local model may think that long."""
CONNECT = 10.0
"""Seconds to reach the model server."""
TRIES = 3
"""Requests for one answer, as long as nothing of it has come."""
FIRST_WAIT = 1.0
"""Seconds before the second try where the server does not name them; doubled for the third."""
LONGEST_WAIT = 60.0
"""Seconds that a server may ask us to wait; a person who waits longer had rather ask again."""


class ChatModel:
    """The operator's model server. `api_key` and `base_url` may be None or empty, which both mean unset.

    One instance serves all assistants of a worker and any number of answers at once.
    """

    def __init__(
        self, *, api_key: str | None, base_url: str | None, gap: float = GAP, first_wait: float = FIRST_WAIT
    ) -> None:
        self._base_url = base_url or None
        self._api_key = api_key or (NO_KEY if self._base_url else None)
        self._gap = gap
        self._first_wait = first_wait
        self._importing: asyncio.Task[Any] | None = None
        self._opened: AsyncOpenAI | None = None

    @property
    def configured(self) -> bool:
        """Whether there is a server to ask."""
        return self._api_key is not None

    @property
    def where(self) -> str:
        """The server's address, without a password that it may carry; fit for a room."""
        url = urlsplit(self._base_url or OPENAI)
        return urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))

    def warm_up(self) -> None:
        """Begin to import the client in the background: 1.7 s that the first asker need not wait."""
        if self._importing is None:
            self._importing = asyncio.create_task(asyncio.to_thread(importlib.import_module, "openai"))

    async def aclose(self) -> None:
        """Close the connections to the server."""
        if self._importing is not None:
            await asyncio.wait({self._importing})
        if self._opened is not None:
            await self._opened.close()

    async def stream(
        self,
        turns: Sequence[Turn],
        *,
        model: str,
        receipt: Receipt,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> AsyncGenerator[str | ToolRequest, None]:
        """The model's answer to a conversation, in pieces as they come; then the tools that it asks for.

        `tools` are as Chat Completions describes them. What was used is added to `receipt`. Raises
        `ModelError`, told for the room, also where the answer ends before the model said that it is complete;
        the pieces until then were the model's. Closing the generator, or cancelling the task that reads it,
        closes the connection at once.
        """
        client = await self._client()
        receipt.model = model
        waits = 0
        while True:
            begun = False
            try:
                async with aclosing(self._request(client, turns, model, receipt, tools)) as parts:
                    async for part in parts:
                        begun = True
                        yield part
                return
            except Exception as error:
                fault = diagnose(error, where=self.where, model=model)
                if fault is None:
                    raise
                log.warning("The model %s at %s: %r", model, self.where, error)
                if begun or not fault.passing or waits + 1 >= TRIES:
                    raise ModelError(fault.words) from error
                await self._wait(fault, receipt, self._first_wait * 2**waits, error)
                waits += 1

    async def _request(
        self,
        client: "AsyncOpenAI",
        turns: Sequence[Turn],
        model: str,
        receipt: Receipt,
        tools: Sequence[Mapping[str, Any]],
    ) -> AsyncGenerator[str | ToolRequest, None]:
        """One request; the stream is closed in whatever way this generator ends.

        The conversation and the tools go as `extra_body`, because they are JSON already: the client compares
        each turn with all types that one could have, 0.13 ms a turn in which the worker does nothing else.
        `tool_choice` and `strict` are not sent: some servers refuse them.
        """
        stream: AsyncStream[ChatCompletionChunk]
        messages = [dict(turn) for turn in turns]
        offered = {"tools": [dict(tool) for tool in tools]} if tools else {}
        requests = ToolRequests()
        async with (
            receipt.meter.request(model, messages, tools) as spending,
            await client.chat.completions.create(
                model=model,
                messages=[],
                stream=True,
                stream_options={"include_usage": True},
                extra_body={"messages": messages, **offered},
            ) as stream,
        ):
            finish: str | None = None
            try:
                async for chunk in stream:
                    await spending.heard(chunk)
                    for choice in (chunk.choices or ())[:1]:
                        finish = choice.finish_reason or finish
                        if not choice.delta:
                            continue
                        requests.add(choice.delta.tool_calls or ())
                        if choice.delta.content:
                            yield choice.delta.content
            finally:
                receipt.use(spending.used)
        _check_end(finish)
        for request in requests.complete() if tools else ():
            yield request

    async def _wait(self, fault: Fault, receipt: Receipt, usual: float, error: Exception) -> None:
        seconds = usual if fault.retry_after is None else fault.retry_after
        if seconds > LONGEST_WAIT:
            raise ModelError(
                f"{fault.words} It asks us to wait {seconds:.0f} s; please ask again then."
            ) from error
        receipt.say(f"{fault.words} Trying again in {max(1, round(seconds))} s.")
        await asyncio.sleep(seconds)

    async def _client(self) -> "AsyncOpenAI":
        """The client, made on first use. Raises `ModelError` where no model is configured."""
        if not self.configured:
            raise ModelError(
                "No model is configured. Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own."
            )
        self.warm_up()
        assert self._importing is not None  # noqa: S101 - `warm_up` has set it
        openai = await asyncio.shield(self._importing)
        if self._opened is None:
            self._opened = openai.AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url or OPENAI,
                timeout=openai.Timeout(self._gap, connect=CONNECT),
                max_retries=0,
            )
        return self._opened


def model_of(settings: Settings) -> ChatModel:
    """The operator's model server, as these settings name it."""
    key = settings.openai_api_key
    return ChatModel(api_key=key.get_secret_value() if key else None, base_url=settings.openai_base_url)


def _check_end(finish: str | None) -> None:
    """An end without a reason is a broken one, though the wire does not say so."""
    match finish:
        case None:
            raise ModelError("The model's answer ended before it was complete.")
        case "length":
            raise ModelError("The model reached its length limit here.")
        case "content_filter":
            raise ModelError("The model server's content filter ended the answer.")
