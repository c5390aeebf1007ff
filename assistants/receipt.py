"""What an answer used and does: shown to the room while it is written, and kept with the finished message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from productflo.protocol.outbound import AnswerContext, FileNote, ToolCall


async def _nothing() -> None:
    """What happens before an acting tool where no worker keeps the answer."""


@dataclass(slots=True)
class Receipt:
    """One try at an answer fills it; the worker reads it.

    `attached` are ids of files that the finished message attaches. `changed` is called when the room should
    see something new of it. `before_acting` is awaited before a tool that acts runs, and remembers that in
    the store: an answer that has acted is not begun again by another worker.
    """

    model: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    context: AnswerContext | None = None
    tools: list[ToolCall] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    status: str = ""
    changed: Callable[[], None] = field(default=lambda: None, repr=False)
    before_acting: Callable[[], Awaitable[None]] = field(default=_nothing, repr=False)

    def note_read(self, file_id: str, name: str, cut: bool = False) -> None:
        """Note that a file, or a page by its address, was given to the assistant, perhaps not to its end."""
        context = self.context or AnswerContext()
        note = FileNote(file_id=file_id, name=name, reason="cut" if cut else None)
        self.context = context.model_copy(
            update={"files_read": [*context.files_read, note], "cut": context.cut or cut}
        )

    def note_skipped(self, file_id: str, name: str, reason: str) -> None:
        """Note why a file, or a page, was not read."""
        context = self.context or AnswerContext()
        note = FileNote(file_id=file_id, name=name, reason=reason)
        self.context = context.model_copy(update={"files_skipped": [*context.files_skipped, note]})

    def note_messages(self, from_seq: int, to_seq: int, *, cut: bool) -> None:
        """Note which messages were read; `cut` where older ones were left out."""
        context = self.context or AnswerContext()
        update = {"from_seq": from_seq, "to_seq": to_seq, "cut": context.cut or cut}
        self.context = context.model_copy(update=update)

    def say(self, words: str) -> None:
        """Show the room what is being done; other words take its place, its end removes it."""
        self.status = words
        self.changed()
