"""The JSON body of a request, as a model."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from quart import Request

from productflo.protocol.codec import first_problem, parse

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request, model: type[M]) -> M:
    """The body; an empty one counts as `{}`. Raises `ValidationFailed` that names the field."""
    body = await request.get_data(as_text=False)
    try:
        return model.model_validate(parse(body or b"{}"))
    except ValidationError as error:
        raise first_problem(error) from error
