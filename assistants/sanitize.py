"""What a model says, made safe to show: nothing in it loads by itself from somewhere else.

An image whose address carries what a model has read is how a room's text leaks to whoever planted an
instruction in it. So outside of code, Markdown images become links, definitions of references and HTML become
text, and `data:` links lose their content. Links stay: they are followed only when somebody chooses to.

It works on text as it streams, and says the same however that is cut into pieces. Where it can not be sure
that every renderer sees code, it takes the text for no code: the rules of CommonMark that it does not follow
(fences in quotes or deep in lists) cost a stray backslash, not an image.
"""

import re

LIMIT = 2000
"""Characters that are held back at most until a construct is complete; a longer one counts as broken."""

_PLAIN = re.compile(r"[^\\`!<\]\n]+")
_FENCE_BEGINS = re.compile(r" {0,3}(?:`*|~*)\Z")
"""What may still become a fence when more comes."""
_FENCE = re.compile(r"(?P<indent> {0,3})(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)")
_HIDDEN_FENCE = re.compile(r"(?=[ \t]*[>*+\-\d \t])[ \t>*+\-\d.)]*[ \t>](?:`{3}|~{3})")
"""A fence behind a list's or a quote's marks, or far indented: where it ends depends on those."""
_MARKS = re.compile(r"[ \t>*+\-\d.)`~]*\Z")
"""What may still become a hidden fence when more comes."""
_TAIL = re.compile(
    r"""\]\(\s*
    (?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*  # the address, with one level of parentheses
    (?:\s+(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\((?:[^()\\\n]|\\.)*\)))?  # the title
    \s*\)""",
    re.VERBOSE,
)
_DATA = "](data:"
_IMAGE = re.compile(r"!+(?=\[)")
_LETTERS = re.compile(r"[A-Za-z/!?]")
_IN_NO_CODE = re.compile(r"\||\]:")
"""Cells of a table and definitions are found before code is: a span that holds their marks may be none."""


class Sanitizer:
    """One text, fed in pieces; each answer is what may be shown by now, and `finish` the rest."""

    def __init__(self) -> None:
        self._held = ""
        self._at_line_start = True
        self._fence: re.Match[str] | None = None
        self._code_is_sure = True
        """Whether a span of code on this line is one for every renderer; until the next blank line."""
        self._lost = False
        """Whether it is unclear where fences begin and end: from then on nothing counts as code."""
        self._dropping = False
        self._final = False

    def feed(self, piece: str) -> str:
        """Take the next piece; what can be shown of the text so far and was not given before."""
        self._held += piece
        return self._work()

    def finish(self) -> str:
        """The text is complete; the rest of it."""
        self._final = True
        return self._work()

    def _work(self) -> str:
        shown: list[str] = []
        while self._held:
            step = self._step()
            if step is None:
                break
            consumed, text = step
            self._held = self._held[consumed:]
            shown.append(text)
        return "".join(shown)

    def _step(self) -> tuple[int, str] | None:
        """How much of what is held is consumed, and what is shown for it; None where more must come first."""
        if self._dropping:
            return self._drop()
        if self._at_line_start:
            return self._begin_line()
        if self._fence:
            end = self._held.find("\n") + 1
            self._at_line_start = end > 0
            return self._verbatim(end or len(self._held))
        return self._inline()

    def _verbatim(self, length: int) -> tuple[int, str]:
        return length, self._held[:length]

    def _begin_line(self) -> tuple[int, str] | None:
        """Find out what kind of line begins; only a fence's own line is consumed."""
        line, known = self._line()
        if self._fence:
            return self._begin_code_line(self._fence, line, known=known)
        if not known and (_FENCE_BEGINS.match(line) or _MARKS.match(line)):
            return None
        if not line.strip(" \t") and len(line) < len(self._held[:LIMIT]):
            self._code_is_sure = True
            return self._verbatim(len(line) + 1)
        fence = _FENCE.match(line)
        if fence and not known:
            return None
        if fence and not (fence["marks"][0] == "`" and "`" in fence["info"]):
            # Some renderers take a line with bars for the head of a table, even this one.
            if not self._lost and len(line) < LIMIT and "|" not in line:
                self._fence = fence
                return self._verbatim(min(len(line) + 1, len(self._held)))
            self._lost = True
        elif _HIDDEN_FENCE.match(line):
            self._lost = True
        self._at_line_start = False
        return 0, ""

    def _line(self) -> tuple[str, bool]:
        """What is held of this line, at most `LIMIT`, and whether nothing that comes can change it."""
        line = self._held[:LIMIT].partition("\n")[0]
        return line, len(line) < len(self._held) or self._final or len(line) == LIMIT

    def _begin_code_line(self, fence: re.Match[str], line: str, *, known: bool) -> tuple[int, str] | None:
        """Within a fence: does it end here?"""
        indent = len(line) - len(line.lstrip(" "))
        rest = line[indent:].rstrip(" \t")
        could_end = set(rest) <= {fence["marks"][0]} and len(line) < LIMIT
        if could_end and not known:
            return None
        own = len(fence["indent"])
        ends = bool(rest) and could_end and len(rest) >= len(fence["marks"])
        self._at_line_start = False
        if own and rest and (indent < own or (ends and indent != own)):
            # The end of the list that the fence stands in, or only a crooked line: nobody knows.
            self._lost, self._fence = True, None
        elif ends and indent <= 3:
            self._fence = None
            self._at_line_start = True
            return self._verbatim(min(len(line) + 1, len(self._held)))
        return 0, ""

    def _inline(self) -> tuple[int, str] | None:
        held = self._held
        if plain := _PLAIN.match(held):
            return self._verbatim(plain.end())
        match held[0]:
            case "\n":
                self._at_line_start = True
                return 1, "\n"
            case "`":
                return self._code()
            case "]":
                return self._bracket()
            case "!":
                return self._image()
        if len(held) == 1 and not self._final:
            return None
        if held[0] == "<":
            return 1, "\\<" if _LETTERS.match(held, 1) else "<"
        return self._verbatim(1 if held[1:2] == "\n" else 2)  # an escaped character

    def _image(self) -> tuple[int, str] | None:
        marks = len(self._held) - len(self._held.lstrip("!"))
        if marks == len(self._held) and not self._final:
            return None
        return marks, "" if self._held[marks : marks + 1] == "[" else self._held[:marks]

    def _code(self) -> tuple[int, str] | None:
        """A span of code on one line; anything else that begins with backticks may be none."""
        line, known = self._line()
        run = len(line) - len(line.lstrip("`"))
        if run == len(line) and not known:
            return None
        if self._code_is_sure and not self._lost:
            end = re.compile(rf"(?<!`)`{{{run}}}(?!`)").search(line, run)
            if end and (end.end() < len(line) or known):
                if not _IN_NO_CODE.search(line, run, end.start()):
                    return self._verbatim(end.end())
            elif not known:
                return None
        self._code_is_sure = False
        return self._verbatim(run)

    def _bracket(self) -> tuple[int, str] | None:
        """The end of what may be a link's text or a definition's label."""
        held = self._held
        if held.startswith("]:"):
            return 2, "]\\:"
        beginning = held[: len(_DATA)].casefold()
        if _DATA.startswith(beginning) and len(beginning) < len(_DATA) and not self._final:
            return None
        if beginning == _DATA:
            self._dropping = True
            return len(_DATA), "](#"
        line, known = self._line()
        if not held.startswith("]("):
            return self._verbatim(1) if len(held) > 1 or self._final else None
        if tail := _TAIL.match(line):
            return tail.end(), _clean_tail(tail[0])
        if not known:
            return None
        # A link over several lines may hide a backtick that opens no code.
        self._code_is_sure = False
        return self._verbatim(2)

    def _drop(self) -> tuple[int, str]:
        """The content of a `data:` link goes, up to the end of the address."""
        end = re.search(r"[\s)]", self._held)
        if end is None:
            return len(self._held), ""
        self._dropping = False
        return end.start(), ""


def _clean_tail(tail: str) -> str:
    """The address and title of a link, with nothing in them that could be taken for code or HTML."""
    within = tail[2:]
    if within.lstrip().casefold().startswith("data:"):
        return "](#)"
    within = _IMAGE.sub("", within).replace("`", "%60").replace("<", "%3C").replace("]:", "]%3A")
    return f"]({within}"
