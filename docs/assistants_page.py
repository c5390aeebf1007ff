"""docs/reference/assistants.md, made from the public names of `assistants` and `assistants.testing`."""

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import click
from pydantic import BaseModel

import assistants
from assistants import testing
from assistants.cli import assistants as commands
from assistants.configuration import Defaults, RoomTable, Table
from assistants.personas import Persona

HEAD = """# Assistants

<!-- Made by docs/generate.py from assistants/. -->

What authors of assistants import, what operators write, and the commands for both. The
[tutorial](../tutorials/first-assistant.md) makes one step by step; `examples/parts-assistant` is a whole
package.

An assistant is an async generator function with the decorator `assistant`. It is found as an entry point
of an installed package (group `productflo.assistants`, named by its id), as a file of
`PRODUCTFLO_ASSISTANTS_FOLDER`, or, as a persona without code, in assistants.toml. Two of one name are
both refused. Only what the operator names runs: in `PRODUCTFLO_ASSISTANTS`, or by a table in
assistants.toml.
"""

FILE = """## assistants.toml

`PRODUCTFLO_ASSISTANTS_FILE`, else assistants.toml in the working directory. A table with a `prompt` is a
persona; any other sets an assistant with code. An unknown key is an error that names it and the nearest
right one.

```toml
[defaults]                                # for all of them
model = "gpt-5-mini"                      # of any OpenAI-compatible server

[assistants.reviewer]                     # its id: people write @reviewer
name   = "Reviewer"
prompt = "You review hardware designs, calmly. At most five sentences."
on     = ["mention", "direct", "reply"]
limits = { timeout = 60, per_room = "10/min", tokens_per_day = 200000, max_hops = 1 }

[assistants.reviewer.rooms."lab"]         # what is different in one room
model  = "gpt-5"

[assistants.parts]                        # an installed package
settings = { stock = { "M3x8" = 1200 } }  # validated by its own model
```

What counts: the environment (`PRODUCTFLO_<ID>_<SETTING>`), then the room's table, the assistant's,
`[defaults]`, and last what its author wrote. `[defaults]` gives an assistant with code its limits, what
wakes it, and the `model` where it has such a setting.

The file, and the folder of assistants, are read again when they change, and on SIGHUP. Answers under way
end as they began; the next question is answered as the file says then. A file that can not be used
changes nothing, and an assistant at work whose table is wrong goes on as it was; the log says why, once.
At the start a wrong table disables its own assistant: `productflo assistants check`, the log, and the
lists of assistants say so. A file that is no TOML ends the worker at once, since the limits that it sets
would be missing.
"""

TESTING = """## Tests

The fixture `chat` comes with the package (for pytest and pytest-asyncio): a room without a server, whose
assistant gets what it gets from a worker, and a model that says what the test wrote down, spoken to by
the real client.

```python
async def test_echo(chat):
    room = chat(echo, people=["ana", "bob"])
    answer = await room.say("ana", "@echo hello")
    assert answer.text == "You said: hello"
```

A call of the model, or a request for approval, that the test does not script fails it; so does a script
that is not used up. Rates and budgets are not counted here; `timeout` is.
"""


ALIASES = {"Answer": "The type of what the decorator takes, an async generator function"}
"""Names for a type have no docstring."""


def page() -> str:
    """The page."""
    parts = [HEAD, "## `assistants`\n"]
    parts += [_public(name, getattr(assistants, name)) for name in assistants.__all__]
    parts += ["What `limits` may say stands in [limits](limits.md).\n", FILE]
    for title, model in (
        ("`[assistants.NAME]`", Table),
        ('`[assistants.NAME.rooms."ROOM"]`', RoomTable),
        ("`[defaults]`", Defaults),
    ):
        parts += [f"### {title}\n", *_table(model)]
    parts += ["### What a persona is by default\n", *_table(Persona)]
    parts += [TESTING, *(_public(name, getattr(testing, name)) for name in testing.__all__)]
    parts += ["## Commands\n", *_commands()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts).rstrip() + "\n")


def _public(name: str, value: Any) -> str:
    """A public name: how it is called, what it promises, and what it has."""
    doc = _doc(value)
    if inspect.isfunction(value):
        return f"### `{name}`\n\n```python\n{name}{_signature(value)}\n```\n\n{doc}\n"
    if not inspect.isclass(value):
        return f"### `{name}`\n\n{ALIASES[name]}: `{_shown(value)}`.\n"
    lines = [f"### `{name}`\n\n{doc}\n"]
    if fields := list(_fields(value)):
        lines += ["| field | type |", "|---|---|", *fields, ""]
    lines += [f"- `{called}`: {told}" for called, told in _members(value)]
    return "\n".join([*lines, ""])


def _fields(owner: type) -> Iterator[str]:
    if not dataclasses.is_dataclass(owner):
        return
    hints = get_type_hints(owner, localns={"Tool": assistants.Tool})
    for field in dataclasses.fields(owner):
        if not field.name.startswith("_"):
            yield f"| `{field.name}` | `{_shown(hints[field.name]).replace('|', chr(92) + '|')}` |"


def _members(owner: type) -> Iterator[tuple[str, str]]:
    for name, member in vars(owner).items():
        if name.startswith("_") and name != "__call__":
            continue
        if isinstance(member, property):
            yield name, _line(member)
        elif inspect.isfunction(member):
            awaited = "await " if inspect.iscoroutinefunction(member) else ""
            called = "()" if name == "__call__" else f".{name}"
            yield f"{awaited}{called.removesuffix('()')}{_signature(member)}", _line(member)


def _signature(function: Any) -> str:
    """The parameters as an author writes them: without self, types as they are named."""
    signature = inspect.signature(function)
    kept = [one for one in signature.parameters.values() if one.name != "self"]
    return _short(str(signature.replace(parameters=kept)))


def _shown(value: object) -> str:
    return _short(
        value.__name__ if isinstance(value, type) and not hasattr(value, "__origin__") else str(value)
    )


def _short(text: str) -> str:
    text = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)
    text = re.sub(r"<class '(?:[a-z_]+\.)*(\w+)'>", r"\1", text)
    text = re.sub(r"<\w+\.\w+: ('\w+')>", r"\1", text).replace("~", "")
    text = re.sub(r"<object object at 0x[0-9a-f]+>|<function <lambda> at 0x[0-9a-f]+>", "...", text)
    return text.replace("collections.abc.", "").replace("typing.", "").replace("NoneType", "None")


def _doc(value: Any) -> str:
    doc = inspect.getdoc(value) or ""
    return "" if doc.startswith(f"{getattr(value, '__name__', '')}(") else doc


def _line(value: Any) -> str:
    """A docstring on one line: in a list there is no room for paragraphs."""
    return " ".join(_doc(value).split())


def _table(model: type[BaseModel]) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        default = "" if field.is_required() or field.default_factory else _default(field.get_default())
        rows.append(f"| `{name}` | {default} | {field.description or ''} |")
    return ["| | default | |", "|---|---|---|", *rows, ""]


def _default(value: object) -> str:
    return "" if value is None else f"`{value}`"


def _commands() -> Iterator[str]:
    for name in sorted(commands.commands):
        command = commands.commands[name]
        context = click.Context(command, info_name=f"productflo assistants {name}", max_content_width=100)
        context.terminal_width = 100
        yield f"```\n{command.get_help(context)}\n```\n"
