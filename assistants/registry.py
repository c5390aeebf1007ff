"""Finding the assistants that the operator named, in the packages that are installed."""

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel, ValidationError

from assistants.plugin import Assistant

log = logging.getLogger(__name__)

GROUP = "productflo.assistants"
"""The entry-point group under which a package offers assistants, each under its id."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An assistant with its settings, ready to answer."""

    assistant: Assistant[Any]
    settings: BaseModel


@dataclass(frozen=True, slots=True)
class Registry:
    """The assistants of this worker by id, and why others that were named are not among them."""

    ready: dict[str, Ready] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def installed() -> list[EntryPoint]:
    """All assistants that installed packages offer; nothing of them is imported."""
    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def load(names: Iterable[str], environ: Mapping[str, str] = os.environ) -> Registry:
    """Import and configure the named assistants, and no others.

    One that can not be loaded disables only itself; the reason is in `broken` and in the log.
    """
    registry = Registry()
    for name in dict.fromkeys(names):
        try:
            registry.ready[name] = _load(name, environ)
        except Unusable as error:
            registry.broken[name] = str(error)
            log.error("The assistant %s is disabled: %s", name, error, exc_info=error.__cause__)
    return registry


class Unusable(Exception):
    """Why an assistant can not be loaded."""


def _load(name: str, environ: Mapping[str, str]) -> Ready:
    entry = _find(name)
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # whatever a module does when it is imported, others go on
        raise Unusable(f"importing {entry.value} failed: {error!r}") from error
    if not isinstance(found, Assistant):
        raise Unusable(f"{entry.value} is {found!r}, not made with @assistant")
    if found.id != name:
        raise Unusable(f"{entry.value} has the id {found.id!r}; its entry point must be named so too")
    return Ready(found, _settings(found, environ))


def _find(name: str) -> EntryPoint:
    offers = [entry for entry in installed() if entry.name == name]
    if not offers:
        known = ", ".join(entry.name for entry in installed()) or "none"
        raise Unusable(
            f"no installed package offers it under the entry-point group {GROUP}; offered: {known}"
        )
    if len({entry.value for entry in offers}) > 1:
        packages = ", ".join(sorted(entry.dist.name for entry in offers if entry.dist))
        raise Unusable(f"more than one package offers it: {packages}")
    return offers[0]


def variable(assistant_id: str, setting: str) -> str:
    """The environment variable of a setting: PRODUCTFLO_HAITCH_MODEL."""
    return "PRODUCTFLO_" + re.sub(r"[^A-Z0-9]", "_", f"{assistant_id}_{setting}".upper())


def _settings(found: Assistant[Any], environ: Mapping[str, str]) -> BaseModel:
    """The settings that the environment gives; an empty variable counts as unset."""
    given = {name: environ.get(variable(found.id, name)) for name in found.settings.model_fields}
    try:
        settings: BaseModel = found.settings.model_validate(
            {name: value for name, value in given.items() if value}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = variable(found.id, str(first["loc"][0])) if first["loc"] else "its settings"
        raise Unusable(
            f"{where}: {first['msg']}"
        ) from None  # the whole error shows values, which may be secret
    return settings
