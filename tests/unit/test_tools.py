"""From a typed function to a tool, and from a model's JSON to a call of it."""

import threading
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from assistants import Context, Tool, tool
from assistants.tools import MOST_RESULT, BadArguments


class Part(BaseModel):
    """A part."""

    number: str
    tags: list[str] = []


@tool
async def find(
    ctx: Context[Any],
    part: Part,
    count: Annotated[int, Field(ge=1, le=9, description="How many.")] = 1,
    unit: Literal["mm", "in"] = "mm",
    due: date | None = None,
) -> dict[str, object]:
    """Find a part.

    In the warehouse.
    """
    return {"part": part, "count": count, "unit": unit, "due": due}


def test_a_function_is_described_as_chat_completions_takes_it() -> None:
    """Name, docstring and schema; the context is no parameter of the model's."""
    described = find.described()
    assert described["type"] == "function"
    function = described["function"]
    assert (function["name"], function["description"]) == ("find", "Find a part.\n\nIn the warehouse.")
    parameters = function["parameters"]
    assert list(parameters["properties"]) == ["part", "count", "unit", "due"]
    assert parameters["properties"]["count"] == {
        "type": "integer", "minimum": 1, "maximum": 9, "description": "How many.", "default": 1,
    }  # fmt: skip
    assert parameters["required"] == ["part"]
    assert parameters["additionalProperties"] is False


async def test_arguments_become_values() -> None:
    """Models, dates and defaults; the result goes back as JSON."""
    given = find.validated('{"part": {"number": "7"}, "count": 2, "due": "2026-11-28"}')
    result = await find.run(None, given)  # type: ignore[arg-type]
    assert result == '{"part":{"number":"7","tags":[]},"count":2,"unit":"mm","due":"2026-11-28"}'


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"part": {"number": "7"}, "count": 10}', "count: Input should be less than or equal to 9"),
        ('{"part": {"number": "7"}, "count": "2"}', "count: Input should be a valid integer"),
        ('{"part": {"number": "7"}, "room": "b"}', "room: Extra inputs are not permitted"),
        ('{"part": {"number": "7"}, "ctx": 1}', "ctx: Extra inputs are not permitted"),
        ("{}", "part: Field required"),
        ('{"part":', "Invalid JSON"),
        ("[]", "arguments: "),
    ],
)
def test_wrong_arguments_are_told_by_name(arguments: str, told: str) -> None:
    """The model can mend what it is told; nothing is guessed."""
    with pytest.raises(BadArguments) as error:
        find.validated(arguments)
    assert told in str(error.value)


async def test_a_plain_function_runs_in_a_thread() -> None:
    """It may block: others go on."""

    @tool
    def where() -> str:
        """Where it runs."""
        return threading.current_thread().name

    assert await where.run(None, where.validated("")) != threading.main_thread().name  # type: ignore[arg-type]
    assert where() == threading.main_thread().name


async def test_a_long_result_is_cut_and_that_is_told() -> None:
    """A model's context is not for one tool alone."""

    @tool(name="read_all")
    async def long() -> str:
        """All of it."""
        return "x" * (MOST_RESULT + 5)

    result = await long.run(None, long.validated("{}"))  # type: ignore[arg-type]
    assert result.endswith(f"\n(cut: {MOST_RESULT + 5:,} characters in all)")
    assert long.name == "read_all"


def test_mistakes_are_told_where_the_module_is_imported() -> None:
    """Each says what to write instead."""

    async def no_words(part: str) -> None: ...

    async def untyped(part) -> None:  # type: ignore[no-untyped-def]
        """Words."""

    async def many(*parts: str) -> None:
        """Words."""

    async def streams() -> AsyncIterator[str]:
        """Words."""
        yield ""

    async def filled(part: str = Field("a")) -> None:
        """Words."""

    for function, words in (
        (no_words, "tool no_words: give it a docstring"),
        (untyped, "the parameter part needs a type"),
        (many, "a model can not name *parts"),
        (streams, "expected a function that returns"),
        (filled, "write part: Annotated"),
    ):
        with pytest.raises((TypeError, ValueError), match=words.replace("*", r"\*")):
            tool(function)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a name has 1 to 64"):
        tool(name="no spaces")(no_words)


def test_the_type_of_the_function_stays() -> None:
    """Calling a tool is calling its function."""

    @tool
    def double(number: int) -> int:
        """Twice."""
        return 2 * number

    kept: Tool[[int], int] = double
    assert kept(4) == 8
