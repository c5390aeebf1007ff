"""Tools: typed functions that a model may ask for.

@tool
async def stock(part: str) -> int:
    \"\"\"How many of a part are in stock.\"\"\"
    return await warehouse.count(part)

@tool(acting=True)  # changes something: runs only when a person has approved exactly these arguments
async def order(ctx: Context, part: str, count: Annotated[int, Field(ge=1, le=100)]) -> str:
    \"\"\"Order a part.\"\"\"
"""

import asyncio
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar, get_origin, get_type_hints, overload

import pydantic_core
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from assistants.context import Context
from assistants.errors import AssistantError
from assistants.surrogates import mended

P = ParamSpec("P")
R = TypeVar("R")

MOST_RESULT = 20_000
"""Characters of a result that the model is given: about 5,000 tokens."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""What OpenAI takes as the name of a function."""


class BadArguments(AssistantError):
    """The model's arguments are not those of the tool; the text tells the model what to change."""


@dataclass(frozen=True, slots=True)
class Tool(Generic[P, R]):
    """A function as a model is offered it; made by `tool`. Calling it calls the function.

    `acting` tells that it changes something outside the room, and needs a person's approval each time.
    """

    function: Callable[P, R]
    name: str
    description: str
    arguments: type[BaseModel]
    acting: bool
    takes_context: bool

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function itself, for tests and for code that needs no model."""
        return self.function(*args, **kwargs)

    def described(self) -> dict[str, Any]:
        """The tool as Chat Completions takes it."""
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        for field in schema.get("properties", {}).values():
            field.pop("title", None)
        function = {"name": self.name, "description": self.description, "parameters": schema}
        return {"type": "function", "function": function}

    def validated(self, arguments: str) -> BaseModel:
        """The arguments of a call, from JSON. Raises `BadArguments`.

        Types are taken at their word ("5" is no number), and unknown arguments are refused.
        """
        try:
            return self.arguments.model_validate_json(arguments or "{}")
        except ValidationError as error:
            raise BadArguments(_told(error)) from None

    async def run(self, ctx: Context[Any], arguments: BaseModel) -> str:
        """Call the function, a plain one in a thread; what it returns, as text for the model.

        Raises what the function raises. A thread can not be cancelled: its result is dropped then.
        """
        given = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        call: Callable[[], Any] = partial(self.function, *([ctx] if self.takes_context else ()), **given)
        result = await call() if inspect.iscoroutinefunction(self.function) else await asyncio.to_thread(call)
        text = (
            mended(result)
            if isinstance(result, str)
            else pydantic_core.to_json(result, fallback=str).decode()
        )
        if len(text) > MOST_RESULT:
            text = f"{text[:MOST_RESULT]}\n(cut: {len(text):,} characters in all)"
        return text


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def tool(*, acting: bool = False, name: str | None = None) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None, /, *, acting: bool = False, name: str | None = None
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a typed function a tool, `async` or plain (which runs in a thread).

    Its docstring tells the model what it does; its parameters, which all need a type, become a JSON schema
    (`Annotated[int, Field(ge=1, description="...")]` says more). A first parameter of the type `Context` is
    given the question, and is none of the model's. What it returns, text or anything that is JSON, goes to
    the model; so does the text of an `AssistantError`. Of any other exception the model learns only that
    there was one. `acting=True` for what changes something outside the room.

    Raises TypeError or ValueError, whose text says what is wrong, where the module is imported.
    """
    if function is not None:
        return _made(function, acting=acting, name=name)
    return partial(_made, acting=acting, name=name)


def _made(function: Callable[P, R], *, acting: bool, name: str | None) -> Tool[P, R]:
    if not inspect.isroutine(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"tool: expected a function that returns, not {function!r}")
    name = name if name is not None else function.__name__
    if not _NAME.fullmatch(name):
        raise ValueError(f"tool {name!r}: a name has 1 to 64 letters, digits and _, and begins with no digit")
    description = inspect.getdoc(function)
    if not description:
        raise ValueError(f"tool {name}: give it a docstring; it is what the model knows of the tool")
    fields, takes_context = _fields(function, name)
    arguments: type[BaseModel] = create_model(
        name, __config__=ConfigDict(extra="forbid", strict=True, frozen=True), **fields
    )
    return Tool(function, name, description, arguments, acting, takes_context)


def _fields(function: Callable[..., Any], name: str) -> tuple[dict[str, Any], bool]:
    """The parameters as fields of a model, and whether the first one is the context."""
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    takes_context = bool(parameters) and _is_context(hints.get(parameters[0].name))
    fields: dict[str, Any] = {}
    for parameter in parameters[1:] if takes_context else parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"tool {name}: a model can not name {parameter}; make it a plain parameter")
        if parameter.name not in hints:
            raise TypeError(f"tool {name}: the parameter {parameter.name} needs a type")
        if parameter.name.startswith("_"):
            raise TypeError(f"tool {name}: the parameter {parameter.name} must not begin with _")
        default = ... if parameter.default is parameter.empty else parameter.default
        if isinstance(default, FieldInfo):
            raise TypeError(f"tool {name}: write {parameter.name}: Annotated[..., Field(...)]")
        fields[parameter.name] = (hints[parameter.name], default)
    return fields, takes_context


def _is_context(hint: object) -> bool:
    return hint is Context or get_origin(hint) is Context


def _told(error: ValidationError) -> str:
    """What is wrong with the arguments, for the model to mend."""
    problems = [
        f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(problems)
