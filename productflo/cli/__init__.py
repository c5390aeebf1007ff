"""The command line: commands of the entry-point group `productflo.commands`, each loaded when it is used.

Nothing here imports the server or a model's client: `productflo --help` answers at once.
"""

import os
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

import click

from productflo.parent import PARENT_VARIABLE, die_with

COMMANDS = "productflo.commands"


def _commands() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=COMMANDS)}


class CommandGroup(click.Group):
    """A group whose commands any installed package may add to."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, without loading them."""
        return sorted(_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command. One whose package is broken is listed, and says when called what is wrong."""
        point = _commands().get(cmd_name)
        if point is None:
            return None
        try:
            command = point.load()
        except (ImportError, AttributeError) as error:
            return _broken(cmd_name, f"{point.value} can not be loaded: {error}")
        return (
            command
            if isinstance(command, click.Command)
            else _broken(cmd_name, f"{point.value} is no command")
        )


def _broken(name: str, reason: str) -> click.Command:
    def refuse() -> None:
        raise click.ClickException(reason)

    any_words = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, any_words, refuse, short_help=f"(broken: {reason})")


@click.group(cls=CommandGroup)
@click.version_option(package_name="productflo-chat", prog_name="ProductFlo chat")
def main() -> None:
    """Rooms in which people and AI assistants talk."""
    if parent := os.environ.get(PARENT_VARIABLE):
        die_with(int(parent))
