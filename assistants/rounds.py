"""A model and its tools, in turn: it asks for some, is given what they found, and answers in the end."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from assistants import tracing
from assistants.errors import AssistantError, ModelError, NotApproved
from assistants.sanitize import Sanitizer
from assistants.surrogates import mended
from assistants.tool_requests import ToolRequest
from productflo.protocol.messages import ToolCall

if TYPE_CHECKING:
    from assistants.context import Context
    from assistants.ports import Model, Turn
    from assistants.tools import Tool

log = logging.getLogger(__name__)

MAX_ROUNDS = 8
"""Requests for one answer where the caller does not say."""
SHOWN = 1000
"""Characters of arguments and result that the room sees of a call."""


class Rounds:
    """The rounds of one answer. `tools` are by name; what they do goes on the context's receipt."""

    def __init__(self, ctx: "Context[Any]", model: "Model", tools: "Sequence[Tool[..., Any]]") -> None:
        self._ctx = ctx
        self._model = model
        self._tools = {tool.name: tool for tool in tools}
        if len(self._tools) < len(tools):
            raise ValueError("two tools have the same name")
        self._described = [tool.described() for tool in tools]

    async def run(self, turns: "Sequence[Turn]", *, name: str, most: int) -> AsyncGenerator[str, None]:
        """The answer in pieces, from all rounds, with nothing in it that loads by itself.

        Raises `ModelError`, also where `most` rounds brought no answer. What runs is cancelled when the
        generator is closed.
        """
        messages: list[Turn] = list(turns)
        sanitizer = Sanitizer()
        spoken = False
        for _ in range(most):
            said: list[str] = []
            requests: list[ToolRequest] = []
            parts = self._model.stream(messages, model=name, receipt=self._ctx.receipt, tools=self._described)
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, ToolRequest):
                        requests.append(part)
                        continue
                    if spoken and not said:
                        part = f"\n\n{part}"  # What it says after a tool is a paragraph of its own.
                    said.append(part)
                    if shown := sanitizer.feed(part):
                        yield shown
            if not requests:
                if rest := sanitizer.finish():
                    yield rest
                return
            spoken = spoken or bool(said)
            messages += [_asked(mended("".join(said)).lstrip("\n"), requests), *await self._results(requests)]
        raise ModelError(f"The model used its tools {most} times without coming to an answer.")

    async def _results(self, requests: Sequence[ToolRequest]) -> "list[Turn]":
        """Call what was asked for: side by side what only looks, then in order what acts."""
        acting = [request for request in requests if self._acts(request)]
        looking = [request for request in requests if not self._acts(request)]
        results: dict[str, str] = {}
        async with asyncio.TaskGroup() as tasks:
            running = {request.id: tasks.create_task(self._call(request)) for request in looking}
        for call_id, task in running.items():
            results[call_id] = task.result()
        for request in acting:
            results[request.id] = await self._call(request)
        return [
            {"role": "tool", "tool_call_id": request.id, "content": results[request.id]}
            for request in requests
        ]

    def _acts(self, request: ToolRequest) -> bool:
        tool = self._tools.get(request.name)
        return tool is not None and tool.acting

    async def _call(self, request: ToolRequest) -> str:
        """Call one tool; what the model is told of it, whatever happened."""
        call = ToolCall(
            name=request.name[:SHOWN],
            arguments=request.arguments[:SHOWN],
            state="running",
            acting=self._acts(request),
        )
        at = self._ctx.receipt.call(call)
        state: Literal["done", "failed", "refused"] = "failed"
        result = "It was ended."
        try:
            known = request.name if request.name in self._tools else "unknown"
            with tracing.span("execute_tool", {"gen_ai.tool.name": known}):
                state, result = await self._outcome(request)
        finally:
            ended = {"state": state, "result": result[:SHOWN]}
            self._ctx.receipt.called(at, call.model_copy(update=ended))
        return result

    async def _outcome(self, request: ToolRequest) -> tuple[Literal["done", "failed", "refused"], str]:
        tool = self._tools.get(request.name)
        if tool is None:
            return "failed", f"There is no tool {request.name!r}; there are {', '.join(self._tools)}."
        try:
            arguments = tool.validated(request.arguments)
            if tool.acting:
                await self._approved(tool, arguments)
            return "done", await tool.run(self._ctx, arguments)
        except NotApproved as error:
            return "refused", f"{error} It was not done. Do not try again unless somebody asks for it."
        except AssistantError as error:
            return "failed", str(error)
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("The tool %s failed in %s, reference %s", tool.name, self._ctx.room, reference)
            return "failed", f"The tool {tool.name} failed. Reference for the operator: {reference}."

    async def _approved(self, tool: "Tool[..., Any]", arguments: BaseModel) -> None:
        """Ask a person for exactly these arguments. Raises `NotApproved`."""
        first_line = tool.description.partition("\n")[0]
        await self._ctx.ask(f"{tool.name}: {first_line}", arguments=arguments.model_dump(mode="json"))


def _asked(said: str, requests: Sequence[ToolRequest]) -> dict[str, Any]:
    """The model's own turn, as it has to be repeated to it."""
    calls = [
        {
            "id": request.id,
            "type": "function",
            "function": {"name": request.name, "arguments": request.arguments},
        }
        for request in requests
    ]
    return {"role": "assistant", "content": said or None, "tool_calls": calls}
