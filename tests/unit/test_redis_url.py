"""What `REDIS_URL` may say, and what is said about an address that can not be read."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from productflo.redis_url import Kind, RedisUrl, parse
from productflo.settings import Settings

UNCHECKED = {"ssl_check_hostname": True}


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("redis://localhost", RedisUrl(Kind.ONE, (("localhost", 6379),))),
        ("redis://:s%40cret@h:7000/2", RedisUrl(Kind.ONE, (("h", 7000),), db=2, password="s@cret")),
        (
            "rediss://chat:pw@[::1]",
            RedisUrl(Kind.ONE, (("::1", 6379),), username="chat", password="pw", tls=UNCHECKED),
        ),
        ("unix:///run/redis%20x.sock?db=3", RedisUrl(Kind.SOCKET, path="/run/redis x.sock", db=3)),
        (
            "unix://chat:pw@/run/r.sock",
            RedisUrl(Kind.SOCKET, path="/run/r.sock", username="chat", password="pw"),
        ),
        (
            "redis+sentinel://a,b:26380/mymaster/1?sentinel_username=s&sentinel_password=p%2Fw",
            RedisUrl(
                Kind.SENTINEL,
                (("a", 26379), ("b", 26380)),
                service="mymaster",
                db=1,
                sentinel_username="s",
                sentinel_password="p/w",
            ),
        ),
        ("redis+cluster://a:1,b:2/0", RedisUrl(Kind.CLUSTER, (("a", 1), ("b", 2)))),
        (
            "rediss+cluster://a?ssl_check_hostname=false",
            RedisUrl(Kind.CLUSTER, (("a", 6379),), tls={"ssl_check_hostname": False}),
        ),
    ],
)
def test_forms(url: str, meant: RedisUrl) -> None:
    """Each form of an address."""
    assert parse(url) == meant


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("localhost:6379", "must be like redis://"),
        ("http://h", "must be like redis://"),
        ("unix+cluster:///x", "redis+cluster"),
        ("redis+ring://h", "must be like redis://"),
        ("redis://", "lacks a host"),
        ("redis://h:port", "no number"),
        ("redis://u:pa/ss@h", "%2F"),
        ("redis://u:p#ss@h", "%23"),
        ("redis://u:p@ss@h", "%40"),
        ("redis://a,b", "redis+sentinel://"),
        ("redis://h/zero", "'zero'"),
        ("redis+sentinel://a,b", "master's name"),
        ("redis+cluster://a/2", "only one"),
        ("redis://h?ssl_ca_certs=/x", "rediss"),
        ("rediss://h?ssl_ca_certs=/not/there", "ssl_ca_certs"),
        ("rediss://h?ssl_check_hostname=maybe", "true or false"),
        ("redis://h?timeout=3", "'timeout'"),
        ("unix://run/redis.sock", "three slashes"),
        ("redis://[::1", "no URL"),
    ],
)
def test_what_is_wrong_with_an_address(url: str, complaint: str) -> None:
    """Said of the setting, with what to write instead."""
    with pytest.raises(ValidationError) as failure:
        Settings(redis_url=url)
    (error,) = failure.value.errors(include_url=False)
    assert error["loc"] == ("redis_url",)
    assert complaint in error["msg"]


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    """A client's certificate is of no use without."""
    certificate = tmp_path / "client.crt"
    certificate.touch()
    with pytest.raises(ValueError, match="ssl_keyfile"):
        parse(f"rediss://h?ssl_certfile={certificate}")


@pytest.mark.parametrize(
    "url", ["redis://u:pa/secret@h", "redis://u:secret@x@h", "redis://u:secret@h:x", "x://secret"]
)
def test_secrets_are_not_repeated(url: str) -> None:
    """Neither in a complaint nor in what an address shows of itself."""
    with pytest.raises(ValueError, match=r"has|must") as failure:
        parse(url)
    assert "secret" not in str(failure.value)
    assert "secret" not in repr(parse("redis+sentinel://u:secret@h/m?sentinel_password=secret"))
