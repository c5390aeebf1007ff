"""From what the operator says of an assistant to one that is ready to answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from assistants.configuration import (
    PERSONA,
    Defaults,
    RoomTable,
    Said,
    Table,
    mistakes,
    unknown_settings,
)
from assistants.limits import Limits
from assistants.personas import Persona, persona
from assistants.plugin import Assistant, check_words, parse_limits, parse_triggers
from assistants.sources import GROUP, Offer, Unusable

WRONG = "Its settings are not valid."
"""What a room is told; the settings themselves may be secret."""
MISSING = "It is not installed."
AMBIGUOUS = "More than one assistant has its name."


@dataclass(frozen=True, slots=True)
class Ready:
    """An assistant with its settings, ready to answer; `rooms` are those in which it is another."""

    assistant: Assistant[Any]
    settings: BaseModel
    rooms: Mapping[str, "Ready"] = field(default_factory=dict)

    def in_room(self, room: str) -> "Ready":
        """The assistant as the operator wants it in a room."""
        return self.rooms.get(room, self)


def prepare(
    name: str,
    table: Table | None,
    defaults: Defaults,
    offers: Sequence[Offer],
    known: Sequence[str],
    environ: Mapping[str, str],
) -> Ready:
    """The assistant as the operator wants it. Raises `Unusable`.

    `offers` are those of its name, `known` the names of all.
    The operator's word counts over the author's: `[defaults]`, the table, a room's table, and over all of
    them the environment.
    """
    table = table or Table()
    base = _base(name, table, offers, known)
    assistant, settings = _configured(base, [defaults, table], environ)
    rooms = {
        room: Ready(*_configured(base, [defaults, table, different], environ, f'rooms."{room}".'))
        for room, different in table.rooms.items()
    }
    return Ready(assistant, settings, rooms)


def _base(name: str, table: Table, offers: Sequence[Offer], known: Sequence[str]) -> Assistant[Any]:
    """The assistant as its author made it, under the name that the operator gave it."""
    sources = [offer.source for offer in offers]
    if table.prompt is not None:
        sources.insert(0, "assistants.toml (it has a prompt there)")
    if len(sources) > 1:
        raise Unusable(
            f"more than one place offers it: {', '.join(sources)}; remove one, or give it another name",
            AMBIGUOUS,
        )
    if not sources:
        raise Unusable(_missing(table, known), MISSING)
    try:
        if table.prompt is not None:
            return persona(name, name=table.name, description=table.description or "")
        return _renamed(offers[0].load(), table)
    except ValueError as error:
        raise Unusable(str(error), WRONG) from None


def _renamed(found: Assistant[Any], table: Table) -> Assistant[Any]:
    name = found.name if table.name is None else table.name
    description = found.description if table.description is None else table.description
    check_words(found.id, name, description)
    return replace(found, name=name, description=description)


def _missing(table: Table, known: Sequence[str]) -> str:
    where = f"no installed package offers it under the entry-point group {GROUP}, and no file of the folder"
    offered = f"offered: {', '.join(dict.fromkeys(known)) or 'none'}"
    asked = {"model", "history", "tokens"} & table.model_fields_set
    hint = " (a persona needs a prompt)" if asked or not table.model_fields_set else ""
    return f"{where}{hint}; {offered}"


def _configured(
    base: Assistant[Any], said: Sequence[Said], environ: Mapping[str, str], at: str = ""
) -> tuple[Assistant[Any], BaseModel]:
    given = _given(base, said, at)
    settings = _settings(base, given, environ, at)
    limits: dict[str, Any] = {name: getattr(base.limits, name) for name in base.limits.model_fields_set}
    triggers = base.on
    try:
        for one in said:
            limits |= one.limits
            if one.on is not None:
                triggers = parse_triggers(base.id, one.on)
        allowed = parse_limits(base.id, limits) if limits else Limits()
    except ValueError as error:
        raise Unusable(f"{at}{error}", WRONG) from None
    return replace(base, on=triggers, limits=allowed), settings


def _given(base: Assistant[Any], said: Sequence[Said], at: str) -> dict[str, Any]:
    """What the file says for the assistant's settings."""
    given: dict[str, Any] = {}
    for one in said:
        persona_words = one.persona
        code_words = one.settings if isinstance(one, RoomTable) else {}
        if base.settings is Persona:
            if code_words:
                raise Unusable(f"{at}settings are for an assistant with code; a persona has none", WRONG)
            given |= persona_words
        elif isinstance(one, Defaults):
            given |= {
                name: one.model for name in ("model",) if one.model and name in base.settings.model_fields
            }
        elif persona_words:
            words = ", ".join(name for name in PERSONA if name in persona_words)
            raise Unusable(
                f"{at}{words}: that is for a persona; {base.id} has code, and takes settings = {{...}}",
                WRONG,
            )
        else:
            given |= code_words
    return given


def variable(assistant_id: str, setting: str) -> str:
    """The environment variable of a setting: PRODUCTFLO_HAITCH_MODEL."""
    return "PRODUCTFLO_" + re.sub(r"[^A-Z0-9]", "_", f"{assistant_id}_{setting}".upper())


def _settings(
    base: Assistant[Any], given: Mapping[str, Any], environ: Mapping[str, str], at: str
) -> BaseModel:
    """The settings of the file and the environment; an empty variable counts as unset."""
    if unknown := unknown_settings(given, base.settings):
        raise Unusable(f"{at}{unknown}", WRONG)
    variables = {name: environ.get(variable(base.id, name)) for name in base.settings.model_fields}
    set_there = {name: value for name, value in variables.items() if value}
    try:
        settings: BaseModel = base.settings.model_validate({**given, **set_there})
    except ValidationError as error:
        raise Unusable(at + mistakes(error, base.settings, _place(base, error, set_there)), WRONG) from None
    return settings


def _place(base: Assistant[Any], error: ValidationError, set_there: Mapping[str, str]) -> str:
    """Where the operator set what is wrong: a variable by its name, or the file."""
    first = str(error.errors()[0]["loc"][0]) if error.errors()[0]["loc"] else ""
    if first in set_there:
        return variable(base.id, first)
    return "" if base.settings is Persona else "settings"
