"""What a room's history must show is told by its log alone."""

from storm.findings import Kind
from storm.history import compare, folded
from storm.journal import Heard, deleted, edited, edited_words_of, reacted, words_of

OPERATIONS = [
    "m1",
    "m2",
    edited("m1"),
    reacted("m1", "ada", "+1", "add"),
    reacted("m1", "ben", "+1", "add"),
    deleted("m2"),
    reacted("m1", "ada", "+1", "remove"),
]
LOG = [Heard(seq, operation) for seq, operation in enumerate(OPERATIONS, 1)]
PAGES = [
    {"seq": 1, "message_id": "m1", "message": edited_words_of("m1"), "reactions": {"+1": ["ben"]}},
    {"seq": 2, "message_id": "m2", "message": "", "deleted": True},
]


def test_a_message_is_as_it_was_made_last() -> None:
    """Edited, deleted, liked and liked no more."""
    assert list(compare(LOG, PAGES)) == []
    assert folded(LOG[:1])[1].words == words_of("m1")
    assert folded([*LOG, Heard(8, reacted("m1", "ben", "+1", "remove"))])[1].reactions == {}


def test_each_lie_is_found() -> None:
    """Old words, a deleted message, a reaction taken back, a message too few, another order, one twice."""
    old = {**PAGES[0], "message": words_of("m1")}
    liked = {**PAGES[0], "reactions": {"+1": ["ada", "ben"]}}
    kept = {"seq": 2, "message_id": "m2", "message": words_of("m2")}
    for pages in ([old, PAGES[1]], [liked, PAGES[1]], [PAGES[0], kept], PAGES[:1]):
        assert [finding.kind for finding in compare(LOG, pages)] == [Kind.UNTRUE]
    for pages in (PAGES[::-1], [*PAGES, PAGES[1]]):
        assert [finding.kind for finding in compare(LOG, pages)] == [Kind.OUT_OF_ORDER]
