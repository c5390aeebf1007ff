"""What becomes of a model's text."""

import pytest

from assistants.sanitize import Sanitizer


def sanitized(text: str) -> str:
    sanitizer = Sanitizer()
    return sanitizer.feed(text) + sanitizer.finish()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("See ![the plan](http://x/p.png)!", "See [the plan](http://x/p.png)!"),
        ("![plan][1]\n\n[1]: http://x/p.png", "[plan][1]\n\n[1]\\: http://x/p.png"),
        ("<img src=http://x/p.png>", "\\<img src=http://x/p.png>"),
        ("[a](data:text/html;base64,PHNjcmlwdD4=) b", "[a](#) b"),
        (f"[a](data:text/html,{'x' * 5000}) b", "[a](#) b"),
        ("a link [here](https://x/?a=b_(c) 'why') stays", "a link [here](https://x/?a=b_(c) 'why') stays"),
    ],
)
def test_what_would_load_is_a_link_or_text(said: str, shown: str) -> None:
    """The words stay; links are for people to follow."""
    assert sanitized(said) == shown


@pytest.mark.parametrize(
    "code",
    [
        "Write `vec![1]` and `List<int>`, then [read](https://x) on: `a![b]`.",
        "```rust\nlet a = vec![1];\nlet b: Vec<u8> = x;\n```\nDone!",
        "1. Do\n   ```cpp\n   #include <stdio.h>\n\n   a[i]: b\n   ```\n2. 3 < 4 > 1",
        "~~~\n![a](http://x)\n```\n~~~~\nafter",
        "a < b, c <= d, \\< and \\! [x] ok! (see [1] )",
    ],
)
def test_code_stays_as_it_is(code: str) -> None:
    """Neither an exclamation mark before a bracket nor an angle is lost in it."""
    assert sanitized(code) == code


def test_words_are_shown_at_once() -> None:
    """Only what may become something else is held back."""
    sanitizer = Sanitizer()
    assert sanitizer.feed("Hel") == "Hel"
    assert sanitizer.feed("lo wor") == "lo wor"
    assert sanitizer.feed("ld!") == "ld"
    assert sanitizer.feed(" So `a") == "! So "
    assert sanitizer.feed("` b") == "`a` b"
    assert sanitizer.finish() == ""
