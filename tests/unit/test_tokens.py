"""Tokens: minted ones let in, and each way of being wrong is told apart."""

import base64
import json

import jwt
import pytest

from productflo.errors import Unauthenticated, ValidationFailed
from productflo.service.tokens import DEFAULT_HOURS, LEEWAY, mint, verify

SECRET = "a-secret-of-at-least-thirty-two-bytes"
NOW = 1_700_000_000.0
IN_AN_HOUR = NOW + 3600


def signed(claims: dict, secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


def segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def test_a_minted_token_says_who_it_is() -> None:
    """Subject, name, teams and end come back as they were minted."""
    identity = verify(mint(SECRET, "ana", "Ana Rey", ["hw", "fw"], 1, NOW), SECRET, NOW)
    assert identity.user_id == "ana"
    assert identity.name == "Ana Rey"
    assert identity.teams == {"hw", "fw"}
    assert identity.expires_at == IN_AN_HOUR
    assert not identity.operator


def test_a_name_is_optional() -> None:
    """Without a name, people are called by their id."""
    assert verify(mint(SECRET, "ana", "", [], 1, NOW), SECRET, NOW).name == "ana"


def test_a_name_is_shown_without_what_does_not_print() -> None:
    """A name from another system is other people's screen: no control characters, no turned-around text."""
    token = signed({"sub": "ana", "name": " A\u202ena\x1b\n ", "exp": IN_AN_HOUR})
    assert verify(token, SECRET, NOW).name == "Ana"


def test_the_default_is_thirty_days() -> None:
    """What the command line mints by default holds for thirty days and no longer."""
    token = mint(SECRET, "ana", "Ana", [], DEFAULT_HOURS, NOW)
    assert verify(token, SECRET, NOW + 30 * 86_400).user_id == "ana"
    with pytest.raises(Unauthenticated, match="expired"):
        verify(token, SECRET, NOW + 30 * 86_400 + LEEWAY + 1)


def test_an_expired_token_says_so() -> None:
    """Past its end and the clocks' leeway, a token lets nobody in."""
    token = mint(SECRET, "ana", "Ana", [], 1, NOW)
    assert verify(token, SECRET, IN_AN_HOUR + LEEWAY).user_id == "ana"
    with pytest.raises(Unauthenticated, match="expired at 2023-11-14T23:13:20"):
        verify(token, SECRET, IN_AN_HOUR + LEEWAY + 0.1)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"sub": "ana"}, "no end"),
        ({"sub": "ana", "exp": "tomorrow"}, "exp is not a time"),
        ({"sub": "ana", "exp": True}, "exp is not a time"),
        ({"sub": "ana", "exp": IN_AN_HOUR, "nbf": NOW + 60}, "not valid yet"),
        ({"exp": IN_AN_HOUR}, "no subject"),
        ({"sub": "", "exp": IN_AN_HOUR}, "no subject"),
        ({"sub": "ana{x}", "exp": IN_AN_HOUR}, "subject .* is no id"),
        ({"sub": "ana\n", "exp": IN_AN_HOUR}, "subject .* is no id"),
        ({"sub": 7, "exp": IN_AN_HOUR}, "subject .* is no id"),
        ({"sub": "ana", "exp": IN_AN_HOUR, "teams": "hw"}, "teams are not a list"),
        ({"sub": "ana", "exp": IN_AN_HOUR, "teams": ["h w"]}, "teams are not a list"),
    ],
)
def test_bad_claims_are_told_apart(claims: dict, message: str) -> None:
    """A token that is signed here and says nonsense is refused for that."""
    with pytest.raises(Unauthenticated, match=message):
        verify(signed(claims), SECRET, NOW)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithms_are_refused(algorithm: str) -> None:
    """Only HS256 counts, also where the right secret signed."""
    token = signed({"sub": "ana", "exp": IN_AN_HOUR}, SECRET * 2, algorithm)
    with pytest.raises(Unauthenticated, match="not signed by this server"):
        verify(token, SECRET * 2, NOW)


def test_an_unsigned_token_is_refused() -> None:
    """`alg: none` is an algorithm like any other that is not HS256."""
    head = segment(b'{"alg":"none","typ":"JWT"}')
    body = segment(json.dumps({"sub": "ana", "exp": IN_AN_HOUR}).encode())
    for signature in ("", segment(b"x" * 32)):
        with pytest.raises(Unauthenticated):
            verify(f"{head}.{body}.{signature}", SECRET, NOW)


def test_another_secret_is_refused() -> None:
    """Who does not have this server's secret signs nothing for it."""
    with pytest.raises(Unauthenticated, match="not signed by this server"):
        verify(signed({"sub": "ana", "exp": IN_AN_HOUR}, SECRET[::-1]), SECRET, NOW)


def test_a_nested_header_is_refused() -> None:
    """A stranger's header is parsed before its signature is checked: deep nesting must not be a crash."""
    with pytest.raises(Unauthenticated):
        verify(f"{segment(b'[' * 5_000)}.{segment(b'{}')}.{segment(b'x' * 32)}", SECRET, NOW)


def test_a_signature_has_one_spelling() -> None:
    """The last character of a signature has two spare bits: none of its three other spellings lets in."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = mint(SECRET, "ana", "Ana", [], 1, NOW)
    place = alphabet.index(token[-1])
    for spare in range(1, 4):
        with pytest.raises(Unauthenticated):
            verify(token[:-1] + alphabet[place + spare], SECRET, NOW)


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c.d", "a.b.c\n", " a.b.c", "ä.b.c", "a." + "b" * 9_000 + ".c"]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    """Anything but three parts of base64 is told to be no token."""
    with pytest.raises(Unauthenticated, match="not a token"):
        verify(token, SECRET, NOW)


@pytest.mark.parametrize(
    ("user_id", "teams", "hours", "field"),
    [
        ("a b", [], 1, "user_id"),
        ("", [], 1, "user_id"),
        ("ana", ["x y"], 1, "teams"),
        ("ana", [], 0, "hours"),
    ],
)
def test_a_bad_token_is_not_minted(user_id: str, teams: list[str], hours: float, field: str) -> None:
    """What could not be verified later is refused now, with the field's name."""
    with pytest.raises(ValidationFailed) as refused:
        mint(SECRET, user_id, "", teams, hours, NOW)
    assert refused.value.field == field
