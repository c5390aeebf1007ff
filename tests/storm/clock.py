"""A clock that can be set wrong for one process: libfaketime, loaded before it (`apt install libfaketime`).

Only what tells the date is faked: `CLOCK_MONOTONIC`, by which event loops sleep, goes on as it does when an
operator or NTP sets a real clock.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_FOLDERS = ("/usr/lib", "/usr/local/lib", "/usr/lib64")


def library() -> Path | None:
    """libfaketime for programs with threads; None where it is not installed."""
    for folder in _FOLDERS:
        for found in Path(folder).glob("**/libfaketimeMT.so.1"):
            return found
    return None


class Clock:
    """The clock of one program; right at first, and always right where there is no libfaketime."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._file.write_text("+0\n")

    @property
    def environment(self) -> Mapping[str, str]:
        """What the program must be started with."""
        found = library()
        if found is None:
            return {}
        return {
            "LD_PRELOAD": str(found),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
        }

    @contextmanager
    def off(self, seconds: int) -> Iterator[None]:
        """The clock is wrong by so much, and set right again at the end."""
        self._file.write_text(f"{seconds:+d}\n")
        try:
            yield
        finally:
            self._file.write_text("+0\n")
