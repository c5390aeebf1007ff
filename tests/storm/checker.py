"""Compares what clients sent, were acknowledged, were told and heard with a room's log.

It knows nothing of sockets or clocks: `tests/unit/test_storm_checker.py` feeds it lies. A finding has a kind,
which is a column of the report:

- LOST: acknowledged to its sender, and not in the log under that seq.
- DOUBLED: in the log twice, or heard twice (beyond the answers to one's own retries).
- OUT_OF_ORDER: heard after something later; or in the log against the order in which its sender sent it.
- HOLE: a seq that the log does not have, or that a reader never heard, and nobody told it why.
- UNTRUE: two readers who heard different things under one (generation, seq), an acknowledged seq that is not
  the log's, a `continuous` that was none, something heard that was never sent, a refusal that was none.
- UNANSWERED: sent until the end, and neither acknowledged nor refused.

A store that fails over may lose what it acknowledged. It then has to be told (`rewound`) to the one who was
acknowledged: LOST_AND_TOLD, which only such a store is allowed. A `rewound` that was told although everything
that the reader had heard is still there costs a page of history and is counted: REWOUND_FOR_NOTHING.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise

from storm.findings import Finding, Kind, Result
from storm.journal import Abandoned, Asked, Changed, Heard, Joined, Journal, Opened, Refused, Sent, Skipped

RETRYABLE = frozenset({"STORE_AWAY", "UNCONFIRMED", "RATE_LIMITED", "STORE_FULL"})
"""Refusals that ask to send again; any other word about a proper operation is untrue."""


def check(room: str, log: Sequence[Heard], journals: Iterable[Journal]) -> Result:
    """Check a room: its whole log, oldest first, against the journals of all who were there."""
    readings = [_Reading(journal) for journal in journals]
    for reading in readings:
        reading.follow()
    result = Result(room, logged=len(log))
    for reading in readings:
        result.sent += len(reading.times)
        result.sent_again += sum(reading.times.values()) - len(reading.times)
        result.acknowledged += len(reading.acknowledged)
        result.heard += reading.heard
        result.resumed += reading.resumed
        result.gaps += reading.gaps
        result.refused += reading.refused
    sent = {operation for reading in readings for operation in reading.times}
    result.findings += _of_log(log, sent)
    at = {event.seq: event.operation for event in log}
    where = {event.operation: event.seq for event in log}
    for reading in readings:
        result.findings += reading.against(at, where, sent)
        result.findings += reading.findings
    result.findings += _disagreements(readings)
    return result


def _of_log(log: Sequence[Heard], sent: set[str]) -> Iterator[Finding]:
    """A log counts 1, 2, 3, ... and has each operation once, and none that nobody sent."""
    if log and log[0].seq != 1:
        yield Finding(Kind.HOLE, f"the log begins with seq {log[0].seq}")
    for one, following in pairwise(log):
        if following.seq <= one.seq:
            yield Finding(Kind.OUT_OF_ORDER, f"seq {one.seq} of the log is followed by {following.seq}")
        elif following.seq != one.seq + 1:
            yield Finding(Kind.HOLE, f"seq {one.seq} of the log is followed by {following.seq}")
    times = Counter(event.operation for event in log)
    for operation, count in times.items():
        if count > 1:
            yield Finding(Kind.DOUBLED, f"{operation} is in the log {count} times")
    for operation in sorted(times.keys() - sent):
        yield Finding(Kind.UNTRUE, f"{operation} is in the log and was never sent")


def _disagreements(readings: Sequence["_Reading"]) -> Iterator[Finding]:
    """No two readers may have heard different things under one generation and seq."""
    first: dict[tuple[str, int], tuple[str, str]] = {}
    for reading in readings:
        for place, operation in reading.by_place.items():
            known, who = first.setdefault(place, (operation, reading.who))
            if known != operation:
                generation, seq = place
                yield Finding(
                    Kind.UNTRUE,
                    f"{who} heard {known} as {seq} of {generation}, and {reading.who} {operation}",
                )


class _Reading:
    """One journal, followed from its beginning to its end.

    `view` is what the client believes to stand in the room, by seq: what it heard and went on from.
    """

    def __init__(self, journal: Journal) -> None:
        self.who = journal.who
        self.findings: list[Finding] = []
        self.times: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self.by_place: dict[tuple[str, int], str] = {}
        self.refused: Counter[str] = Counter()
        self.heard = self.resumed = self.gaps = 0
        self._journal = journal
        self._view: dict[int, str] = {}
        self._forgotten: list[tuple[str, dict[int, str]]] = []
        self._told: set[str] = set()
        self._abandoned: set[str] = set()
        self._answerless: set[str] = set()
        self._connection = 0
        self._first_sent: dict[str, int] = {}
        self._here: Counter[str] = Counter()
        self._extra: Counter[str] = Counter()
        self._skipped: set[int] = set()
        self._trimmed: list[int] = []
        self._asked: dict[str, Asked] = {}
        self._generation = ""
        self._position = 0

    def follow(self) -> None:
        """Take the journal's entries in their order."""
        for entry in self._journal.entries:
            match entry:
                case Heard():
                    self._hear(entry)
                case Sent(operation):
                    self._send(operation)
                case Opened():
                    self._connection += 1
                    self._here.clear()
                    self._extra.clear()
                case Asked():
                    self._asked[entry.request] = entry
                case Joined():
                    self._join(entry)
                case Changed():
                    self._change(entry)
                case Skipped():
                    self._skip(entry)
                case Refused():
                    self._refuse(entry)
                case Abandoned(operation):
                    self._abandoned.add(operation)
                    self._answerless.discard(operation)

    def against(self, at: Mapping[int, str], where: Mapping[str, int], sent: set[str]) -> Iterator[Finding]:
        """What is wrong with it in the light of the log."""
        last = max(at, default=0)
        self._never_heard()
        for since in self._trimmed:
            if min(at, default=since + 1) <= since + 1:
                yield Finding(Kind.UNTRUE, f"{self.who} was told trimmed at {since}, and the log has it all")
        if self._journal.stayed and self._position < last:
            yield Finding(
                Kind.HOLE,
                f"{self.who} heard nothing after {self._position}, the log ends with {last}",
                last - self._position,
            )
        for seq, operation in self._view.items():
            if at.get(seq) != operation:
                yield Finding(
                    Kind.UNTRUE, f"{self.who} heard {operation} as {seq}, where the log has {at.get(seq)}"
                )
        for operation in sorted(set(self.by_place.values()) - sent):
            yield Finding(Kind.UNTRUE, f"{self.who} heard {operation}, which was never sent")
        for how, forgotten in self._forgotten:
            if all(at.get(seq) == operation for seq, operation in forgotten.items()):
                yield Finding(Kind.REWOUND_FOR_NOTHING, f"{self.who} was told {how}, and nothing was lost")
        yield from self._against_acknowledgements(where)
        yield from self._against_own_order(where)

    def _against_acknowledgements(self, where: Mapping[str, int]) -> Iterator[Finding]:
        for operation, seq in self.acknowledged.items():
            if operation not in where:
                kind = Kind.LOST_AND_TOLD if operation in self._told else Kind.LOST
                yield Finding(kind, f"{operation} was acknowledged as {seq} and is lost")
            elif where[operation] != seq and operation not in self._told:
                yield Finding(Kind.UNTRUE, f"{operation} was acknowledged as {seq} and is {where[operation]}")
        for operation in sorted(self._answerless):
            yield Finding(Kind.UNANSWERED, f"{operation} of {self.who} got no answer")
        for operation in sorted(self._abandoned & where.keys()):
            if self.times[operation] == 1:
                yield Finding(Kind.UNTRUE, f"{operation} was refused as not written, and is in the log")

    def _against_own_order(self, where: Mapping[str, int]) -> Iterator[Finding]:
        """What one connection sent, and nobody had to send again, is in the log in that order."""
        lines: defaultdict[int, list[str]] = defaultdict(list)
        for operation, connection in self._first_sent.items():
            if self.times[operation] == 1 and operation in where:
                lines[connection].append(operation)
        for line in lines.values():
            for one, following in pairwise(line):
                if where[following] < where[one]:
                    yield Finding(
                        Kind.OUT_OF_ORDER, f"{self.who} sent {one} before {following}; in the log it follows"
                    )

    def _send(self, operation: str) -> None:
        self.times[operation] += 1
        self._here[operation] += 1
        self._first_sent.setdefault(operation, self._connection)
        if operation not in self.acknowledged:
            self._answerless.add(operation)

    def _hear(self, event: Heard) -> None:
        seq, operation = event.seq, event.operation
        self.heard += 1
        if operation in self.times:
            self._acknowledge(seq, operation)
        if seq <= self._position:
            self._hear_again(seq, operation)
            return
        known = self.by_place.setdefault((self._generation, seq), operation)
        if known != operation:
            self._note(Kind.UNTRUE, f"heard {operation} as {seq}, which was {known} in {self._generation}")
        self._skipped.update(range(self._position + 1, seq))
        self._position = seq
        self._view[seq] = operation

    def _hear_again(self, seq: int, operation: str) -> None:
        """An old event: the answer to a retry of one's own, which each sending may bring once; else wrong."""
        known = self._view.get(seq)
        if known not in (None, operation):
            self._note(Kind.UNTRUE, f"heard {operation} as {seq}, which was {known}")
        elif self.times[operation] > 1 and self._extra[operation] < self._here[operation]:
            self._extra[operation] += 1
        elif seq in self._skipped:
            self._skipped.discard(seq)
            self._view[seq] = operation
            self._note(Kind.OUT_OF_ORDER, f"heard seq {seq} after {self._position}")
        elif known == operation:
            self._note(Kind.DOUBLED, f"heard seq {seq} ({operation}) twice")
        else:
            self._note(Kind.OUT_OF_ORDER, f"heard seq {seq} at {self._position}, which it was to follow")

    def _acknowledge(self, seq: int, operation: str) -> None:
        self._answerless.discard(operation)
        known = self.acknowledged.setdefault(operation, seq)
        if known != seq:
            if operation not in self._told:
                self._note(Kind.UNTRUE, f"{operation} was acknowledged as {known} and as {seq}")
            self.acknowledged[operation] = seq
            self._told.discard(operation)

    def _join(self, answer: Joined) -> None:
        asked = self._asked[answer.request]
        since = asked.since
        if since is None:
            self._forget()
            self._position = answer.last_seq
        elif answer.reason is not None:
            self.gaps += 1
            if answer.reason == "rewound":
                self._rewind(f"rewound in answer to {since} of {asked.generation}")
            elif answer.reason == "trimmed":
                self._trimmed.append(since)
            self._position = answer.last_seq
        elif answer.continuous:
            self.resumed += 1
            self._position = since  # It starts anew from there: what came meanwhile comes again.
            if answer.last_seq < since:
                self._note(Kind.UNTRUE, f"was told continuous at {since}, and that the log ends before")
        else:
            self._note(Kind.UNTRUE, f"resumed at {since} and was told neither continuous nor gap")
        self._generation = answer.generation

    def _change(self, change: Changed) -> None:
        """A live reader is told of a new generation: it goes on where it is, or it was rewound."""
        if change.reason == "rewound":
            self.gaps += 1
            self._rewind(f"of generation {change.generation} at {change.last_seq}, being at {self._position}")
            self._position = change.last_seq
        elif not change.continuous:
            self._note(Kind.UNTRUE, f"was told of {change.generation}, and neither continuous nor rewound")
        elif change.last_seq < self._position:
            self._note(Kind.UNTRUE, f"was told continuous at {self._position}, and that the log ends before")
        self._generation = change.generation

    def _skip(self, gap: Skipped) -> None:
        self.gaps += 1
        self._trimmed.append(self._position)
        self._position = gap.last_seq

    def _refuse(self, refusal: Refused) -> None:
        self.refused[refusal.code] += 1
        if refusal.code not in RETRYABLE:
            self._answerless.discard(refusal.operation)
            self._note(Kind.UNTRUE, f"{refusal.operation} was refused with {refusal.code}")

    def _rewind(self, how: str) -> None:
        """It was told that what it knows may be gone, its own words included."""
        self._forgotten.append((how, dict(self._view)))
        self._told |= self.acknowledged.keys()
        self._forget()

    def _forget(self) -> None:
        self._view.clear()
        self._never_heard()

    def _never_heard(self) -> None:
        for first, last in _runs(self._skipped):
            self._note(Kind.HOLE, f"never heard seq {first} to {last}", last - first + 1)
        self._skipped.clear()

    def _note(self, kind: Kind, what: str, times: int = 1) -> None:
        self.findings.append(Finding(kind, f"{self.who} {what}", times))


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The unbroken runs among the numbers, as first and last."""
    for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield members[0], members[-1]
