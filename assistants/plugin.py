"""What makes a function an assistant."""

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, overload

from pydantic import BaseModel

from assistants.context import Context, NoSettings, S
from assistants.limits import Limits
from assistants.requests import check_commands, check_requests
from productflo.domain.waking import Trigger

__all__ = ["Answer", "Assistant", "NoSettings", "assistant"]

Answer = Callable[[Context[S]], AsyncIterator[str]]
"""An async generator function: each `yield` is a piece of the answer, none means staying silent."""

ID = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?")
"""Lower case, because a mention counts in any case; an end that no sentence ends with (`@echo.`)."""

ADDRESSED = (Trigger.DIRECT, Trigger.MENTION, Trigger.REPLY)
"""What wakes an assistant that does not say: everything that speaks to it, and nothing else."""

NONE: Mapping[str, Any] = MappingProxyType({})
NO_LIMITS: Mapping[str, Any] = {}
"""Where the decorator does not say: the defaults of `Limits` hold."""

MAX_NAME = 80
"""Characters of a name: it stands in front of every message."""
MAX_DESCRIPTION = 300
"""Characters of a description: it stands in a list."""


@dataclass(frozen=True, slots=True)
class Assistant(Generic[S]):
    """An assistant as it is offered to a worker; made by the decorator `assistant`.

    `id` is its user id in every room; `on` what wakes it; `limits` what it may use up; `settings` the model
    that the operator's settings are validated with. `requests` are the typed requests that it owns: a code
    each, with the model of its fields; `commands` the words that call it after a `/`.
    """

    id: str
    answer: Answer[S]
    name: str
    description: str
    on: frozenset[Trigger]
    limits: Limits
    settings: type[S]
    requests: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)


@overload
def assistant(
    assistant_id: str,
    /,
    *,
    name: str | None = None,
    description: str = "",
    on: Iterable[str] = ADDRESSED,
    limits: Mapping[str, Any] = NO_LIMITS,
    requests: Mapping[str, type[BaseModel]] = NONE,
    commands: Mapping[str, str] = NONE,
) -> Callable[[Answer[NoSettings]], Assistant[NoSettings]]: ...


@overload
def assistant(
    assistant_id: str,
    /,
    *,
    settings: type[S],
    name: str | None = None,
    description: str = "",
    on: Iterable[str] = ADDRESSED,
    limits: Mapping[str, Any] = NO_LIMITS,
    requests: Mapping[str, type[BaseModel]] = NONE,
    commands: Mapping[str, str] = NONE,
) -> Callable[[Answer[S]], Assistant[S]]: ...


def assistant(
    assistant_id: str,
    /,
    *,
    settings: type[Any] = NoSettings,
    name: str | None = None,
    description: str = "",
    on: Iterable[str] = ADDRESSED,
    limits: Mapping[str, Any] = NO_LIMITS,
    requests: Mapping[str, type[BaseModel]] = NONE,
    commands: Mapping[str, str] = NONE,
) -> Callable[[Answer[Any]], Assistant[Any]]:
    """Make an async generator function an assistant.

    `assistant_id` is what people write after the `@` (lower-case letters, digits, and `_ . -` within; at most
    64). `name` is shown in rooms (unset: the id, capitalised), `description` in the list of assistants. `on`
    names what wakes it: any of `direct` (a room with one person and no other assistant), `mention`, `reply`.
    `limits` says what it may use up, such as `{"timeout": 60, "per_room": "10/min"}`; the fields are those of
    `Limits`, and the operator may set others. `settings` is a pydantic model; the operator sets its fields in
    assistants.toml or as `PRODUCTFLO_<ID>_<FIELD>`, and the answer finds them in `ctx.settings`.

    `requests` are typed requests that it owns: `{"bom_check": BomRequest}` makes the server take envelopes
    with that code in rooms that have the assistant, and answer with `bom_check_response`; its code finds the
    request in `ctx.request`. A field `query` is the message that the room reads. `commands` are words that
    call it at the beginning of a message, each with what it does: `{"summary": "What was said, in short"}`.

    Raises ValueError or TypeError, whose text says what is wrong, where the module is imported.
    """
    check_id(assistant_id)
    name = name if name is not None else assistant_id.capitalize()
    check_words(assistant_id, name, description)
    if not (isinstance(settings, type) and issubclass(settings, BaseModel)):
        raise TypeError(
            f"assistant {assistant_id}: settings must be a subclass of pydantic.BaseModel, not {settings!r}"
        )
    triggers = parse_triggers(assistant_id, on)
    allowed = parse_limits(assistant_id, limits)
    check_requests(assistant_id, requests)
    check_commands(assistant_id, commands)

    def register(answer: Answer[Any]) -> Assistant[Any]:
        _check(assistant_id, answer)
        owned = dict(requests)
        return Assistant(
            assistant_id, answer, name, description, triggers, allowed, settings, owned, dict(commands)
        )

    return register


def parse_limits(assistant_id: str, given: Mapping[str, Any]) -> Limits:
    """What an assistant may use up. Raises ValueError, which names the field and what to write."""
    try:
        return Limits.parse(given)
    except ValueError as error:
        raise ValueError(f"assistant {assistant_id}: {error}") from None


def parse_triggers(assistant_id: str, on: Iterable[str]) -> frozenset[Trigger]:
    """What wakes an assistant, of the words for it. Raises TypeError or ValueError."""
    if isinstance(on, str):
        raise TypeError(f'assistant {assistant_id}: on is a list of words; write on=["{on}"]')
    words = tuple(on)
    unknown = [repr(word) for word in words if word not in ADDRESSED]
    if unknown:
        raise ValueError(
            f"assistant {assistant_id}: on knows {', '.join(ADDRESSED)}, not {', '.join(unknown)}"
        )
    return frozenset(Trigger(word) for word in words)


def check_id(assistant_id: object) -> None:
    """Raise ValueError for an id that nobody could mention."""
    if not isinstance(assistant_id, str) or not ID.fullmatch(assistant_id):
        raise ValueError(
            f"assistant id {assistant_id!r}: use 1 to 64 lower-case letters, digits, and _ . - within; "
            "for instance 'drawing-check'"
        )


def check_words(assistant_id: str, name: str, description: str) -> None:
    """Raise ValueError for a name or a description that does not fit where it is shown."""
    if not name.strip() or len(name) > MAX_NAME:
        raise ValueError(
            f"assistant {assistant_id}: the name needs 1 to {MAX_NAME} characters, not {len(name)}"
        )
    if len(description) > MAX_DESCRIPTION:
        raise ValueError(
            f"assistant {assistant_id}: the description has {len(description)} characters, "
            f"more than {MAX_DESCRIPTION}"
        )


def _check(assistant_id: str, answer: object) -> None:
    """Tell the usual mistakes by name."""
    if inspect.iscoroutinefunction(answer):
        raise TypeError(
            f"assistant {assistant_id}: {answer.__name__} returns; write `yield` where it says its answer"
        )
    if inspect.isgeneratorfunction(answer):
        raise TypeError(
            f"assistant {assistant_id}: {answer.__name__} must be async: `async def {answer.__name__}(ctx)`"
        )
    if not inspect.isasyncgenfunction(answer):
        raise TypeError(
            f"assistant {assistant_id}: expected `async def {assistant_id}(ctx): yield ...`, not {answer!r}"
        )
    try:
        inspect.signature(answer).bind(object())
    except TypeError as error:
        raise TypeError(
            f"assistant {assistant_id}: {answer.__name__} must take one argument, the context ({error})"
        ) from None
