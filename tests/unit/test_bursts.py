"""What one person says in a row."""

from dataclasses import dataclass

import pytest

from productflo.domain.bursts import BURST, goes_on, head


@dataclass(frozen=True)
class Word:
    sender: str
    second: float
    from_assistant: bool = False

    @property
    def sent_at(self) -> str:
        return f"2026-06-01T12:00:{self.second:06.3f}Z"


@pytest.mark.parametrize(
    ("after", "goes"),
    [
        (Word("ada", 1.999), True),
        (Word("ada", 2.0), False),
        (Word("bo", 0.5), False),
        (Word("ada", 0.5, from_assistant=True), False),
    ],
)
def test_who_goes_on_within_two_seconds(after: Word, goes: bool) -> None:
    """The same person, by the store's clock; assistants do not talk in bursts."""
    assert goes_on(Word("ada", 0), after, BURST) is goes


def test_the_head_of_a_burst_is_the_same_for_all() -> None:
    """Each word within two seconds of the one before; assistants between them do not count, people do."""
    said = [Word("ada", 1), Word("ada", 2.5), Word("echo", 3, from_assistant=True), Word("ada", 4)]
    assert head(Word("ada", 5.5), reversed(said), BURST) == said[0]
    assert head(Word("ada", 5.5), reversed([*said[:2], Word("bo", 3), said[3]]), BURST) == said[3]
    assert head(Word("ada", 9), reversed(said), BURST) == Word("ada", 9)
