"""The storm's checker finds each planted lie under its own kind, and nothing in the truth."""

from collections.abc import Sequence

import pytest
from storm.checker import check
from storm.findings import Finding, Kind
from storm.journal import (
    Abandoned,
    Asked,
    Changed,
    Entry,
    Heard,
    Joined,
    Journal,
    Opened,
    Refused,
    Sent,
    Skipped,
    operation_of,
)

LOG = [Heard(seq, f"m{seq}") for seq in range(1, 6)]
JOINED: Sequence[Entry] = [Opened(), Asked(), Joined("g1", 0)]


def writer(*entries: Entry, log: Sequence[Heard] = LOG) -> Journal:
    """One that said all there is, and heard it; its journal goes on with `entries`."""
    said = [entry for event in log for entry in (Sent(event.operation), event)]
    return Journal("writer", "room", [*JOINED, *said, *entries])


def reader(*entries: Entry, stayed: bool = True) -> Journal:
    """One that has joined an empty room."""
    return Journal("reader", "room", [*JOINED, *entries], stayed)


def findings(*journals: Journal, log: Sequence[Heard] = LOG) -> list[Finding]:
    """What the checker finds."""
    return check("room", log, journals).findings


def kinds(*journals: Journal, log: Sequence[Heard] = LOG) -> list[Kind]:
    """What the findings are about."""
    return [finding.kind for finding in findings(*journals, log=log)]


TRUTH = {
    "from the beginning": [*LOG],
    "resumed": [*LOG[:2], Opened(), Asked(2, "g1"), Joined("g1", 5, continuous=True), *LOG[2:]],
    "resumed under a new generation": [
        *LOG[:2],
        Opened(),
        Asked(2, "g1"),
        Joined("g2", 4, continuous=True),
        *LOG[2:],
    ],
    "told of a new generation": [*LOG[:3], Changed("g2", 4, continuous=True), *LOG[3:]],
    "told of too many": [LOG[0], Opened(), Asked(1, "g1"), Joined("g1", 4, reason="too_many"), LOG[4]],
    "resumed from an earlier place than its own": [
        *LOG,
        Asked(3, "g1"),
        Joined("g1", 5, continuous=True),
        *LOG[3:],
    ],
    "asked twice, and answered twice": [
        LOG[0],
        Opened(),
        Asked(1, "g1", "a"),
        Joined("g1", 2, continuous=True, request="a"),
        *LOG[1:3],
        Asked(3, "g1", "b"),
        LOG[3],
        Asked(4, "g1", "c"),
        Joined("g1", 4, continuous=True, request="b"),
        *LOG[3:],
        Joined("g1", 5, continuous=True, request="c"),
        LOG[4],
    ],
    "joined without a position": [LOG[0], Opened(), Asked(), Joined("g1", 3), *LOG[3:]],
}


@pytest.mark.parametrize("entries", TRUTH.values(), ids=TRUTH.keys())
def test_the_truth(entries: Sequence[Entry]) -> None:
    """All that a reader may honestly live through."""
    assert findings(writer(), reader(*entries)) == []


def test_a_retry_is_answered_with_the_first_result() -> None:
    """Each sending may bring the result once more, to the one that sent; an unsent copy is doubled."""
    again = [Sent("m2"), LOG[1]]
    assert findings(writer(*again)) == []
    assert kinds(writer(*again, LOG[1], LOG[1])) == [Kind.DOUBLED]
    assert kinds(writer(LOG[1])) == [Kind.DOUBLED]
    assert kinds(writer(*again, Opened(), Asked(5, "g1"), Joined("g1", 5, continuous=True), LOG[1])) == [
        Kind.DOUBLED
    ]


def test_one_that_left_need_not_know_the_end() -> None:
    """But nothing in the midst may be missing."""
    assert findings(writer(), reader(*LOG[:3], stayed=False)) == []
    assert kinds(writer(), reader(LOG[0], LOG[2], stayed=False)) == [Kind.HOLE]


def test_a_lost_message() -> None:
    """Acknowledged, and not in the log."""
    assert Kind.LOST in kinds(writer(), log=LOG[:4])


def test_a_loss_that_was_told() -> None:
    """The store went back and its writer was told: only a store that may lose is allowed it."""
    log = [*LOG[:4], Heard(5, "m6")]
    told = writer(Opened(), Asked(5, "g1"), Joined("g2", 4, reason="rewound"), Sent("m6"), log[4])
    result = check("room", log, [told])
    assert [finding.kind for finding in result.findings] == [Kind.LOST_AND_TOLD]
    assert result.failures(may_lose=True) == []
    assert result.failures() == result.findings


def test_a_live_reader_is_told_of_a_loss() -> None:
    """GENERATION_CHANGED at an earlier place; what counts from there is another branch."""
    log = [*LOG[:4], Heard(5, "m6")]
    told = writer(Changed("g2", 4, reason="rewound"), Sent("m6"), log[4])
    assert kinds(told, log=log) == [Kind.LOST_AND_TOLD]


def test_a_rewind_for_nothing() -> None:
    """Told, though everything heard is still there: counted, and no failure."""
    entries = [*LOG[:3], Opened(), Asked(3, "g1"), Joined("g2", 4, reason="rewound"), LOG[4]]
    result = check("room", LOG, [writer(), reader(*entries)])
    assert [finding.kind for finding in result.findings] == [Kind.REWOUND_FOR_NOTHING]
    assert result.failures() == []


def test_a_doubled_message() -> None:
    """In the log twice; or heard twice."""
    twice = [*LOG, Heard(6, "m2")]
    assert Kind.DOUBLED in kinds(writer(), reader(*twice), log=twice)
    assert kinds(writer(), reader(*LOG[:2], LOG[1], *LOG[2:])) == [Kind.DOUBLED]


def test_another_order() -> None:
    """Two events swapped for a reader; two of one sender swapped in the log."""
    assert kinds(writer(), reader(LOG[0], LOG[2], LOG[1], *LOG[3:])) == [Kind.OUT_OF_ORDER]
    log = [LOG[0], Heard(2, "m3"), Heard(3, "m2"), *LOG[3:]]
    sent = [Sent(event.operation) for event in LOG]
    assert kinds(reader(*sent, *log), log=log) == [Kind.OUT_OF_ORDER]


def test_a_hole() -> None:
    """In the log; in the midst of what a reader heard; and at its end."""
    assert Kind.HOLE in kinds(writer(), log=[*LOG[:2], *LOG[3:]])
    assert kinds(reader(*map(Sent, ("m2", "m3", "m4", "m5"))), log=LOG[1:])[0] is Kind.HOLE
    (midst,) = findings(writer(), reader(LOG[0], LOG[4]))
    assert midst == Finding(Kind.HOLE, "reader never heard seq 2 to 4", 3)
    (end,) = findings(writer(), reader(*LOG[:3]))
    assert (end.kind, end.times) == (Kind.HOLE, 2)


def test_a_hole_before_a_rewind_is_one() -> None:
    """What follows does not excuse it."""
    entries = [LOG[0], LOG[2], Opened(), Asked(3, "g1"), Joined("g2", 5, reason="rewound")]
    assert Kind.HOLE in kinds(writer(), reader(*entries))


def test_a_continuous_that_was_none() -> None:
    """Nothing follows; or what was known is not in the log; or the log ends before."""
    resumed = [Opened(), Asked(2, "g1"), Joined("g1", 5, continuous=True)]
    assert kinds(writer(), reader(*LOG[:2], *resumed)) == [Kind.HOLE]
    assert kinds(writer(), reader(*LOG[:2], *resumed, LOG[4])) == [Kind.HOLE]
    other = [LOG[0], Heard(2, "gone"), Opened(), Asked(2, "g1"), Joined("g2", 5, continuous=True), *LOG[2:]]
    assert (
        kinds(writer(Sent("gone"), Refused("gone", "STORE_AWAY"), Abandoned("gone")), reader(*other))
        == [Kind.UNTRUE] * 2
    )
    short = [*LOG, Opened(), Asked(5, "g1"), Joined("g1", 3, continuous=True)]
    assert kinds(writer(), reader(*short)) == [Kind.UNTRUE]
    assert kinds(writer(), reader(*LOG, Changed("g2", 3, continuous=True))) == [Kind.UNTRUE]
    assert kinds(writer(), reader(*LOG, Changed("g2", 5))) == [Kind.UNTRUE]


def test_a_resume_without_a_word() -> None:
    """Neither continuous nor gap."""
    assert Kind.UNTRUE in kinds(writer(), reader(*LOG, Opened(), Asked(5, "g1"), Joined("g1", 5)))


def test_trimmed_though_the_log_has_it() -> None:
    """The log only ever gets shorter at its beginning."""
    entries = [LOG[0], Opened(), Asked(1, "g1"), Joined("g1", 5, reason="trimmed")]
    assert kinds(writer(), reader(*entries)) == [Kind.UNTRUE]
    assert kinds(writer(), reader(LOG[0], Skipped(4, "trimmed"), LOG[4])) == [Kind.UNTRUE]


def test_two_who_heard_different_things() -> None:
    """Under one generation and seq, though both were rewound later and the log knows neither."""
    rewound = [Opened(), Asked(1, "g1"), Joined("g2", 5, reason="rewound")]
    one = Journal("one", "room", [*JOINED, Heard(1, "m1"), *rewound])
    two = Journal("two", "room", [*JOINED, Heard(1, "m2"), *rewound])
    assert Kind.UNTRUE in kinds(writer(), one, two)


def test_another_place_than_was_acknowledged() -> None:
    """The seq of the acknowledgement is that of the log, and stays the same."""
    told = reader(*(Sent(event.operation) for event in LOG), *LOG[:4], Heard(5, "m5"))
    assert findings(told) == []
    moved = [*LOG[:3], Heard(4, "m5"), Heard(5, "m4")]
    assert Kind.UNTRUE in kinds(told, log=moved)
    assert Kind.UNTRUE in kinds(writer(Sent("m5"), Heard(6, "m5")))


def test_what_nobody_sent() -> None:
    """In the log, or heard."""
    assert kinds(reader(*LOG)).count(Kind.UNTRUE) == 2 * len(LOG)


def test_no_answer() -> None:
    """Neither acknowledged nor refused for good."""
    assert kinds(writer(Sent("m6"))) == [Kind.UNANSWERED]
    assert kinds(writer(Sent("m6"), Refused("m6", "STORE_AWAY"))) == [Kind.UNANSWERED]
    assert findings(writer(Sent("m6"), Refused("m6", "STORE_AWAY"), Abandoned("m6"))) == []


def test_a_refusal_that_was_none() -> None:
    """Said to be not written, and it is; or called wrong, which it is not."""
    refused = [Sent("m6"), Refused("m6", "STORE_AWAY"), Abandoned("m6")]
    log = [*LOG, Heard(6, "m6")]
    assert kinds(writer(*refused, log[5]), log=log) == [Kind.UNTRUE]
    assert kinds(writer(Sent("m6"), Refused("m6", "CONFLICT"))) == [Kind.UNTRUE]


def test_operations_have_names() -> None:
    """One for each thing that a person can do to a message."""
    data = {"message_id": "m", "sender": "ada", "message": "m says", "emoji": "+1", "action": "add"}
    names = {
        operation_of({"code": code, "data": data}) for code in ("chat_response", "edit", "delete", "reaction")
    }
    assert len(names) == 4
    assert operation_of({"code": "chat_response", "data": data | {"message": "n says"}}) not in names
    with pytest.raises(ValueError, match="typing"):
        operation_of({"code": "typing", "data": data})
