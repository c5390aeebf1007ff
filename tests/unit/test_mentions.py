"""Who is mentioned: at a word boundary, in any case, outside code."""

import pytest

from productflo.domain.mentions import candidates, mentioned

KNOWN = ["ada", "Grace.Hopper", "haitch", "team-hw", "user:7", "a@b.c"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hello", []),
        ("@ada", ["ada"]),
        ("@Ada, @ADA and @aDa", ["ada"]),
        ("hi @grace.hopper.", ["Grace.Hopper"]),
        ("(@haitch)", ["haitch"]),
        ("@haitch: what now? @ada!", ["haitch", "ada"]),
        ("@team-hw - please", ["team-hw"]),
        ("@team-hw-", ["team-hw"]),
        ("@user:7:", ["user:7"]),
        ("@a@b.c", ["a@b.c"]),
        ("ask\n@ada\nor @nobody", ["ada"]),
        ("mail ada@ada.org", []),
        ("see https://x.org/@ada", []),
        ("see x.@ada and x/@ada", []),
        ("@adamant @ada_", []),
        ("a lone @ and @@ada", []),
        ("`@ada` and ``@ada``", []),
        ("`@ada` but @haitch", ["haitch"]),
        ("```\n@ada\n``` @haitch", ["haitch"]),
        ("~~~\n@ada\n~~~\n@haitch", ["haitch"]),
        ("``` never closed\n@ada", []),
        ("it`s @ada", ["ada"]),
        ("it`s\n@ada`s", ["ada"]),
    ],
)
def test_members_are_found(text: str, found: list[str]) -> None:
    """Each once, in the order of the text, spelled as known."""
    assert mentioned(text, KNOWN) == found


def test_candidates_are_what_may_be_ids() -> None:
    """Folded, each once; nothing where there is no @."""
    assert candidates("@B @a @b") == ["b", "a"]
    assert candidates("nobody") == []
