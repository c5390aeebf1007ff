"""Compares what clients sent, were told and heard with a room's log.

It knows nothing of sockets: `tests/faults/test_checker.py` feeds it lies.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Said:
    """A message as the log has it, or as a client heard it."""

    seq: int
    message_id: str


@dataclass(frozen=True, slots=True)
class From:
    """What a reader hears next comes after `seq`: its first join, or a gap that it was told of."""

    seq: int


Heard = Said | From


def problems_of_log(log: Sequence[Said], sent: Iterable[str], acknowledged: Mapping[str, int]) -> list[str]:
    """What is wrong with a room's log; `acknowledged` has the seq that the sender was told, by message id."""
    problems = []
    seqs = [said.seq for said in log]
    if seqs and seqs[0] != 1:
        problems.append(f"the log begins with seq {seqs[0]}")
    problems += [
        f"seq {one} is followed by {next_one}" for one, next_one in pairwise(seqs) if next_one != one + 1
    ]
    at = {said.message_id: said.seq for said in log}
    times = Counter(said.message_id for said in log)
    problems += [
        f"{message_id} is in the log {count} times" for message_id, count in times.items() if count > 1
    ]
    problems += [f"{message_id} was never sent" for message_id in sorted(times.keys() - set(sent))]
    for message_id, seq in acknowledged.items():
        if message_id not in at:
            problems.append(f"{message_id} was acknowledged as {seq} and is lost")
        elif at[message_id] != seq:
            problems.append(f"{message_id} was acknowledged as {seq} and is {at[message_id]}")
    return problems


def problems_of_reader(log: Sequence[Said], heard: Sequence[Heard]) -> list[str]:
    """What is wrong with what one reader heard: each event once, in order, up to the end of the log."""
    problems = []
    at = {said.seq: said.message_id for said in log}
    expected = 1
    for one in heard:
        if isinstance(one, From):
            expected = one.seq + 1
            continue
        if one.seq != expected:
            problems.append(f"heard seq {one.seq} where {expected} comes next")
        if at.get(one.seq) != one.message_id:
            problems.append(f"heard {one.message_id} as {one.seq}, which is {at.get(one.seq)}")
        expected = one.seq + 1
    last = log[-1].seq if log else 0
    if expected != last + 1:
        problems.append(f"heard nothing after {expected - 1}, the log ends with {last}")
    return problems
