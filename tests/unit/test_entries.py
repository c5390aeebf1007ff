"""What is handed in takes as many arguments as append.lua counts for an event."""

import re

import pytest

from productflo.protocol.codec import Parts
from productflo.store.entries import ARGUMENTS, Deed, Entry, Revision
from productflo.store.scripts import script_source

PARTS = Parts(begin=b"{", by=b"by", text=b"text", rest=b"rest", mentions=b"mentions")
MESSAGE = Entry("lab", "ada", "m1", PARTS, b"content", files=("file_a", "file_b"))


def revision(deed: Deed, *details: str) -> Revision:
    """Something that is done to a message."""
    return Revision("lab", "ada", "o1", deed, "m1", PARTS, details)


@pytest.mark.parametrize(
    "handed_in",
    [
        MESSAGE,
        revision(Deed.EDIT),
        revision(Deed.DELETE, "operator"),
        revision(Deed.REACTION, "add", "+1"),
    ],
    ids=["message", "edit", "delete", "reaction"],
)
def test_each_event_takes_as_much(handed_in: Entry | Revision) -> None:
    """The script goes from one to the next by their number alone."""
    assert len(tuple(handed_in.arguments())) == ARGUMENTS


def test_the_script_counts_as_many() -> None:
    """And finds the first of them after the limits, the lease and who is told."""
    found = re.search(r"local FIRST, EACH = (\d+), (\d+)", script_source("append.lua"))
    assert found is not None
    assert (int(found[1]), int(found[2])) == (7, ARGUMENTS)


def test_files_of_a_message_are_one_argument() -> None:
    """With spaces between, which no id has."""
    assert tuple(MESSAGE.arguments())[-1] == "file_a file_b"
