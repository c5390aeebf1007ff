"""Who is mentioned in a message."""

import re
from collections.abc import Iterable

CODE = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|(?<!`)(?P<ticks>`{1,2})(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)", re.DOTALL
)
"""Fenced blocks (to their end, or the text's) and code spans, roughly as CommonMark has them."""

CANDIDATE = re.compile(r"(?<![\w@./:-])@([A-Za-z0-9_.:@-]{1,128})")
"""An `@` at a word boundary (so not in an address), and what may be an id."""

TRAILING = ".:@-"
"""Signs that an id may contain, but that end a sentence more often than an id."""


def candidates(text: str) -> list[str]:
    """What may be ids after an `@`, outside code, each once, in the order of the text, case folded."""
    if "@" not in text:
        return []
    found = (match.group(1).casefold() for match in CANDIDATE.finditer(CODE.sub(" ", text)))
    return list(dict.fromkeys(found))


def mentioned(text: str, known: Iterable[str]) -> list[str]:
    """The known ids that the text mentions, in any case, as they are spelled in `known`."""
    names = {name.casefold(): name for name in known}
    found = (names.get(one) or names.get(one.rstrip(TRAILING)) for one in candidates(text))
    return list(dict.fromkeys(name for name in found if name))
