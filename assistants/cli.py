"""`productflo assistants`: write them, look at them, talk to them, run them.

What a command needs is imported when it is called: `--help` answers at once.
"""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from assistants.registry import Selection

MARKS = {"runs": "*", "missing": "!", "offered": " "}
"""In front of each line of the list."""


@click.group()
def assistants() -> None:
    """Write assistants, try them, and run them.

    \b
    A persona needs no code: a table in assistants.toml.
    An assistant with code is a package (`new`) or a file in PRODUCTFLO_ASSISTANTS_FOLDER.
    Only what you name runs: in PRODUCTFLO_ASSISTANTS, or by a table in assistants.toml.
    """


@assistants.command(short_help="Make a package with an assistant and a test that passes.")
@click.argument("name")
@click.option(
    "--in",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder in which the package's own folder is made. Default: here.",
)
def new(name: str, folder: Path) -> None:
    """Make a package with an assistant NAME in it, and a test that passes.

    NAME is what people will write after the @: lower-case letters, digits and - within, such as
    drawing-check. Nothing that exists is overwritten.
    """
    from assistants.scaffold import Refused, scaffold

    try:
        made = scaffold(name, folder)
    except Refused as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Made {made}. Next:\n")
    click.echo(f"  cd {made}")
    click.echo("  python -m pip install --editable '.[test]'   # in the environment of ProductFlo chat")
    click.echo("  python -m pytest")
    click.echo(f"  productflo assistants chat {name}")


@assistants.command("list")
def list_() -> None:
    """List the assistants that there are, and where each comes from.

    Those marked with * run here; one marked with ! is named, and nothing offers it.
    """
    from assistants.configuration import Misconfigured

    selection = _selection()
    try:
        names, found, offers = selection.names(), selection.read(), selection.offers()
    except Misconfigured as error:
        raise click.ClickException(str(error)) from None
    sources = [(offer.id, offer.source) for offer in offers]
    sources += [(name, "assistants.toml") for name, table in found.tables.items() if table.prompt]
    sources += [(name, "assistants.toml (wrong: see check)") for name in found.wrong]
    known = {name for name, _ in sources}
    for name, source in sorted(sources):
        click.echo(f"{MARKS['runs' if name in names else 'offered']} {name:<20} {source}")
    for name in names:
        if name not in known:
            click.echo(f"{MARKS['missing']} {name:<20} not found")


@assistants.command()
def check() -> None:
    """Load the assistants as a worker would, and say what is wrong. Exit code 1 where anything is."""
    from assistants.configuration import Misconfigured
    from assistants.llm import model_of
    from productflo.cli.configuration import load_settings

    selection = _selection()
    logging.disable(logging.ERROR)  # What is logged is printed here.
    try:
        found = selection.load()
    except Misconfigured as error:
        raise click.ClickException(str(error)) from None
    for name, ready in found.ready.items():
        click.echo(f"ok      {name}: {ready.assistant.description or ready.assistant.name}")
    for name, reason in found.broken.items():
        click.echo(f"broken  {name}: {reason}")
    model = model_of(load_settings())
    where = model.where if model.configured else "none: set OPENAI_API_KEY or OPENAI_BASE_URL"
    click.echo(f"model   {where}")
    if found.broken:
        raise SystemExit(1)


@assistants.command(short_help="Talk to an assistant in this terminal, without a server.")
@click.argument("name")
@click.option("--as", "person", default="you", show_default=True, help="Who you are to it.")
def chat(name: str, person: str) -> None:
    """Talk to the assistant NAME in this terminal, without a server.

    Its code and settings, and your model, are the real ones; the room is one of you two, and is forgotten at
    the end. NAME need not be named in PRODUCTFLO_ASSISTANTS.

    \b
    /stop    (or Ctrl-C) stops the answer        /new   begins a new room
    /quit    (or Ctrl-D) ends                    /attach FILE  goes with what you say next
    \\        at a line's end: the message goes on in the next line
    """
    from assistants.configuration import Misconfigured
    from assistants.fetch import Fetcher
    from assistants.llm import model_of
    from assistants.sources import Unusable
    from assistants.terminal import talk
    from productflo.cli.configuration import load_settings

    logging.disable(logging.WARNING)  # What goes wrong is said in the room, as it would be in a real one.
    try:
        ready = _selection().find(name)
    except (Misconfigured, Unusable) as error:
        raise click.ClickException(f"{name}: {error}") from None
    settings = load_settings()
    pages = Fetcher.allowing(settings.source_hosts)
    asyncio.run(talk(ready, model_of(settings), pages, person))


@assistants.command()
def run() -> None:
    """Run a worker: the process in which the assistants live. Any number may run, on any machines.

    A change of assistants.toml, or of a file in the folder of assistants, counts at once; SIGHUP reads them
    again too. Answers under way end as they began. SIGTERM hands them to another worker.
    """
    from assistants.configuration import Misconfigured
    from assistants.metrics import PortTaken
    from assistants.running import NothingToRun
    from assistants.running import run as run_worker
    from assistants.tracing import NotInstalled
    from productflo.cli.configuration import load_settings
    from productflo.event_loop import LoopMissing
    from productflo.store.embedded import StoreFailed

    try:
        run_worker(load_settings())
    except (LoopMissing, Misconfigured, NothingToRun, NotInstalled, PortTaken, StoreFailed) as failure:
        raise click.ClickException(str(failure)) from None


def _selection() -> "Selection":
    from assistants.registry import Selection
    from productflo.cli.configuration import load_settings

    return Selection.of(load_settings())
