"""A new package with an assistant in it: small, typed, and with a test that passes."""

import re
from pathlib import Path
from string import Template

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""An id that is a package's and, with `_` for `-`, a module's name too."""
MAX_NAME = 40
"""Characters: it stands in front of every mention, and in the names of files."""


class Refused(Exception):
    """Why nothing was made."""


def scaffold(name: str, folder: Path) -> Path:
    """Make the package `NAME-assistant` in a folder; return its own folder. Raises `Refused`."""
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise Refused(
            f"{name!r} can not be the name of a package's assistant: use 1 to {MAX_NAME} lower-case letters, "
            "digits and - within, beginning with a letter; for instance drawing-check"
        )
    target = folder / f"{name}-assistant"
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise Refused(f"{target} exists; nothing was changed. Choose another name, or --in FOLDER.") from None
    except OSError as error:
        raise Refused(str(error)) from None
    words = {"name": name, "module": name.replace("-", "_"), "title": name.replace("-", " ").capitalize()}
    for path, template in FILES.items():
        file = target / Template(path).substitute(words)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template(template).substitute(words).removeprefix("\n"), encoding="utf-8")
    return target


FILES = {
    "pyproject.toml": """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "$name-assistant"
version = "0.1.0"
description = "$title, an assistant for ProductFlo chat."
readme = "README.md"
requires-python = ">=3.11"
dependencies = [] # ProductFlo chat itself is what this is installed beside.

[project.optional-dependencies]
test = ["pytest>=8.4", "pytest-asyncio>=1.2"]

[project.entry-points."productflo.assistants"]
$name = "${module}_assistant:$module"

[tool.hatch.build.targets.wheel]
packages = ["src/${module}_assistant"]

[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
testpaths = ["tests"]
""",
    "README.md": """
# $title

An assistant for ProductFlo chat. In the environment that ProductFlo chat runs in:

```sh
python -m pip install --editable '.[test]'
python -m pytest
productflo assistants chat $name
```

To let it run, name it in `PRODUCTFLO_ASSISTANTS`, or in assistants.toml, where its settings go too:

```toml
[assistants.$name]
settings = { model = "gpt-5-mini" }
```
""",
    "src/${module}_assistant/__init__.py": '''
"""$title, an assistant for ProductFlo chat."""

from collections.abc import AsyncIterator

from assistants import Context, assistant
from pydantic import BaseModel


class Settings(BaseModel):
    """What the operator may set."""

    model: str = "gpt-5-mini"


@assistant("$name", name="$title", description="What it does, in a line.", settings=Settings)
async def $module(ctx: Context[Settings]) -> AsyncIterator[str]:
    """Answer when it is addressed; each yield is a piece of the answer."""
    history = await ctx.history(20)  # the messages of this room before the question, oldest first
    said = [f"{ctx.name(message.sender)}: {message.text}" for message in [*history, ctx.message]]
    turns = [
        {"role": "system", "content": "Answer the last message of this conversation, briefly."},
        {"role": "user", "content": "\\n\\n".join(said)},
    ]
    async for piece in ctx.llm(turns, model=ctx.settings.model):
        yield piece
''',
    "src/${module}_assistant/py.typed": "",
    "tests/test_$module.py": '''
"""The fixture `chat` comes with ProductFlo chat: a room without a server, and a scripted model."""

from assistants.testing import Chat

from ${module}_assistant import $module


async def test_it_answers_from_the_conversation(chat: Chat) -> None:
    """What was said before is in front of the model."""
    room = chat($module, people=["ana", "bob"])
    await room.say("bob", "The bracket is 3 mm thick.")
    room.model.says("3 mm, says", " Bob.")
    answer = await room.say("ana", "@$name how thick is it?")
    assert answer.text == "3 mm, says Bob."
    assert "bob: The bracket is 3 mm thick." in room.model.requests[0].text
''',
}
