"""Settings that only count together."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from productflo.settings import Durability, Settings

PROVIDER = {
    "jwks_url": "https://id.example/keys",
    "token_issuer": "https://id.example/",
    "token_audience": "chat",
}


def test_a_server_is_open_until_it_can_check_tokens(tmp_path: Path) -> None:
    """A secret or an identity provider is enough."""
    assert Settings(data_dir=tmp_path).is_open
    assert not Settings(secret="s" * 32).is_open
    assert not Settings(**PROVIDER).is_open


@pytest.mark.parametrize("missing", ["token_issuer", "token_audience"])
def test_an_identity_provider_comes_with_issuer_and_audience(missing: str) -> None:
    """Without them a token that was made for another service would let in here."""
    with pytest.raises(ValidationError) as refused:
        Settings(**{name: value for name, value in PROVIDER.items() if name != missing})
    (error,) = refused.value.errors()
    assert error["loc"] == (missing,)


@pytest.mark.parametrize("url", ["http://id.example/keys", "id.example/keys", "https://", "file:///keys"])
def test_keys_come_over_tls(url: str) -> None:
    """Who can change the keys on their way can sign in as anybody; this machine's own are safe."""
    with pytest.raises(ValidationError):
        Settings(**PROVIDER | {"jwks_url": url})
    assert Settings(**PROVIDER | {"jwks_url": "http://127.0.0.1:9000/keys"}).jwks_url


def test_without_a_provider_nothing_is_asked_for() -> None:
    """Issuer and audience are unset by default."""
    assert Settings().token_issuer is None


def test_replicated_needs_replicas() -> None:
    """The embedded store has none, and would confirm nothing."""
    with pytest.raises(ValidationError, match="needs REDIS_URL"):
        Settings(durability=Durability.REPLICATED)
    assert Settings(durability=Durability.REPLICATED, redis_url="redis://h").replicas == 1
