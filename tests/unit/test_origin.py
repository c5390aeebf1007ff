"""Host and Origin rules, one header at a time."""

import pytest

from productflo.web.origin import is_allowed_host, is_same_origin, own_hosts

LOCAL = own_hosts(("127.0.0.1", 8000), "http")


@pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_loopback_names_with_the_port_in_use_are_ours(host: str) -> None:
    """A browser on this machine may call the server by any loopback name."""
    assert is_allowed_host(host, "http", LOCAL, frozenset())


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8001",
        "evil.example:8000",
        "localhost.evil.example:8000",
        "localhost:8000.evil.example",
        "127.0.0.1.evil.example:8000",
        "127.0.0.2:8000",
        "localhost.:8000",
        "evil@localhost:8000",
        "localhost:8000, evil.example",
        "",
    ],
)
def test_other_hosts_are_not(host: str) -> None:
    """A name that was rebound to this machine, another port, and near misses are refused."""
    assert not is_allowed_host(host, "http", LOCAL, frozenset())


def test_the_address_that_a_call_came_in_on_is_ours() -> None:
    """On a network, people type the machine's address: nobody can rebind that."""
    own = own_hosts(("192.168.1.5", 8000), "http")
    assert is_allowed_host("192.168.1.5:8000", "http", own, frozenset())
    assert not is_allowed_host("192.168.1.6:8000", "http", own, frozenset())


def test_addresses_are_written_as_browsers_write_them() -> None:
    """IPv6 stands in brackets, and an IPv4 address that came over an IPv6 socket is one again."""
    assert "[fe80::1]:8000" in own_hosts(("fe80::1%eth0", 8000), "http")
    assert "10.0.0.7:8000" in own_hosts(("::ffff:10.0.0.7", 8000), "http")


def test_the_scheme_s_own_port_is_left_out() -> None:
    """Browsers leave out :80 and :443, each for its scheme only; WebSockets count as their HTTP."""
    assert is_allowed_host("localhost", "http", own_hosts(("127.0.0.1", 80), "http"), frozenset())
    assert is_allowed_host("localhost", "wss", own_hosts(("127.0.0.1", 443), "wss"), frozenset())
    assert not is_allowed_host("localhost", "http", own_hosts(("127.0.0.1", 443), "http"), frozenset())


def test_a_unix_socket_has_no_names_of_its_own() -> None:
    """Behind a proxy on a Unix socket only allowed hosts are answered."""
    own = own_hosts(("/run/productflo.sock", None), "http")
    assert not is_allowed_host("localhost", "http", own, frozenset())
    assert is_allowed_host("chat.example", "http", own, frozenset({"chat.example"}))


def test_allowed_hosts_are_exact() -> None:
    """The operator's values match as they are, with nothing before or after."""
    allowed = frozenset({"chat.example", "lab.example:9000"})
    assert is_allowed_host("chat.example", "http", LOCAL, allowed)
    assert is_allowed_host("Chat.Example:443", "http", LOCAL, allowed)
    assert is_allowed_host("lab.example:9000", "http", LOCAL, allowed)
    for host in ("a.chat.example", "chat.example:8000", "lab.example", "chat.example.evil"):
        assert not is_allowed_host(host, "http", LOCAL, allowed)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("HTTP://LocalHost:8000", "localhost:8000"),
        ("https://chat.example", "chat.example"),
        ("https://chat.example", "chat.example:443"),
        ("https://chat.example:443", "chat.example"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_pages_of_the_same_host_are_ours(origin: str, host: str) -> None:
    """The same host and port, in either scheme, since a proxy may speak TLS for us."""
    assert is_same_origin(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "localhost:8000"),
        ("", "localhost:8000"),
        ("http://localhost:3000", "localhost:8000"),
        ("http://localhost", "localhost:8000"),
        ("http://127.0.0.1:8000", "localhost:8000"),
        ("http://evil.example", "localhost:8000"),
        ("http://localhost:8000.evil.example", "localhost:8000"),
        ("http://evil.example/localhost:8000", "localhost:8000"),
        ("http://evil@localhost:8000", "localhost:8000"),
        ("file://localhost:8000", "localhost:8000"),
        ("chrome-extension://localhost:8000", "localhost:8000"),
        ("http://localhost:8000 http://evil.example", "localhost:8000"),
    ],
)
def test_other_pages_are_not(origin: str, host: str) -> None:
    """Another site, port, scheme or loopback name is another origin."""
    assert not is_same_origin(origin, host)
