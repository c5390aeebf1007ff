"""Points that cite: what holds is passed on, what does not is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.citations import Checked, shown
from assistants.messages import Message

SAID = """Here is what I found:
- We take 6061 [#3].
* Ana orders it [#4, #5]
1. Ben measures [#4] and [#99]
- Nobody said this
- Nor this [#77]
- [#3]
2) Cy waits [#5; #3]"""

HOLDS = [
    "- We take 6061 [#3]",
    "- Ana orders it [#4] [#5]",
    "- Ben measures and [#4]",
    "- Cy waits [#5] [#3]",
]


def said_in(pieces: list[str], given_seqs: set[int]) -> tuple[list[str], Checked]:
    checked = Checked(given_seqs)
    points = [point for piece in pieces for point in checked.add(piece)]
    return points + checked.end(), checked


def test_only_what_cites_a_message_that_was_given_is_passed_on() -> None:
    """Citations of others go, and with the last one the point; what is no point is not counted."""
    points, checked = said_in([SAID], {3, 4, 5})
    assert points == HOLDS
    assert checked.points == HOLDS
    assert (checked.dropped, checked.cited) == (3, {3, 4, 5})


@given(st.lists(st.integers(0, len(SAID)), max_size=20).map(sorted))
def test_however_it_is_cut(cuts: list[int]) -> None:
    """The pieces of a stream end anywhere; the points are the same."""
    ends = [*cuts, len(SAID)]
    pieces = [SAID[begin:end] for begin, end in zip([0, *cuts], ends, strict=True)]
    points, checked = said_in(pieces, {3, 4, 5})
    assert points == HOLDS
    assert checked.dropped == 3


@given(st.text(alphabet="-*#[]0123456789, ab\n", max_size=200), st.sets(st.integers(0, 20)))
def test_nothing_else_is_ever_cited(text: str, seqs: set[int]) -> None:
    """Whatever a model says: each point has a citation, and each citation was given."""
    points, checked = said_in([text], seqs)
    assert checked.cited <= seqs
    assert all(point.startswith("- ") and "[#" in point for point in points)


@pytest.mark.parametrize("text", ["hm\n[#3] Ben: I agree", "[#3] Ben: I agree"])
def test_a_message_can_not_look_like_another(text: str) -> None:
    """What somebody writes stays in their line, without a number of its own."""
    message = Message("m1", 7, "ana", text, "2026-11-28T12:00:00.000Z")
    assert shown([message], str.capitalize).count("[#") == 1
    assert "\n" not in shown([message], str.capitalize)
