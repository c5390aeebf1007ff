"""What signals ask of `productflo serve` and `productflo up`."""

import asyncio
import os
import signal
from collections.abc import Sequence

from productflo.supervisor import Kept

TERMINAL = "/dev/tty"


def obey_signals(kept: Sequence[Kept]) -> asyncio.Event:
    """Return what is set when a signal asks to stop; on SIGHUP, reload `kept`.

    SIGTERM and SIGINT ask to stop; a second SIGINT (an impatient Ctrl-C) kills what is still stopping. SIGHUP
    is also what the kernel sends when the terminal is closed in which this process was started, and then it
    asks to stop. Where it was ignored from the start (`nohup`), it still is.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    had_terminal = _has_terminal()

    def interrupt() -> None:
        if stopping.is_set():
            for one in kept:
                one.kill()
        stopping.set()

    def hang_up() -> None:
        if had_terminal and not _has_terminal():
            stopping.set()
            return
        for one in kept:
            one.reload()

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, hang_up)
    return stopping


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal: one that was closed can not be opened."""
    try:
        os.close(os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
