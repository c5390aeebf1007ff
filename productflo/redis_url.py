"""`REDIS_URL`: one server, one that Sentinel names, or a Cluster; the forms and what is wrong with others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

REDIS_PORT = 6379
SENTINEL_PORT = 26379

_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS = (*_FILES, "ssl_check_hostname", "sentinel_username", "sentinel_password", "db")
_FORMS = (
    "redis://host:6379/0, unix:///path/to.sock, redis+sentinel://host1:26379,host2:26379/mymaster or "
    "redis+cluster://host1:6379,host2:6379; rediss for TLS"
)


Options = Mapping[str, str]


class Kind(StrEnum):
    """What stands behind an address."""

    ONE = "redis"
    SOCKET = "unix"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """Where the store is and how to get in. `tls` are redis-py's `ssl_` options; None without TLS.

    `hosts` are the server, the sentinels, or some nodes of the Cluster; `service` is the master's name.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    tls: dict[str, str | bool] | None = None


def parse(url: str) -> RedisUrl:
    """Read an address. Raises `ValueError` with what to write instead, never with what may be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"is no URL; write one like {_FORMS}") from None
    scheme, _, form = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss", "unix") or form not in _FIND or (scheme == "unix" and form):
        raise ValueError(f"must be like {_FORMS}")
    if parts.fragment:
        raise ValueError("has a # in it; write %23 for one in a password")
    options = _options(parts.query)
    if scheme != "rediss" and any(name.startswith("ssl_") for name in options):
        raise ValueError("has ssl_ options, which only the rediss forms take")
    username, password, hosts = _authority(parts.netloc)
    find = _socket if scheme == "unix" else _FIND[form]
    return replace(
        find(hosts, unquote(parts.path).rstrip("/"), options),
        username=username,
        password=password,
        tls=_tls(options) if scheme == "rediss" else None,
    )


def _socket(hosts: str, path: str, options: Options) -> RedisUrl:
    if not path or hosts:
        raise ValueError("must name a socket with three slashes: unix:///path/to.sock")
    return RedisUrl(Kind.SOCKET, path=path, db=_db(options.get("db", "")))


def _one(hosts: str, path: str, options: Options) -> RedisUrl:
    if "," in hosts:
        raise ValueError("has several hosts: say redis+sentinel:// or redis+cluster://")
    return RedisUrl(Kind.ONE, _hosts(hosts, REDIS_PORT), db=_db(options.get("db") or path.strip("/")))


def _sentinel(hosts: str, path: str, options: Options) -> RedisUrl:
    service, _, db = path.strip("/").partition("/")
    if not service:
        raise ValueError("must end with the master's name, as redis+sentinel://host1,host2/mymaster")
    return RedisUrl(
        Kind.SENTINEL,
        _hosts(hosts, SENTINEL_PORT),
        service=service,
        db=_db(options.get("db") or db),
        sentinel_username=options.get("sentinel_username"),
        sentinel_password=options.get("sentinel_password"),
    )


def _cluster(hosts: str, path: str, options: Options) -> RedisUrl:
    if path.strip("/") not in ("", "0") or options.get("db", "0") != "0":
        raise ValueError("names a database; a Cluster has only one, so end it after the hosts")
    return RedisUrl(Kind.CLUSTER, _hosts(hosts, REDIS_PORT))


_FIND: dict[str, Callable[[str, str, Options], RedisUrl]] = {
    "": _one,
    "sentinel": _sentinel,
    "cluster": _cluster,
}


def _options(query: str) -> Options:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := options.keys() - set(_OPTIONS):
        raise ValueError(f"has the option {min(unknown)!r}; those that there are: {', '.join(_OPTIONS)}")
    return options


def _tls(options: Options) -> dict[str, str | bool]:
    tls: dict[str, str | bool] = {}
    for name in _FILES:
        if name in options:
            if not Path(options[name]).is_file():
                raise ValueError(f"names {options[name]!r} as {name}, which is no file here")
            tls[name] = options[name]
    if ("ssl_certfile" in tls) != ("ssl_keyfile" in tls):
        raise ValueError("needs ssl_certfile and ssl_keyfile together, for a client's certificate")
    check = options.get("ssl_check_hostname", "true")
    if check not in ("true", "false"):
        raise ValueError("must say true or false for ssl_check_hostname")
    return tls | {"ssl_check_hostname": check == "true"}


def _authority(netloc: str) -> tuple[str | None, str | None, str]:
    """User, password and hosts; percent-encoding undone."""
    credentials, _, hosts = netloc.rpartition("@")
    if "@" in credentials:
        raise ValueError("has more than one @; write %40 for one in a password")
    username, _, password = credentials.partition(":")
    return unquote(username) or None, unquote(password) or None, hosts


def _hosts(hosts: str, default_port: int) -> tuple[tuple[str, int], ...]:
    return tuple(_host(host.strip(), default_port) for host in hosts.split(","))


def _host(host: str, default_port: int) -> tuple[str, int]:
    split = SplitResult("", host, "", "", "")
    try:
        port = split.port
    except ValueError:
        raise ValueError("has a port that is no number up to 65535; a / in a password is %2F") from None
    if not split.hostname:
        raise ValueError(f"lacks a host; write one like {_FORMS}")
    return split.hostname, port or default_port


def _db(number: str) -> int:
    if not number:
        return 0
    if not number.isascii() or not number.isdigit():
        raise ValueError(f"names the database {number!r}, which is no number")
    return int(number)
