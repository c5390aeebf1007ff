"""Whether a client may go on from where it stands."""

import pytest

from productflo.domain.position import REPLAY_BYTES, REPLAY_LIMIT, Position
from productflo.protocol.codes import GapReason

NOW = Position("g3", 50, (("g2", 40), ("g1", 45)), 1)
"""A store that ended at 45 in g1, at 40 in g2 (so it went back), and now stands at 50 in g3."""


@pytest.mark.parametrize("since", [0, 1, 49, 50])
@pytest.mark.parametrize("generation", [None, "g3"])
def test_the_present_generation_goes_on_from_anywhere(since: int, generation: str | None) -> None:
    """A bare since means the present one."""
    assert NOW.gap(since, generation) is None


@pytest.mark.parametrize("generation", [None, "g3", "g2", "g1"])
def test_nobody_has_what_the_room_never_had(generation: str | None) -> None:
    """Above last_seq the client saw another store."""
    assert NOW.gap(51, generation) is GapReason.REWOUND


@pytest.mark.parametrize(("generation", "since"), [("g2", 40), ("g2", 0), ("g1", 40), ("g1", 12)])
def test_an_older_generation_goes_on_up_to_where_it_ended(generation: str, since: int) -> None:
    """What was in the log when it was restarted is still there."""
    assert NOW.gap(since, generation) is None


@pytest.mark.parametrize(("generation", "since"), [("g2", 41), ("g1", 41), ("g1", 45)])
def test_what_a_restart_lost_is_told(generation: str, since: int) -> None:
    """Also where a later restart went back further than the generation's own end."""
    assert NOW.gap(since, generation) is GapReason.REWOUND


@pytest.mark.parametrize("generation", ["g0", "", "g33"])
def test_an_unknown_generation_is_another_store(generation: str) -> None:
    """Unless it is empty, which says nothing."""
    assert NOW.gap(5, generation) is (None if generation == "" else GapReason.REWOUND)


def test_trimmed_events_are_told() -> None:
    """The next one after `since` must still be there."""
    position = Position("g1", 200, (), 101)
    assert position.gap(99, "g1") is GapReason.TRIMMED
    assert position.gap(100, "g1") is None


def test_too_many_events_are_paged_instead() -> None:
    """At the limit they are replayed, above it not."""
    position = Position("g1", REPLAY_LIMIT + 10, (), 1)
    assert position.gap(10, "g1") is None
    assert position.gap(9, "g1") is GapReason.TOO_MANY


def test_too_many_bytes_are_paged_instead() -> None:
    """However few events they are."""
    position = Position("g1", 10, (), 1)
    assert position.gap(1, "g1", REPLAY_BYTES) is None
    assert position.gap(1, "g1", REPLAY_BYTES + 1) is GapReason.TOO_MANY


@pytest.mark.parametrize("since", [0, 5])
def test_a_store_that_was_wiped_is_told_to_all(since: int) -> None:
    """Also to one who had nothing yet: what the room was is not there any more."""
    assert Position("g9", 5, (), 1).gap(since, "g1") is GapReason.REWOUND


def test_more_restarts_than_a_room_remembers_are_told() -> None:
    """The script keeps 64."""
    predecessors = tuple((f"g{number}", 50) for number in range(99, 35, -1))
    position = Position("g100", 50, predecessors, 1)
    assert position.gap(50, "g36") is None
    assert position.gap(50, "g35") is GapReason.REWOUND


def test_an_empty_room_is_continuous_from_its_beginning() -> None:
    """Nothing was missed."""
    assert Position("g1", 0, (), 1).gap(0, "g1") is None


def test_a_position_is_read_from_what_the_scripts_tell() -> None:
    """Predecessors newest first; none at all in the first generation."""
    assert Position.of(b"g3", 50, b"g2:40,g1:45", 1) == NOW
    assert Position.of(b"g1", 0, b"", 1) == Position("g1", 0, (), 1)
