"""Points that cite the messages they rest on, and the check that those messages were there to be cited.

A model is given messages with their seqs, `[#12] Ada: ...`, and says points as lines, `- text [#12, #15]`.
What it can not cite is not passed on: a citation is the only thing that makes a summary checkable.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from assistants.messages import Message

CITED = re.compile(r"\[\s*(#\d+(?:\s*(?:,|;|and|-)?\s*#\d+)*)\s*\]")
"""`[#12]`, `[#12, #15]`; two in a row are two."""
POINT = re.compile(r"^\s*(?:[-*\u2022]|\d+[.)])\s+(?P<text>\S.*)$")
MAX_LINE = 2_000
"""Characters of a message that the model is given: what matters is said before."""


@dataclass(slots=True)
class Checked:
    """The points of one answer. `given` are the seqs that the model could cite."""

    given: Collection[int]
    points: list[str] = field(default_factory=list)
    cited: set[int] = field(default_factory=set)
    dropped: int = 0
    _begun: str = ""

    def add(self, piece: str) -> list[str]:
        """Take the next piece of what the model says; the points that it completed."""
        *lines, self._begun = (self._begun + piece).split("\n")
        return [point for line in lines if (point := self._check(line))]

    def end(self) -> list[str]:
        """The model has said all; the last point, if there is one."""
        line, self._begun = self._begun, ""
        return [point] if (point := self._check(line)) else []

    def _check(self, line: str) -> str | None:
        """A point with the citations that hold; None for a line that is none, or has none."""
        found = POINT.match(line)
        if found is None:
            return None
        seqs = [int(seq) for group in CITED.findall(line) for seq in re.findall(r"\d+", group)]
        held = [seq for seq in dict.fromkeys(seqs) if seq in self.given]
        text = CITED.sub("", found["text"]).rstrip(" .") if held else ""
        if not text.strip():
            self.dropped += 1
            return None
        self.cited.update(held)
        self.points.append(f"- {' '.join(text.split())} {' '.join(f'[#{seq}]' for seq in held)}")
        return self.points[-1]


def shown(messages: Iterable[Message], name: Callable[[str], str]) -> str:
    """Messages as the model is given them; what somebody wrote can not look like another message."""
    return "\n".join(f"[#{one.seq}] {name(one.sender)}: {_line(one.text)}" for one in messages)


def _line(text: str) -> str:
    line = " ".join(text.split()).replace("[#", "[ #")
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + "…"
