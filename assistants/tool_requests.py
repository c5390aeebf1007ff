"""What a model asks of tools, put together from the chunks in which it comes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistants.errors import ModelError
from assistants.surrogates import mended

if TYPE_CHECKING:
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

MOST = 16
"""Calls in one round of a model: one that asks for more is caught in a loop of its own."""
MOST_ARGUMENTS = 100_000
"""Characters of one call's arguments."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool that the model wants called; `arguments` is JSON, if the model kept to it."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class _Begun:
    id: str
    index: int | None
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class ToolRequests:
    """Gathers the calls of one answer.

    By the chunk's `index` where it has one, else by its `id`: Ollama has sent calls without an index, others
    give all calls the index 0 and each an id of its own.
    """

    _begun: list[_Begun] = field(default_factory=list)

    def add(self, chunks: "Iterable[ChoiceDeltaToolCall]") -> None:
        """Take the `tool_calls` of a chunk. Raises `ModelError` where they exceed a limit."""
        for chunk in chunks:
            names = bool(chunk.function and chunk.function.name)
            call = self._find(chunk.index, chunk.id or "", names=names)
            if chunk.function:
                call.name += chunk.function.name or ""
                call.arguments += chunk.function.arguments or ""
            if len(call.arguments) > MOST_ARGUMENTS:
                raise ModelError(f"The model gave a tool more than {MOST_ARGUMENTS:,} characters.")

    def complete(self) -> list[ToolRequest]:
        """The calls in the order in which they were begun; each has an id."""
        return [
            ToolRequest(call.id or f"call_{number}", mended(call.name), mended(call.arguments) or "{}")
            for number, call in enumerate(self._begun, start=1)
        ]

    def _find(self, index: int | None, call_id: str, *, names: bool) -> _Begun:
        anonymous = index is None and not call_id
        for call in reversed(self._begun):
            if anonymous and names and call.name:
                break
            same_id = not call_id or not call.id or call.id == call_id
            if same_id and (index is None or call.index is None or call.index == index):
                call.id = call.id or call_id
                return call
        if len(self._begun) == MOST:
            raise ModelError(f"The model asked for more than {MOST} tools at once.")
        self._begun.append(_Begun(call_id, index))
        return self._begun[-1]
