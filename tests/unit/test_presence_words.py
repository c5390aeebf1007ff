"""Which of a user's words counts: the room's while its epoch lasts, else the one for everywhere."""

import pytest

from productflo.domain.presence import Word, effective
from productflo.protocol.codes import Presence

ONLINE = Word(Presence.ONLINE, 1)
BUSY_HERE = Word(Presence.BUSY, 1)


def test_who_is_not_there_is_offline() -> None:
    """Whatever they said in the room before."""
    assert effective(None, None) is Presence.OFFLINE
    assert effective(None, BUSY_HERE) is Presence.OFFLINE


def test_the_rooms_word_counts_in_the_room() -> None:
    """And the one for everywhere where there is none."""
    assert effective(ONLINE, BUSY_HERE) is Presence.BUSY
    assert effective(ONLINE, None) is Presence.ONLINE


def test_the_next_word_for_everywhere_ends_the_rooms() -> None:
    """It begins another epoch, even when it is the same word."""
    assert effective(Word(Presence.ONLINE, 2), BUSY_HERE) is Presence.ONLINE


@pytest.mark.parametrize("presence", Presence)
def test_a_word_is_written_and_read(presence: Presence) -> None:
    """As the store keeps it."""
    word = Word(presence, 1700000000000)
    assert Word.parse(str(word)) == Word.parse(f"{word}|rooms") == word
