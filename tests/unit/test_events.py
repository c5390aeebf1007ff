"""What travels on a room's channel is read as it was written."""

import pytest

from productflo.domain.passing import Passing
from productflo.store.events import (
    Entered,
    Live,
    Logged,
    PieceSaid,
    Published,
    Removed,
    StopAsked,
    Typed,
    decode,
    encode,
)

ENVELOPE = '{"code":"join","name":"Zoë \\n"}'.encode()


@pytest.mark.parametrize(
    "event",
    [
        Live(ENVELOPE),
        Live(ENVELOPE, but="ada"),
        Live(ENVELOPE, only=("ada", "bob")),
        Live(ENVELOPE, only=()),
        Live(ENVELOPE, passing=Passing.RECEIPT),
        Typed("ada", True, ENVELOPE, b"{}"),
        PieceSaid("m1", "m1.1", 0, ENVELOPE),
        StopAsked("m1", "ada"),
        Entered("ada", 3, b"{}"),
    ],
)
def test_an_event_comes_back(event: Published) -> None:
    """Each kind, with and without what is optional in it."""
    assert decode(encode(event)) == event


def test_the_scripts_own_event_is_read() -> None:
    """The append script writes it, one envelope a line."""
    assert decode(b'["log",7,"g1",1500]\n{"a":1}\n{"b":2}') == Logged(7, "g1", 1500, (b'{"a":1}', b'{"b":2}'))


def test_the_end_of_a_membership_is_read() -> None:
    """The leave script writes it."""
    assert decode(b'["removed","ada",4,9]\n{}') == Removed("ada", 4, 9, b"{}")


@pytest.mark.parametrize(
    "message", [b"[]", b'["live",null,null]', b'["log","7"]\n{}', b'["new"]\n{}', b"x", b""]
)
def test_what_no_version_writes_is_refused(message: bytes) -> None:
    """Rather than handed on as something else."""
    with pytest.raises(ValueError, match=r"version|JSON|unexpected|input|zero-length"):
        decode(message)
