"""What an answer used and does: shown to the room while it is written, and kept with the finished message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from productflo.protocol.outbound import AnswerContext, ToolCall


async def _nothing() -> None:
    """What happens before an acting tool where no worker keeps the answer."""


@dataclass(slots=True)
class Receipt:
    """One try at an answer fills it; the worker reads it.

    `changed` is called when the room should see something new of it. `before_acting` is awaited before a tool
    that acts runs, and remembers that in the store: an answer that has acted is not begun again by another
    worker.
    """

    model: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    context: AnswerContext | None = None
    tools: list[ToolCall] = field(default_factory=list)
    status: str = ""
    changed: Callable[[], None] = field(default=lambda: None, repr=False)
    before_acting: Callable[[], Awaitable[None]] = field(default=_nothing, repr=False)

    def say(self, words: str) -> None:
        """Show the room what is being done; other words take its place, its end removes it."""
        self.status = words
        self.changed()
