"""The command line before any server runs: help, settings, refusals."""

import subprocess
import sys
from pathlib import Path

from processes import PRODUCTFLO, environment


def _run(data_dir: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = environment(data_dir, **variables)
    return subprocess.run(
        [*PRODUCTFLO, *words], env=env, capture_output=True, text=True, check=False, timeout=30
    )


def test_help_names_every_command_and_loads_no_server() -> None:
    """`--help` answers at once: it imports neither the web framework nor a model's client."""
    code = (
        "import sys, productflo.cli\n"
        "productflo.cli.main(['--help'], standalone_mode=False)\n"
        "print(sorted({'quart', 'openai', 'hypercorn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    commands = ("up", "serve", "token", "invite", "user", "settings")
    assert all(f"\n  {name} " in done.stdout for name in commands)
    assert done.stdout.endswith("[]\n")


def test_each_wrong_setting_is_one_line(tmp_path: Path) -> None:
    """Two wrong variables are told by name, in one line each, without a traceback or the secret's value."""
    done = _run(tmp_path, "serve", PRODUCTFLO_PORT="99999", PRODUCTFLO_SECRET="hunter2")
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert "PRODUCTFLO_PORT" in first
    assert "99999" in first
    assert "PRODUCTFLO_SECRET" in second
    assert "hunter2" not in done.stderr


def test_settings_shows_sources_and_hides_secrets(tmp_path: Path) -> None:
    """`settings` tells each value and where it comes from; a secret's and an address's value stay hidden."""
    done = _run(tmp_path, "settings", PRODUCTFLO_SECRET="s" * 40, REDIS_URL="redis://:pass@localhost/0")
    assert "PRODUCTFLO_PORT=0  (environment)" in done.stdout
    assert "PRODUCTFLO_HOST=127.0.0.1  (default)" in done.stdout
    assert "PRODUCTFLO_SECRET=(set, not shown)  (environment)" in done.stdout
    assert "s" * 20 not in done.stdout
    assert "pass" not in done.stdout


def test_an_open_server_does_not_bind_to_the_network(tmp_path: Path) -> None:
    """Without a secret a bind wider than loopback is refused, and the way on is named."""
    done = _run(tmp_path, "serve", PRODUCTFLO_HOST="0.0.0.0")  # noqa: S104
    assert done.returncode == 1
    assert "./run --share" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_needs_a_secret(tmp_path: Path) -> None:
    """`token` on a server without a secret says what to do; with one it prints a JWT of three parts."""
    assert "PRODUCTFLO_SECRET" in _run(tmp_path, "token", "ana").stderr
    assert _run(tmp_path, "token", "ana", PRODUCTFLO_SECRET="s" * 32).stdout.count(".") == 2
