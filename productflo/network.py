"""This machine on its network: binding the server's socket, who has a port, and how others reach us."""

import contextlib
import errno
import os
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

BACKLOG = 1024  # Connections that wait while the web process starts again; the kernel may allow fewer.
_KEEPALIVE = {"TCP_KEEPIDLE": 20, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 35_000}
"""A silent peer is asked after 20 s and given up 15 s later, by the kernel: a laptop that went to sleep must
not stay online. The last is in milliseconds, for peers that leave data unacknowledged."""
_NOT_SENT = {"TCP_NOTSENT_LOWAT": 131_072}
"""Bytes that the kernel takes of us before it has sent what it has. It would take 4 MB for a client that
does not read, beside what waits in its outbox. A fast line loses nothing: what travels does not count."""
DESCRIPTORS_BESIDE = 256
"""Open files that are no WebSockets: the store's connections, uploads, HTTP, and sockets that just came."""
_LISTENING = "0A"  # The state of a listening socket in /proc/net/tcp.


class CannotListen(Exception):
    """The address can not be bound; the text says why and how to go on."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`."""
    if host == "localhost":
        return True
    try:
        ip = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port` (0: any free one). Raises `CannotListen`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CannotListen(
            f"PRODUCTFLO_HOST is {host}, which is no address here ({error.strerror})."
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bound_peers(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(_why_not(error, host, port)) from None
    return listener


def refuse(listener: socket.socket) -> None:
    """Turn away who connects from now on, at once, though other processes still hold the socket."""
    with contextlib.suppress(OSError):  # Not every system can; there they wait until the last has closed it.
        listener.shutdown(socket.SHUT_RDWR)


def _bound_peers(listener: socket.socket) -> None:
    """Have the kernel end connections whose other end is gone, and keep little for one that does not read.

    Accepted sockets take this over.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (_KEEPALIVE | _NOT_SENT).items():
        if option := getattr(socket, name, None):  # Each system knows its own choice of them.
            listener.setsockopt(socket.IPPROTO_TCP, option, value)


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        owner = port_owner(port) or "another program"
        return (
            f"Port {port} is taken by {owner}. Stop it, or choose another port: "
            f"PRODUCTFLO_PORT={port + 1 if port < 65535 else 8000} ./run"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is for the system's own services: choose one from 1024 on in PRODUCTFLO_PORT."
    return (
        f"The server can not listen on {host} port {port}: {error.strerror}. "
        "Choose others in PRODUCTFLO_HOST and PRODUCTFLO_PORT."
    )


def descriptors_for(connections: int) -> int:
    """Raise this process's own limit of open files, so that so many connections fit; return how many do.

    Without room a process can accept nobody, and open no file either, to whom it could say why.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + DESCRIPTORS_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    best = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):  # Some systems have a lower limit than they say.
        resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
        soft = best
    return max(1, min(connections, soft - DESCRIPTORS_BESIDE))


def port_owner(port: int) -> str | None:
    """Return `process 123 (its command)` for who listens on `port`, None where it can not be told."""
    pid = _owner_from_proc(port) if Path("/proc/net/tcp").exists() else _owner_from_lsof(port)
    if pid is None:
        return None
    asked = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    command = asked.stdout.strip()
    return f"process {pid} ({command[:80]})" if command else f"process {pid}"


def _owner_from_proc(port: int) -> int | None:
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        # Other users' processes can not be looked into, and any may end in this moment.
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in sockets:
                    return int(process.name)
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _owner_from_lsof(port: int) -> int | None:
    if shutil.which("lsof") is None:
        return None
    command = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return int(said[0]) if said else None


def own_addresses() -> tuple[str, ...]:
    """Return the addresses and names under which others may reach this machine, the likeliest first."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(
            ("192.0.2.1", 9)
        )  # Sends nothing: the kernel only chooses the way out, and with it an address.
        found.append(probe.getsockname()[0])
    name = socket.gethostname()
    with contextlib.suppress(OSError):  # A machine need not know its own name.
        found += [
            str(info[4][0]) for info in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        ]
    found += [name, f"{name}.local"] if "." not in name else [name]
    return tuple(dict.fromkeys(address for address in found if not is_loopback(address)))
