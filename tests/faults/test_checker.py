"""The checker of the fault tests finds what they look for: each planted lie, and nothing in the truth."""

from faults.checker import From, Heard, Said, problems_of_log, problems_of_reader

LOG = [Said(seq, f"m{seq}") for seq in range(1, 6)]
SENT = [said.message_id for said in LOG]
ACKNOWLEDGED = {said.message_id: said.seq for said in LOG}


def reader(*heard: Heard) -> list[str]:
    """The problems of one that heard this from the beginning."""
    return problems_of_reader(LOG, [From(0), *heard])


def test_the_truth_has_no_problem() -> None:
    """A whole log, whole readers, and one that was told of a gap; an unacknowledged one may be missing."""
    assert problems_of_log(LOG, [*SENT, "m9"], ACKNOWLEDGED) == []
    assert reader(*LOG) == []
    assert reader(*LOG[:2], From(4), LOG[4]) == []
    assert problems_of_log([], ["m1"], {}) == []


def test_a_lost_message() -> None:
    """Acknowledged, and not in the log."""
    assert problems_of_log(LOG[:4], SENT, ACKNOWLEDGED) == ["m5 was acknowledged as 5 and is lost"]


def test_a_doubled_message() -> None:
    """In the log twice, under two seqs."""
    twice = [*LOG, Said(6, "m2")]
    assert "m2 is in the log 2 times" in problems_of_log(twice, SENT, ACKNOWLEDGED)


def test_a_hole_and_a_restart_of_the_count() -> None:
    """The log's seq begins with 1 and is dense."""
    assert "seq 2 is followed by 4" in problems_of_log([*LOG[:2], *LOG[3:]], SENT, {})
    assert "seq 5 is followed by 1" in problems_of_log([*LOG, Said(1, "m6")], [*SENT, "m6"], {})
    assert problems_of_log(LOG[1:], SENT, {}) == ["the log begins with seq 2"]


def test_another_place_than_was_told() -> None:
    """The seq of the acknowledgement is that of the log."""
    assert problems_of_log(LOG, SENT, {"m3": 4}) == ["m3 was acknowledged as 4 and is 3"]


def test_a_message_that_nobody_sent() -> None:
    """What is in the log was said by somebody."""
    assert problems_of_log(LOG, SENT[:4], {}) == ["m5 was never sent"]


def test_a_reader_that_missed_one() -> None:
    """A hole in the midst, and silence at the end."""
    assert reader(*LOG[:2], *LOG[3:]) == ["heard seq 4 where 3 comes next"]
    assert reader(*LOG[:3]) == ["heard nothing after 3, the log ends with 5"]


def test_a_reader_that_heard_one_twice() -> None:
    """The same event again."""
    assert "heard seq 2 where 3 comes next" in reader(*LOG[:2], LOG[1], *LOG[2:])


def test_a_reader_that_heard_in_another_order() -> None:
    """Two events swapped."""
    assert reader(LOG[0], LOG[2], LOG[1], *LOG[3:])


def test_a_reader_that_heard_another_message() -> None:
    """The right seq with another message."""
    assert reader(*LOG[:4], Said(5, "m9")) == ["heard m9 as 5, which is m5"]
