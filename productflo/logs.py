"""How the processes write their log: a line an event, for people or as JSON for programs, and never a flood.

What a client can cause, it can cause a thousand times a second. So of the lines that one place in the code
writes only the first few are let through, and then one a minute, which says how many there were.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from productflo import metrics
from productflo.domain.rates import Rate

LINES = Rate.parse("1/min burst 10")
"""Of one place in the code. Ten tell what happens, and to how many; the eleventh tells nothing new."""
TEXT = "%(levelname)s %(name)s: %(message)s"
"""Without a time and a process: who gathers lines (systemd, `productflo up`) adds both."""


class FloodGuard(logging.Filter):
    """Lets lines through as `LINES` says, by the place that writes them; critical ones always.

    By places and not by texts, since some libraries put into the text what a format's arguments should be.
    `now` gives seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._full_at: dict[tuple[str, int], float] = {}
        self._left_out: dict[tuple[str, int], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; one that follows others that were not says how many."""
        if record.levelno >= logging.CRITICAL:
            return True
        place = record.pathname, record.lineno
        self._full_at[place], wait = LINES.take(self._full_at.get(place, 0.0), self._now())
        if wait:
            self._left_out[place] = self._left_out.get(place, 0) + 1
            metrics.LOG_LINES_LEFT_OUT.inc()
            return False
        if left_out := self._left_out.pop(place, 0):
            _append(record, left_out)
        return True


def _append(record: logging.LogRecord, left_out: int) -> None:
    args = record.args or ()
    if isinstance(args, tuple):  # The other form, a mapping, has no place for one more.
        text = str(record.msg) if args else str(record.msg).replace("%", "%%")
        record.msg, record.args = f"{text} (and %d more like it before)", (*args, left_out)


class JsonFormatter(logging.Formatter):
    """One object a line: `time` (UTC), `level`, `logger`, `process`, `message`, `event` (the message without
    what is particular, to group by) and `trace` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            "event": str(record.msg),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def set_up_logging(level: str, form: str) -> None:
    """Write the log of this process to standard error; `form` is `text` or `json`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(TEXT))
    handler.addFilter(FloodGuard())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
