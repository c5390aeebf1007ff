"""What authors write has the types that they expect, and what is wrong is refused by a type checker."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_mypy_agrees_with_every_line() -> None:
    """Strictly: a wrong type and an `ignore` that is not needed both fail."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            str(ROOT / ".mypy_cache" / "typed"),
            str(ROOT / "tests" / "typed" / "assistants_api.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
