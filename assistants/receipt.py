"""What an answer used and does: shown to the room while it is written, and kept with the finished message."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from assistants.budget import UNMETERED, Meter, Used
from productflo.protocol.messages import AnswerContext, Decided, FileNote, ToolCall


async def _nothing() -> None:
    """What happens before an acting tool where no worker keeps the answer."""


@dataclass(slots=True)
class Receipt:
    """One try at an answer fills it; the worker reads it.

    `attached` are ids of files that the finished message attaches. `changed` is called when the room should
    see something new of it. `before_acting` is awaited before a tool that acts runs, and remembers that in
    the store: an answer that has acted is not begun again by another worker. `meter` counts every request to
    a model, and ends the answer where a budget is used up. `estimated` tells that not all of `usage` is the
    model server's own count.
    """

    model: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    estimated: bool = False
    context: AnswerContext | None = None
    tools: list[ToolCall] = field(default_factory=list)
    approvals: list[Decided] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    status: str = ""
    meter: Meter = field(default=UNMETERED, repr=False)
    changed: Callable[[], None] = field(default=lambda: None, repr=False)
    before_acting: Callable[[], Awaitable[None]] = field(default=_nothing, repr=False)
    _asking: int = field(default=0, repr=False)
    _asking_since: float = field(default=0.0, repr=False)
    _waited: float = field(default=0.0, repr=False)

    def say(self, words: str) -> None:
        """Show the room what is being done; other words take its place, its end removes it."""
        self.status = words
        self.changed()

    @contextmanager
    def waiting_for_a_person(self) -> Iterator[None]:
        """Within the block a person decides: that time is not the assistant's."""
        if self._asking == 0:
            self._asking_since = time.monotonic()
        self._asking += 1
        try:
            yield
        finally:
            waited = self.waited
            self._asking -= 1
            if self._asking == 0:
                self._waited = waited

    @property
    def waited(self) -> float:
        """Seconds that went by for people's decisions, up to now."""
        return self._waited + (time.monotonic() - self._asking_since if self._asking else 0.0)

    def use(self, used: Used) -> None:
        """Add what one request to a model has used, at its end; nothing where it failed at once."""
        if used == Used():
            return
        for name, count in (("prompt_tokens", used.prompt), ("completion_tokens", used.completion)):
            self.usage[name] = self.usage.get(name, 0) + count
        self.estimated = self.estimated or used.estimated

    def call(self, call: ToolCall) -> int:
        """Note that a tool is being called; where the note stands, for `called`."""
        self.tools.append(call)
        self.changed()
        return len(self.tools) - 1

    def called(self, at: int, call: ToolCall) -> None:
        """Note what came of a call."""
        self.tools[at] = call
        self.changed()

    def read_messages(self, from_seq: int, to_seq: int, *, cut: bool) -> None:
        """Note which messages the assistant was given; several readings count as one from first to last."""
        known = self._known
        first = from_seq if known.from_seq is None else min(known.from_seq, from_seq)
        last = to_seq if known.to_seq is None else max(known.to_seq, to_seq)
        self.context = known.model_copy(update={"from_seq": first, "to_seq": last, "cut": known.cut or cut})

    def read_file(self, note: FileNote) -> None:
        """Note that the assistant was given a file; with a reason, not to its end."""
        known = self._known
        read = [*(one for one in known.files_read if one.file_id != note.file_id), note]
        self.context = known.model_copy(
            update={"files_read": read, "cut": known.cut or note.reason is not None}
        )

    def skipped_file(self, note: FileNote) -> None:
        """Note that a file was not given to the assistant, and why."""
        known = self._known
        skipped = [*(one for one in known.files_skipped if one.file_id != note.file_id), note]
        self.context = known.model_copy(update={"files_skipped": skipped})

    @property
    def _known(self) -> AnswerContext:
        return self.context or AnswerContext()
