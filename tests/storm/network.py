"""The network between the web processes and the store: the loopback, or links that can be cut.

A cut is a `blackhole` queueing discipline on both ends of a veth pair, one end of which is in a network
namespace of its own: packets vanish, and neither side is told. That is what a pulled cable or a forgetful
firewall looks like; a closed port or a reset is far kinder.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

HERE = "127.0.0.1"


class NoNamespaces(Exception):
    """Links that can be cut are not to be had here; the text says why."""


class Loopback:
    """No links: everything is on this machine's loopback, and nothing can be cut."""

    prefix: Sequence[str] = ()

    def address(self, link: int) -> str:
        """Where the store is, seen from the web process of that number."""
        return HERE


class Links:
    """A link from each web process (1, 2, ...) and from the storm itself (0) to the store's namespace."""

    def __init__(self, count: int) -> None:
        pid = os.getpid()  # So that two storms at once do not meet.
        self._name = f"storm{pid % 100_000}"
        self._net = f"10.{64 + pid % 128}"
        self.links = range(count + 1)
        self.prefix = ("ip", "netns", "exec", self._name)

    def address(self, link: int) -> str:
        """Where the store is, over that link."""
        return f"{self._net}.{link}.1"

    def cut(self, link: int) -> None:
        """From now on packets vanish, both ways."""
        _run("tc", "qdisc", "replace", "dev", self._outer(link), "root", "blackhole")
        _run("tc", "-n", self._name, "qdisc", "replace", "dev", self._inner(link), "root", "blackhole")

    def mend(self, link: int) -> None:
        """Packets pass again; what TCP has waiting follows when it next tries."""
        _run("tc", "qdisc", "del", "dev", self._outer(link), "root")
        _run("tc", "-n", self._name, "qdisc", "del", "dev", self._inner(link), "root")

    def make(self) -> None:
        """Make the namespace and its links."""
        _run("ip", "netns", "add", self._name)
        _run("ip", "-n", self._name, "link", "set", "lo", "up")
        for link in self.links:
            outer, inner = self._outer(link), self._inner(link)
            _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self._name)
            _run("ip", "address", "add", f"{self._net}.{link}.2/30", "dev", outer)
            _run("ip", "link", "set", outer, "up")
            _run("ip", "-n", self._name, "address", "add", f"{self.address(link)}/30", "dev", inner)
            _run("ip", "-n", self._name, "link", "set", inner, "up")

    def remove(self) -> None:
        """Remove the namespace; the links go with it."""
        subprocess.run(["ip", "netns", "del", self._name], check=False, capture_output=True)

    def _outer(self, link: int) -> str:
        return f"{self._name}-{link}"

    def _inner(self, link: int) -> str:
        return f"{self._name}i{link}"


Network = Loopback | Links


@contextmanager
def linked(count: int) -> Iterator[Links]:
    """Links for so many web processes. Raises `NoNamespaces` where this user or system has none."""
    if not (shutil.which("ip") and shutil.which("tc")):
        raise NoNamespaces("ip and tc are needed to cut the network (Debian, Ubuntu: apt install iproute2)")
    if os.geteuid() != 0:
        raise NoNamespaces("cutting the network takes root: sudo, or leave these faults out (--no-cuts)")
    links = Links(count)
    try:
        links.make()
        yield links
    finally:
        links.remove()


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoNamespaces(f"{' '.join(command)}: {done.stderr.strip()}")
