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
        """Load one command. Raises `click.ClickException` when its package is broken."""
        point = _commands().get(cmd_name)
        if point is None:
            return None
        try:
            command = point.load()
        except (ImportError, AttributeError) as error:
            raise click.ClickException(
                f"The command {cmd_name} ({point.value}) can not be loaded: {error}"
            ) from error
        if not isinstance(command, click.Command):
            raise click.ClickException(f"The command {cmd_name} ({point.value}) is not a click command.")
        return command


@click.group(cls=CommandGroup)
@click.version_option(package_name="productflo-chat", prog_name="ProductFlo chat")
def main() -> None:
    """Rooms in which people and AI assistants talk."""
    if parent := os.environ.get(PARENT_VARIABLE):
        die_with(int(parent))
