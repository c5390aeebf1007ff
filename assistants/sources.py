"""Where assistants with code are found: installed packages, and a folder of files."""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from assistants.plugin import Assistant

GROUP = "productflo.assistants"
"""The entry-point group under which a package offers assistants, each under its id."""
FOLDER_MODULES = "productflo_assistants_folder"
"""Modules of the folder have names of their own, whatever else is installed under the same."""

FAILS = "Its code can not be loaded."


class Unusable(Exception):
    """Why an assistant can not be loaded: for the operator. `told` is the part that is fit for a room."""

    def __init__(self, reason: str, told: str) -> None:
        super().__init__(reason)
        self.told = told


@dataclass(frozen=True, slots=True)
class Offer:
    """An assistant that can be loaded. `source` names the package or file that it comes from."""

    id: str
    source: str
    load: Callable[[], Assistant[Any]]
    """Imports and runs that code. Raises `Unusable`."""


def installed() -> list[Offer]:
    """What installed packages offer, by id; nothing of them is imported."""
    found = {(entry.name, entry.value): entry for entry in entry_points(group=GROUP)}
    return [
        Offer(entry.name, _package(entry), partial(_from_package, entry))
        for _, entry in sorted(found.items())
    ]


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "no package"


def _from_package(entry: EntryPoint) -> Assistant[Any]:
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # whatever a module does when it is imported, others go on
        raise Unusable(f"importing {entry.value} failed: {error!r}", FAILS) from error
    if not isinstance(found, Assistant):
        raise Unusable(f"{entry.value} is {found!r}, not made with @assistant", FAILS)
    if found.id != entry.name:
        raise Unusable(f"{entry.value} has the id {found.id!r}; its entry point must be named so too", FAILS)
    return found


class Folder:
    """A folder whose `*.py` files hold assistants. A file is run when one of it is wanted, and once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._modules: dict[Path, tuple[tuple[int, int], ModuleType]] = {}

    def files(self) -> list[Path]:
        """Its files, by name; those that begin with `_` or a dot are not looked at. Raises OSError."""
        return sorted(
            path for path in self._path.iterdir() if path.suffix == ".py" and path.name[0] not in "._"
        )

    def offers(self) -> list[Offer]:
        """What its files offer, read from their text: nothing of them is run. Raises OSError.

        A file that does not parse offers an assistant of the file's own name, which can not be loaded.
        """
        return [offer for path in self.files() for offer in self._offers(path)]

    def _offers(self, path: Path) -> Iterator[Offer]:
        try:
            names = list(_declared(path.read_text(encoding="utf-8")))
        except (SyntaxError, ValueError) as error:
            reason = f"{path}: {error}"
            yield Offer(path.stem, str(path), partial(_refuse, reason))
            return
        for name in names:
            yield Offer(name, str(path), partial(self._load, path, name))

    def _load(self, path: Path, name: str) -> Assistant[Any]:
        module = self._module(path)
        for found in vars(module).values():
            if isinstance(found, Assistant) and found.id == name:
                return found
        raise Unusable(f"{path} does not keep the assistant {name} under a name of its own", FAILS)

    def _module(self, path: Path) -> ModuleType:
        """The file's module: run again where the file is another since."""
        about = path.stat()
        version = (about.st_mtime_ns, about.st_size)
        if path in self._modules and self._modules[path][0] == version:
            return self._modules[path][1]
        name = f"{FOLDER_MODULES}.{path.stem}"
        module = ModuleType(name)
        module.__file__ = str(path)
        before = sys.modules.get(name)
        sys.modules[name] = module  # dataclasses and pydantic look their module up.
        try:
            exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # noqa: S102 - that is its purpose
        except (Exception, SystemExit) as error:
            _restore(name, before)
            raise Unusable(f"running {path} failed: {error!r}", FAILS) from error
        self._modules[path] = (version, module)
        return module


def _restore(name: str, module: ModuleType | None) -> None:
    if module is None:
        del sys.modules[name]
    else:
        sys.modules[name] = module


def _refuse(reason: str) -> Assistant[Any]:
    raise Unusable(reason, FAILS)


def _declared(source: str) -> Iterator[str]:
    """The ids of the assistants that a module's text declares with the decorator."""
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.AsyncFunctionDef | ast.FunctionDef):  # which the decorator explains
            continue
        for decorator in statement.decorator_list:
            if isinstance(decorator, ast.Call) and _named(decorator.func) == "assistant" and decorator.args:
                first = decorator.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def _named(function: ast.expr) -> str | None:
    match function:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
    return None
