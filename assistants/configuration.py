"""assistants.toml: which assistants run, personas without code, and what the operator sets for each.

    [defaults]
    model  = "gpt-5-mini"

    [assistants.reviewer]
    prompt = "You review hardware designs, calmly. At most five sentences."

    [assistants.reviewer.rooms."lab"]
    model  = "gpt-5"

A table with a `prompt` is a persona; any other one sets an assistant that is found elsewhere.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

FILE = "assistants.toml"
"""Read from the working directory, where it is there and no other is named."""

Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
M = TypeVar("M", bound=BaseModel)


class Misconfigured(Exception):
    """The file can not be used as a whole; each line of the text names a place in it and what to write."""


class _Said(BaseModel):
    """What `[defaults]`, an assistant's table and a room's table may all say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: tuple[str, ...] | None = Field(None, description="What wakes it, of `direct`, `mention`, `reply`.")
    limits: dict[str, Any] = Field(default_factory=dict, description="As in the decorator's `limits`.")
    model: str | None = Field(None, description="The model's name, as its server knows it.")
    history: int | None = Field(None, description="Messages of the room that a persona reads.")
    tokens: int | None = Field(None, description="Of those messages in all, about.")

    @property
    def persona(self) -> dict[str, Any]:
        """What is said for a persona: the fields of `personas.Persona` that are set."""
        return {name: value for name in PERSONA if (value := getattr(self, name, None)) is not None}


PERSONA = ("prompt", "model", "history", "tokens")
"""What only a persona understands; an assistant with code has settings of its own in their place."""


class Defaults(_Said):
    """`[defaults]`: what holds for all assistants of the file, unless their tables say something else."""


class RoomTable(_Said):
    """`[assistants.NAME.rooms."ROOM"]`: what is different in one room."""

    prompt: Prompt | None = Field(None, description="The persona's instructions.")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="Settings of an assistant with code, by its own model."
    )


class Table(RoomTable):
    """`[assistants.NAME]`."""

    name: str | None = Field(None, description="Shown in rooms.")
    description: str | None = Field(None, description="Shown in the list of assistants.")
    rooms: dict[str, RoomTable] = Field(default_factory=dict, description="By room id.")


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file that was read. `wrong` tells why a table can not be used; the others can."""

    defaults: Defaults = field(default_factory=Defaults)
    tables: Mapping[str, Table] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> list[str]:
        """The assistants that the file names, in its order."""
        return [*self.tables, *self.wrong]


def locate(named: Path | None) -> Path | None:
    """The file to read: the named one, else the usual one where it is there.

    Raises `Misconfigured` where the named one is not there.
    """
    if named is None:
        return Path(FILE) if Path(FILE).is_file() else None
    if not named.is_file():
        raise Misconfigured(f"PRODUCTFLO_ASSISTANTS_FILE: there is no file {named}")
    return named


def read(path: Path | None) -> Configuration:
    """Read and validate a file; an empty configuration without one. Raises `Misconfigured`."""
    if path is None:
        return Configuration()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"{path.name}: {error}") from None
    unknown = [_unknown(key, ("assistants", "defaults")) for key in content if key not in _TOP]
    tables = content.get("assistants", {})
    if unknown or not isinstance(tables, dict):
        raise Misconfigured("\n".join(f"{path.name}: {one}" for one in unknown or [_NO_TABLES]))
    try:
        defaults = Defaults.model_validate(content.get("defaults", {}))
    except ValidationError as error:
        raise Misconfigured(f"{path.name} [defaults]: {mistakes(error, Defaults)}") from None
    return _with_tables(path, defaults, tables)


_TOP = ("assistants", "defaults")
_NO_TABLES = "assistants must be tables, such as [assistants.reviewer]"


def _with_tables(path: Path, defaults: Defaults, content: Mapping[str, Any]) -> Configuration:
    tables: dict[str, Table] = {}
    wrong: dict[str, str] = {}
    for name, table in content.items():
        try:
            tables[name] = Table.model_validate(table)
        except ValidationError as error:
            wrong[name] = f"{path.name} [assistants.{name}]: {mistakes(error, Table)}"
    return Configuration(defaults, tables, wrong)


def mistakes(error: ValidationError, model: type[BaseModel], at: str = "") -> str:
    """What is wrong, by field and without the values, which may be secret."""
    return "; ".join(_mistakes(error, model, at))


def _mistakes(error: ValidationError, model: type[BaseModel], at: str) -> Iterator[str]:
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        where = [str(step) for step in one["loc"]]
        if one["type"] == "extra_forbidden":
            fields = RoomTable.model_fields if "rooms" in where[:1] else model.model_fields
            yield ".".join([*filter(None, [at]), *where[:-1], _unknown(where[-1], fields)])
        else:
            told = one["msg"].removeprefix("Value error, ")
            yield f"{'.'.join([*filter(None, [at]), *where]) or 'all in all'}: {told}"


def unknown_settings(given: Mapping[str, Any], model: type[BaseModel]) -> str | None:
    """Which of the given settings the model does not know; None where it knows all, or takes anything."""
    if model.model_config.get("extra") == "allow":
        return None
    known = {*model.model_fields, *(field.alias for field in model.model_fields.values() if field.alias)}
    unknown = [f"settings.{_unknown(name, sorted(known))}" for name in given if name not in known]
    return "; ".join(unknown) or None


def _unknown(name: str, known: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    near = get_close_matches(name, known, 1, 0.5)
    if near:
        return f"{name} is not known; did you mean {near[0]}?"
    return f"{name} is not known; known: {', '.join(known) or 'none'}"
