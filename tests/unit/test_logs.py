"""The log: nobody floods it, and programs can read it."""

import io
import json
import logging
import sys

import pytest
from counting import here

from productflo.domain.rates import Rate
from productflo.logs import LINES, FloodGuard, JsonFormatter

MINUTE = 60.0


class Written:
    """A logger whose lines are kept, on a clock that stands still."""

    def __init__(self) -> None:
        self.time = 0.0
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.addFilter(FloodGuard(lambda: self.time))
        self.log = logging.Logger("test")
        self.log.addHandler(handler)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


def test_one_place_writes_a_few_lines_and_then_how_many_there_were() -> None:
    """Another place writes on; critical lines are always written."""
    written, before = Written(), here("log_lines_left_out_total")
    for number in range(1000):
        written.log.warning("bad client %d", number)
    assert here("log_lines_left_out_total") == before + 1000 - LINES.burst
    assert written.lines == [f"bad client {number}" for number in range(LINES.burst)]
    written.log.error("100% of something else")
    for _ in range(2 * LINES.burst):
        written.log.critical("the end")
    assert written.lines[LINES.burst :] == ["100% of something else"] + ["the end"] * 2 * LINES.burst


@pytest.mark.parametrize(
    ("text", "arguments", "line"),
    [
        ("it said %s", ("50%",), "it said 50% (and 5 more like it before)"),
        ("50% of it", (), "50% of it (and 5 more like it before)"),
        ("it said %(what)s", ({"what": "no"},), "it said no"),
    ],
)
def test_the_next_line_says_how_many_were_left_out(
    text: str, arguments: tuple[object, ...], line: str
) -> None:
    """Whatever form its arguments have."""
    written = Written()
    for number in range(LINES.burst + 6):
        if number == LINES.burst + 5:
            written.time += MINUTE
        written.log.warning(text, *arguments)
    assert len(written.lines) == LINES.burst + 1
    assert written.lines[-1] == line


def test_a_day_of_flood_is_a_line_a_minute() -> None:
    """However fast it comes."""
    written = Written()
    for _ in range(24 * 60 * 10):
        written.time += 6.0
        written.log.warning("again")
    assert len(written.lines) <= LINES.burst + 24 * 60 * MINUTE * LINES.per_second + 1
    assert Rate.parse(str(LINES)) == LINES


def test_json_is_an_object_a_line() -> None:
    """With what is particular apart from what happened, and the trace in it."""
    try:
        raise ZeroDivisionError("no\nway")
    except ZeroDivisionError:
        error = sys.exc_info()
    record = logging.LogRecord("a.b", logging.ERROR, "x.py", 7, "lost %d in %s", (3, "rööm"), error)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert told["time"].endswith("+00:00")
    assert (told["level"], told["logger"], told["process"]) == ("ERROR", "a.b", record.process)
    assert (told["message"], told["event"]) == ("lost 3 in rööm", "lost %d in %s")
    assert "ZeroDivisionError" in told["trace"]
