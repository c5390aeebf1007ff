"""What a check of a room found: findings by kind, each a column of the report."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a finding is about."""

    LOST = "lost"
    DOUBLED = "doubled"
    OUT_OF_ORDER = "out of order"
    HOLE = "unexplained holes"
    UNTRUE = "untrue"
    UNANSWERED = "unanswered"
    LOST_AND_TOLD = "lost and told"
    REWOUND_FOR_NOTHING = "rewound for nothing"


FAILURES = (Kind.LOST, Kind.DOUBLED, Kind.OUT_OF_ORDER, Kind.HOLE, Kind.UNTRUE, Kind.UNANSWERED)
"""Kinds that no store is allowed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or has to be counted; `what` is for people, `times` for the table."""

    kind: Kind
    what: str
    times: int = 1


@dataclass(slots=True)
class Result:
    """A room, checked."""

    room: str
    sent: int = 0
    acknowledged: int = 0
    logged: int = 0
    heard: int = 0
    sent_again: int = 0
    resumed: int = 0
    gaps: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def count(self, kind: Kind) -> int:
        """How many findings there are of a kind."""
        return sum(finding.times for finding in self.findings if finding.kind is kind)

    def failures(self, *, may_lose: bool = False) -> list[Finding]:
        """What must not be; `may_lose`: the store is one that may lose what it acknowledged, if it tells."""
        bad = FAILURES if may_lose else (*FAILURES, Kind.LOST_AND_TOLD)
        return [finding for finding in self.findings if finding.kind in bad]
