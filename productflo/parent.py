"""What a child process owes the process that started it: to end with it, and to say when it serves.

And what it learns from it: that its predecessors have ended.
"""

import ctypes
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable

PARENT_VARIABLE = "PRODUCTFLO_PARENT"
"""Names the process id of the supervisor in the environment of its children."""

READY_VARIABLE = "PRODUCTFLO_READY_FD"
"""Names the descriptor on which a child says that it serves, in its environment."""

RUN_VARIABLE = "PRODUCTFLO_RUN"
"""Names the run of a child in its environment, `<family>-<number>`: the supervisor has seen all runs of the
family with a lower number end before it began this one."""

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


def tell_ready() -> None:
    """Tell the supervisor, where there is one, that this process serves from now on. Again: does nothing."""
    if descriptor := os.environ.pop(READY_VARIABLE, None):
        with open(int(descriptor), "wb") as supervisor:
            supervisor.write(b"\n")


def run_name() -> str:
    """A name that no other process has, for the leases of this one. Again: another name.

    Where a supervisor started this process it has the form of `RUN_VARIABLE`, so that the store can tell that
    the holder of a lease is dead; else it tells nothing.
    """
    return os.environ.pop(RUN_VARIABLE, None) or secrets.token_hex(6)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
