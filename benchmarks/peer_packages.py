"""What the peers are made with, from PyPI and npm, in folders of their own that are never committed."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.crowd import CACHE, Failed

SOURCES = Path(__file__).parent / "peers"
PYTHON = CACHE / "python" / "bin" / "python"
NODE = CACHE / "node"
"""Beside the packages there are copies of the peers' programs: Node looks for packages next to a program."""


def python_with_packages() -> Path:
    """A Python that has what requirements.txt lists, installed on the first call. Raises `Failed`."""
    wanted = SOURCES / "requirements.txt"

    def install() -> None:
        base = getattr(sys, "_base_executable", sys.executable)
        _call(base, "-m", "venv", "--clear", "--without-pip", str(CACHE / "python"))
        pip = (base, "-m", "pip", "--python", str(PYTHON), "install", "-q", "--disable-pip-version-check")
        _call(*pip, "-r", str(wanted))

    _once(CACHE / "python.stamp", (wanted,), install)
    return PYTHON


def node_with_packages() -> Path:
    """A folder with the Node programs and what package.json lists. Raises `Failed`."""
    programs = sorted((*SOURCES.glob("*.js"), SOURCES / "package.json"))

    def install() -> None:
        NODE.mkdir(parents=True, exist_ok=True)
        for program in programs:
            shutil.copy(program, NODE)
        _call("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NODE))

    _once(CACHE / "node.stamp", programs, install)
    return NODE


def _once(stamp: Path, sources: Iterable[Path], install: Callable[[], None]) -> None:
    """Install where `sources` are not those of the last time."""
    now = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if stamp.exists() and stamp.read_text() == now:
        return
    CACHE.mkdir(exist_ok=True)
    print(f"Installing what other servers need into {stamp.with_suffix('')}", file=sys.stderr)
    install()
    stamp.write_text(now)


def _call(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise Failed(f"{command[0]} is needed for this, and is not installed") from None
    except subprocess.CalledProcessError as error:
        raise Failed(f"{' '.join(command)} failed:\n{error.stderr[-2000:]}") from None
