"""Settings as the command line reads, explains and shows them."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from productflo.network import is_loopback
from productflo.settings import Settings

SECRET_FILE = "secret"  # noqa: S105  # The name of a file in the data folder, written by `up --share`.


def variable_of(name: str, info: FieldInfo) -> str:
    """Return the environment variable that sets the field `name`."""
    if isinstance(info.validation_alias, str):
        return info.validation_alias
    return f"{Settings.model_config.get('env_prefix', '')}{name}".upper()


def load_settings() -> Settings:
    """Read the environment. Raises `click.ClickException` with a line for each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as failure:
        raise click.ClickException("\n".join(_complaints(failure))) from None


def _complaints(failure: ValidationError) -> Iterator[str]:
    fields = Settings.model_fields
    for error in failure.errors(include_url=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        info = fields.get(name)
        variable = variable_of(name, info) if info else name
        said = "" if _is_secret(name, variable) else f" (it is {os.environ.get(variable, '')!r})"
        yield f"{variable}: {error['msg'].removeprefix('Value error, ')}{said}"


def _is_secret(name: str, variable: str) -> bool:
    """Whether a value may not be shown: secrets, and addresses, which may carry a password."""
    info = Settings.model_fields.get(name)
    return variable.endswith("_URL") or (info is not None and "SecretStr" in str(info.annotation))


def stored_secret(data_dir: Path) -> SecretStr | None:
    """Return the secret that `up --share` made in this data folder, None where it never was."""
    path = data_dir / SECRET_FILE
    return SecretStr(path.read_text().strip()) if path.exists() else None


def shared_settings(settings: Settings) -> Settings:
    """Return `settings` for the network: every address, and a secret, made and kept where none is set."""
    secret = settings.secret or stored_secret(settings.data_dir) or _make_secret(settings.data_dir)
    host = "0.0.0.0" if is_loopback(settings.host) else settings.host  # noqa: S104  # What was asked for.
    return settings.model_copy(update={"secret": secret, "host": host})


def _make_secret(data_dir: Path) -> SecretStr:
    data_dir.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_urlsafe(32)
    descriptor = os.open(data_dir / SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(secret)
    return SecretStr(secret)


@click.command("settings")
def show_settings() -> None:
    """Print every setting, its value and where that comes from."""
    settings = load_settings()
    for name, info in Settings.model_fields.items():
        variable = variable_of(name, info)
        source = "environment" if os.environ.get(variable) else "default"
        click.echo(f"{variable}={_shown(name, variable, getattr(settings, name))}  ({source})")
        click.echo(f"    {info.description}")


def _shown(name: str, variable: str, value: object) -> str:
    if value is None:
        return ""
    if _is_secret(name, variable):
        return "(set, not shown)"
    return ",".join(value) if isinstance(value, tuple) else str(value)
