"""Whatever a model says, and however it is cut: the same is shown, and no renderer finds an image in it."""

from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistants.sanitize import LIMIT, Sanitizer

MARKS = [
    *"![]():`\\<>#|\"'a-=",
    "``",
    "```",
    "~~~",
    "1.",
    "&lt;",
    "</pre>",
    "<pre>",
    "<!--",
    "-->",
    "](data:",
    "[a](",
]
REMOTE = [
    "http://evil/",
    "![a](http://evil/)",
    "![a][b]",
    "\n[b]: http://evil/",
    "<img src=http://evil/>",
    "<iframe src='http://evil/'>",
    "data:image/png;base64,AA",
    "|a|b|\n|-|-|\n",
]
SPACES = ["\n", "\n\n", " ", "   ", "    ", "\t", "> ", "- ", "1. ", "---\n"]
WORDS = [*MARKS, *REMOTE, *SPACES]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=24).map("".join)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def sanitized(*pieces: str) -> str:
    """What is shown of a text that comes in pieces."""
    sanitizer = Sanitizer()
    return "".join([*(sanitizer.feed(piece) for piece in pieces), sanitizer.finish()])


class Tags(HTMLParser):
    """The elements and attributes of a rendered text."""

    def __init__(self, rendered: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(rendered)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)


def loaded(text: str) -> set[str]:
    """What a text has in it, rendered with HTML allowed, that a browser would load."""
    return Tags(MARKDOWN.render(text)).names & {"img", "iframe", "script", "link", "video", "object", "svg"}


@given(TEXTS)
@example("`\n` ![a](http://evil/) `")
@example("](`b) ` ![a](http://evil/) `")
@example("```\\|a|b|\n|-|-|\n<img src=http://evil/>")
@example("- a\n  ```\n ```\n\n```\n![a](http://evil/)")
@example("[a](`b) ![a](http://evil/) `c)")
@example("|a|b|\n|-|-|\n|`|![a](http://evil/)`|\n")
@example("- ```\n\n  ```\n  ![a](http://evil/)")
@example("!![a](http://evil/)")
@example("\\\\![a](http://evil/)")
@example("](![a](http://evil/))")
@example("[`a]: http://evil/ '`'\n![b](http://evil/)")
def test_nothing_loads(text: str) -> None:
    """By the rules of CommonMark, with tables, and HTML allowed."""
    assert not loaded(sanitized(text)), sanitized(text)


@given(TEXTS, st.lists(st.integers(1, 12), max_size=40))
def test_pieces_do_not_matter(text: str, lengths: list[int]) -> None:
    """A construct that is cut in two is the same construct."""
    pieces, at = [], 0
    for length in lengths:
        pieces.append(text[at : at + length])
        at += length
    assert sanitized(*pieces, text[at:]) == sanitized(text) == sanitized(*text)


@given(
    st.lists(
        st.sampled_from([*WORDS, "x" * LIMIT, "!" * LIMIT, " " * LIMIT, "`" * LIMIT, "~" * LIMIT]), max_size=8
    )
)
def test_long_constructs(words: list[str]) -> None:
    """What is longer than anything that is held back neither loads nor depends on the pieces."""
    text = "".join(words)
    shown = sanitized(text)
    assert not loaded(shown)
    assert sanitized(*(text[at : at + 7] for at in range(0, len(text), 7))) == shown


def test_nobody_waits_for_an_end_that_does_not_come() -> None:
    """A link that is not closed is held back for so many characters, not for good."""
    assert len(Sanitizer().feed("[a](" + "b" * 2 * LIMIT)) > LIMIT
