"""What an assistant may use up, as its author and the operator say it.

    limits = { timeout = 60, per_room = "10/min", tokens_per_day = 200000, max_hops = 1 }

All of them hold over all workers. A day is one of UTC, by the store's clock.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from productflo.domain.rates import Rate

TIMEOUT = 120.0
"""Seconds for an answer where nobody says: a long answer of a slow local model."""
MAX_TIMEOUT = 3600.0
"""Seconds that an answer may take at most: a room waits behind it."""


def _rate(value: object) -> object:
    if isinstance(value, Rate):
        return value
    if not isinstance(value, str):
        raise ValueError(f'must be written such as "10/min", not {value!r}')
    try:
        return Rate.parse(value)
    except ValueError:
        raise ValueError(
            f'must be such as "5/s", "10/min", "100/h", "1000/day" or "10/min burst 20", not {value!r}'
        ) from None


PerTime = Annotated[Rate, BeforeValidator(_rate)]
Tokens = Annotated[int, Field(ge=1)]
Money = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Limits(BaseModel):
    """All limits of an assistant; what is not said is not limited, where no default stands here."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    timeout: float = Field(TIMEOUT, gt=0, le=MAX_TIMEOUT, description="Seconds for one answer.")
    per_room: PerTime | None = Field(None, description='Questions in a room: "10/min".')
    per_user: PerTime | None = Field(None, description="Questions of one person, in all rooms.")
    tokens_per_day: Tokens | None = Field(None, description="Tokens of models, read and written, in all.")
    room_tokens_per_day: Tokens | None = Field(None, description="The same, for a room.")
    user_tokens_per_day: Tokens | None = Field(None, description="The same, for one person who asks.")
    cost_per_day: Money | None = Field(
        None, description="Money in all, by PRODUCTFLO_MODEL_PRICES and in their currency."
    )
    room_cost_per_day: Money | None = Field(None, description="The same, for a room.")
    user_cost_per_day: Money | None = Field(None, description="The same, for one person who asks.")
    max_hops: int = Field(
        0, ge=0, le=20, description="Answers of assistants between a person's word and one that still wakes."
    )
    max_rounds: int = Field(8, ge=1, le=100, description="Requests to a model for one answer with tools.")
    at_once: int | None = Field(
        None, ge=1, le=1000, description="Rooms answered in at the same time; else 32 for each worker."
    )

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """The limits of a decorator or a file. Raises ValueError, which names each field and the fix."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise ValueError("; ".join(_mistakes(error))) from None


UNLIMITED = Limits()
"""What holds where nobody says anything: time, rounds and hops are limited, questions and tokens are not."""


def _mistakes(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False, include_context=False):
        field = str(one["loc"][0]) if one["loc"] else "limits"
        if one["type"] == "extra_forbidden":
            near = get_close_matches(field, Limits.model_fields, 1)
            known = f"did you mean {near[0]}?" if near else f"there are {', '.join(Limits.model_fields)}"
            yield f"limits.{field} is not known; {known}"
        else:
            words = one["msg"].removeprefix("Value error, ").removeprefix("Input ")
            said = "" if one["type"] == "value_error" else f", not {one['input']!r}"
            yield f"limits.{field} {words}{said}"
