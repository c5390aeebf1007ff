"""A child process must not outlive the process that started it, however that one ends."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

PARENT_VARIABLE = "PRODUCTFLO_PARENT"
"""Names the process id of the supervisor in the environment of its children."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LOOK_SECONDS = 1.0  # How long an orphan may live where the kernel can not be asked to end it.


def death_signal(signum: int) -> Callable[[], None]:
    """Return what makes Linux send `signum` to the calling process when its parent ends; elsewhere a no-op.

    The C library is looked up here and not in the returned function, because that one also runs between
    fork and exec, where nothing may be imported or locked.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)

    return ask


def die_with(parent: int) -> None:
    """End this process at once when the process `parent`, which started it, has ended.

    The end is a kill, not a stop in order: nobody is left to wait for one, and what other processes must not
    believe for longer (presence, runs) are leases in the store, which end by themselves.
    """
    death_signal(signal.SIGKILL)()
    if os.getppid() != parent:  # It ended before the kernel was asked.
        os._exit(1)
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
