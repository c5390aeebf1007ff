"""Which messages wake an assistant."""

import pytest

from productflo.domain.waking import Company, Heard, Listens, Trigger, wakes, without_mention

ADDRESSED = frozenset({Trigger.DIRECT, Trigger.MENTION, Trigger.REPLY})
TEAM = Company(people=3, assistants=1)


def woken(
    text: str = "hello",
    *,
    by_assistant: bool = False,
    replied_to: str | None = None,
    listens: Listens = Listens.MENTIONS,
    on: frozenset[Trigger] = ADDRESSED,
    company: Company = TEAM,
    hops: int = 0,
    max_hops: int = 0,
) -> Trigger | None:
    heard = Heard(text, by_assistant, replied_to, hops, frozenset({"guide"}))
    return wakes("haitch", on, listens, heard, company, max_hops)


def test_wakes_at_every_message_of_a_direct_room() -> None:
    """One person and one assistant: what is said is said to it."""
    assert woken(company=Company(people=1, assistants=1)) is Trigger.DIRECT


@pytest.mark.parametrize("company", [Company(2, 1), Company(1, 2), Company(0, 1)])
def test_a_room_with_more_members_is_not_direct(company: Company) -> None:
    """With a second person or a second assistant one says whom one means."""
    assert woken(company=company) is None


@pytest.mark.parametrize(
    "text",
    [
        "@haitch why?",
        "@Haitch, why?",
        "why, @HAITCH?",
        "thanks @haitch.",
        "(@haitch)",
        "@haitch: a question",
        "see `@nobody` and ask @haitch",
        "**@haitch** please",
        "line one\n@haitch line two",
    ],
)
def test_wakes_when_mentioned(text: str) -> None:
    """In any case, wherever a word begins, whatever ends the sentence."""
    assert woken(text) is Trigger.MENTION


@pytest.mark.parametrize(
    "text",
    [
        "haitch",
        "@haitchling",
        "@haitch2",
        "bob@haitch",
        "bob@haitch.com",
        "@haitch.com",
        "`@haitch`",
        "```\n@haitch\n```",
        "~~~ py\n@haitch\n~~~",
        "```\n@haitch, in a block that nobody closed",
        "@ haitch",
    ],
)
def test_sleeps_when_it_only_looks_like_a_mention(text: str) -> None:
    """Other ids, addresses and code are no mentions."""
    assert woken(text) is None


def test_wakes_at_a_reply_to_itself_only() -> None:
    """A reply to somebody else is not for it."""
    assert woken(replied_to="haitch") is Trigger.REPLY
    assert woken(replied_to="ada") is None


def test_listening_to_all_hears_everything() -> None:
    """A room may ask an assistant to hear every message of its people."""
    assert woken(listens=Listens.ALL) is Trigger.ALL


@pytest.mark.parametrize("company", [TEAM, Company(1, 1)])
def test_off_hears_nothing(company: Company) -> None:
    """Switched off it sleeps through mentions, replies and direct words."""
    assert woken("@haitch", replied_to="haitch", listens=Listens.OFF, company=company) is None


@pytest.mark.parametrize("listens", list(Listens))
def test_assistants_never_wake_assistants(listens: Listens) -> None:
    """Whatever one says, in whichever room: they must not loop."""
    assert (
        woken("@haitch", by_assistant=True, replied_to="haitch", listens=listens, company=Company(1, 1))
        is None
    )


@pytest.mark.parametrize(("hops", "woken_by"), [(0, Trigger.MENTION), (1, Trigger.MENTION), (2, None)])
def test_so_many_hops_and_no_more(hops: int, woken_by: Trigger | None) -> None:
    """An assistant's word counts while fewer assistants' messages lie between it and a person's."""
    assert woken("@haitch", by_assistant=True, hops=hops, max_hops=2) is woken_by


@pytest.mark.parametrize("listens", [Listens.MENTIONS, Listens.ALL])
def test_assistants_wake_those_that_they_speak_to_only(listens: Listens) -> None:
    """By a mention or a reply; neither in a direct room nor where one hears everything."""
    assert woken(by_assistant=True, max_hops=3, listens=listens, company=Company(1, 1)) is None
    assert woken(by_assistant=True, max_hops=3, listens=listens, replied_to="haitch") is Trigger.REPLY


def test_what_is_said_to_one_is_not_for_all() -> None:
    """One that hears everything leaves to another assistant what is said to that one."""
    assert woken("@guide why?", listens=Listens.ALL) is None
    assert woken("why?", replied_to="guide", listens=Listens.ALL) is None
    assert woken("@guide and @haitch, why?", listens=Listens.ALL) is Trigger.MENTION


def test_an_assistant_chooses_what_wakes_it() -> None:
    """Triggers that it did not name are not for it."""
    only_replies = frozenset({Trigger.REPLY})
    assert woken("@haitch", on=only_replies) is None
    assert woken("@haitch", on=only_replies, company=Company(1, 1)) is None
    assert woken("@haitch", on=only_replies, replied_to="haitch") is Trigger.REPLY


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("@haitch, why?", "why?"),
        ("@haitch", ""),
        ("@Haitch: list the parts", "list the parts"),
        ("why is that, @haitch?", "why is that?"),
        ("ask @haitch about it", "ask @haitch about it"),
        ("`@haitch` is its id, @haitch", "`@haitch` is its id"),
        ("@haitch what does @haitch mean?", "what does @haitch mean?"),
        ("no mention at all", "no mention at all"),
        ("  @haitch\n\nfirst line\nsecond", "first line\nsecond"),
    ],
)
def test_the_question_without_the_mention(text: str, without: str) -> None:
    """Only the calling goes; a mention within the sentence stays."""
    assert without_mention(text, "haitch") == without
