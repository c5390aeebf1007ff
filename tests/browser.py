"""The real browser that the page's tests drive; `python tests/browser.py` prints its path.

Looked for in this order: PRODUCTFLO_TEST_BROWSER; chromium or chrome on the PATH; playwright's own, fetched
where its servers are reached; Debian's package, as root. `./run test` calls this once, so that a browser is
there, and hands its path to the tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "PRODUCTFLO_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
DOWNLOAD_SECONDS = 300
INSTALL_SECONDS = 600


class NoBrowser(Exception):
    """No browser was found; the text says what to do."""


def find_browser() -> Path:
    """Return a Chromium's program that is on this machine. Raises `NoBrowser`."""
    if named := os.environ.get(VARIABLE):
        if found := shutil.which(named):
            return Path(found)
        raise NoBrowser(f"{VARIABLE} names {named}, which is not a program that can be run.")
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    for path in (MAC, _playwrights()):
        if os.access(path, os.X_OK):
            return path
    raise NoBrowser(
        "No Chromium was found for the page's tests. Install one (Debian, Ubuntu: apt-get install chromium; "
        f"macOS: brew install --cask chromium) or name its program in {VARIABLE}, then call ./run test again."
    )


def _playwrights() -> Path:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def _download() -> None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run(command, stdout=sys.stderr, check=True, timeout=DOWNLOAD_SECONDS)


def _install_package() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoBrowser("Debian's packages can only be installed as root, with apt-get.")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", *words], env=quiet, stdout=sys.stderr, check=True, timeout=INSTALL_SECONDS)


def get_browser() -> Path:
    """Return a browser, brought here where there is none. Raises `NoBrowser` when no way leads to one."""
    for bring in (None, _download, _install_package):
        try:
            if bring is not None:
                bring()
            return find_browser()
        except (NoBrowser, OSError, subprocess.SubprocessError) as reason:
            print(f"No browser yet: {reason}", file=sys.stderr)
            if VARIABLE in os.environ:
                break
    return find_browser()


if __name__ == "__main__":
    try:
        print(get_browser())
    except NoBrowser as failure:
        sys.exit(str(failure))
