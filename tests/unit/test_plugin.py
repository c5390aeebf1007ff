"""What makes a function an assistant, and what is told where it does not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel

from assistants import Assistant, Context, NoSettings, assistant
from productflo.domain.waking import Trigger


class Tone(BaseModel):
    loud: bool = False


async def answers(ctx: Context) -> AsyncIterator[str]:
    yield ctx.text


def test_four_lines_make_an_assistant() -> None:
    """An id and an async generator are enough."""

    @assistant("echo")
    async def echo(ctx: Context) -> AsyncIterator[str]:
        yield f"You said: {ctx.text}"

    assert isinstance(echo, Assistant)
    assert (echo.id, echo.name, echo.description, echo.settings) == ("echo", "Echo", "", NoSettings)
    assert echo.on == {Trigger.DIRECT, Trigger.MENTION, Trigger.REPLY}


def test_everything_can_be_said() -> None:
    """Name, description, triggers, time and settings are as given."""

    @assistant(
        "cad.check",
        name="CAD check",
        description="Checks.",
        on=["mention"],
        limits={"timeout": 5},
        settings=Tone,
    )
    async def check(ctx: Context[Tone]) -> AsyncIterator[str]:
        yield "LOUD" if ctx.settings.loud else "quiet"

    assert (check.name, check.description, check.on, check.limits.timeout, check.settings) == (
        "CAD check",
        "Checks.",
        {Trigger.MENTION},
        5.0,
        Tone,
    )


@pytest.mark.parametrize("name", ["", "Echo", "écho", "echo.", "-echo", "e cho", "@echo", "x" * 65, None])
def test_an_id_that_nobody_could_mention_is_refused(name: Any) -> None:
    """The error shows the id and what one may look like."""
    with pytest.raises(ValueError, match="lower-case letters"):
        assistant(name)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": " "}, "the name needs"),
        ({"name": "x" * 81}, "the name needs 1 to 80"),
        ({"description": "x" * 301}, "301 characters"),
        ({"limits": {"timeout": 0}}, "limits.timeout should be greater than 0"),
        ({"limits": {"timout": 4}}, "limits.timout is not known; did you mean timeout"),
        ({"on": ["mentions"]}, "direct, mention, reply, not 'mentions'"),
        ({"on": ["all"]}, "not 'all'"),
    ],
)
def test_a_wrong_value_is_told(wrong: dict[str, Any], told: str) -> None:
    """At registration, with the id of the assistant and the value that is wrong."""
    with pytest.raises(ValueError, match=f"assistant echo: .*{told}"):
        assistant("echo", **wrong)


def test_a_word_in_place_of_a_list_is_told() -> None:
    """`on="mention"` would otherwise be read letter by letter."""
    with pytest.raises(TypeError, match=r'on=\["mention"\]'):
        assistant("echo", on="mention")


def test_settings_must_be_a_model() -> None:
    """A dictionary can not be validated."""
    with pytest.raises(TypeError, match=r"pydantic\.BaseModel"):
        assistant("echo", settings={"loud": True})  # type: ignore[call-overload]


async def returns(ctx: Context) -> str:
    return ctx.text


def not_async(ctx: Context) -> Any:
    yield ctx.text


async def takes_nothing() -> AsyncIterator[str]:
    yield "hello"


async def takes_two(ctx: Context, more: str) -> AsyncIterator[str]:
    yield more


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (returns, "write `yield`"),
        (not_async, "must be async"),
        (takes_nothing, "must take one argument"),
        (takes_two, "must take one argument"),
        ("echo", "expected `async def echo"),
    ],
)
def test_what_is_no_async_generator_is_told(function: Any, told: str) -> None:
    """Each usual mistake by its name."""
    with pytest.raises(TypeError, match=told):
        assistant("echo")(function)
