"""What an operator can set, read from the environment once, at the composition roots.

Every name is an environment variable with the prefix `PRODUCTFLO_`, in capitals (`PRODUCTFLO_PORT`);
`REDIS_URL`, `OPENAI_API_KEY` and `OPENAI_BASE_URL` keep the names that other programs know them by. Rates are
written `20/s`, `300/min burst 1000` (so many more at once, after a pause) or `off`.
"""

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from productflo import redis_url
from productflo.domain.prices import PriceList
from productflo.domain.rates import Rate


def _words(value: object) -> object:
    """Let people write `guide,haitch` where JSON would be asked for."""
    return (
        tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value
    )


def _rate(value: object) -> object:
    """Let people write `20/s burst 100`."""
    return Rate.parse(value) if isinstance(value, str) else value


def _price_list(value: object) -> object:
    """Let people write `gpt-5-mini=0.25/2`."""
    return PriceList.parse(value) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Limit = Annotated[Rate, NoDecode, BeforeValidator(_rate)]
PricesOfModels = Annotated[PriceList, NoDecode, BeforeValidator(_price_list)]

_LOCAL = frozenset(("http", host) for host in ("localhost", "127.0.0.1", "::1"))


class Durability(StrEnum):
    """What an acknowledged message has outlived."""

    FAST = "fast"
    """A crash of the store's process; a power cut may take the last second."""
    SAFE = "safe"
    """A power cut."""
    REPLICATED = "replicated"
    """The loss of the master, where a replica that had it takes over."""


class Settings(BaseSettings):
    """Raises `pydantic.ValidationError` that names the variable; an empty variable counts as unset."""

    model_config = SettingsConfigDict(
        env_prefix="PRODUCTFLO_", env_ignore_empty=True, frozen=True, populate_by_name=True, extra="forbid"
    )

    host: str = Field("127.0.0.1", description="Address to bind. Wider than loopback only with a secret.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind; 0 takes any free one.")
    workers: int = Field(1, ge=1, le=128, description="Web processes that share the port.")
    loop: Literal["uvloop", "asyncio"] | None = Field(
        None, description="The event loop of web processes and workers. Unset: uvloop where it is installed."
    )
    stop_delay: float = Field(
        0.0,
        ge=0.0,
        le=300.0,
        description="Seconds for which a server that is asked to stop goes on, while `/readyz` says 503.",
    )
    data_dir: Path = Field(Path("data"), description="Where the embedded store and uploaded files live.")
    redis_url: str | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="Your own Redis or Valkey: redis://, rediss://, unix://, redis+sentinel:// or "
        "redis+cluster:// (docs/how-to/deploy.md tells all of each). Unset: the embedded one.",
    )
    durability: Durability = Field(
        Durability.SAFE,
        description="What an acknowledged message outlives: `fast` a crash, `safe` a power cut (it is on the "
        "disk), `replicated` the master (a replica has it). `appendfsync` of your own store must fit.",
    )
    allow_eviction: bool = Field(
        False,
        description="Serve on a store that throws rooms away when it is full (a maxmemory-policy allkeys-*).",
    )
    secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Signs tokens (HS256); 32 characters or more. Unset: the server is open, on loopback.",
    )
    jwks_url: str | None = Field(
        None, description="Keys (JWKS) of an identity provider whose tokens count; an https address."
    )
    token_issuer: str | None = Field(
        None, validate_default=True, description="`iss` of the identity provider's tokens, exactly."
    )
    token_audience: str | None = Field(
        None, validate_default=True, description="`aud` of its tokens for this server, exactly."
    )
    service_key: SecretStr | None = Field(
        None, min_length=16, description="Lets another service broadcast and administer rooms and teams."
    )
    allowed_hosts: Words = Field(
        (), description="Further exact Host values (host or host:port) to answer to."
    )
    default_assistants: Words | None = Field(
        None, description="Assistants of a new room. Unset: haitch where a model is configured, else guide."
    )
    source_hosts: Words = Field(
        (),
        description="Hosts of your own network whose pages assistants may read, as `wiki.internal` or "
        "`10.0.0.5:8080`. The public internet they may always read.",
    )
    assistants: Words = Field(
        ("guide", "haitch"), description="Assistants that a worker loads, beside those of assistants.toml."
    )
    assistants_file: Path | None = Field(
        None,
        description="Personas, and settings of assistants (docs/reference/assistants.md). Unset: "
        "assistants.toml in the working directory, where there is one. A change counts at once.",
    )
    assistants_folder: Path | None = Field(
        None, description="A folder whose *.py files hold assistants; those that are named run."
    )
    open_rooms: bool = Field(True, description="Whether joining a room that does not exist makes it.")
    max_message_bytes: int = Field(262_144, ge=1024, description="Largest WebSocket message taken, in bytes.")
    wire: Literal["own", "quart"] = Field(
        "own",
        description="Who carries a WebSocket after its upgrade: this server, or `quart` with Hypercorn.",
    )
    max_file_bytes: int = Field(104_857_600, ge=1, description="Largest file taken, in bytes.")
    retention_messages: int = Field(
        100_000,
        ge=0,
        description="Durable events (messages, and what is done to them) kept in a room. 0: no such limit.",
    )
    retention_days: float = Field(0, ge=0, description="Days that they are kept. 0: no such limit.")
    retention_bytes: int = Field(0, ge=0, description="Bytes of them kept in a room. 0: no such limit.")
    rate_chats: Limit = Field(
        Rate(100, 1000), description="Messages, changes to them, joins and leaves by one user, in a process."
    )
    rate_historic: Limit = Field(
        Rate(50, 500), description="Pages of history for one user over the WebSocket, in a process."
    )
    rate_typing: Limit = Field(
        Rate(50, 500), description="Typing, presence and read receipts by one user, in a process."
    )
    rate_connection: Limit = Field(Rate(200, 2000), description="Envelopes of any kind on one connection.")
    rate_address: Limit = Field(
        Rate(2000, 20_000),
        description="Envelopes of any kind from one address, in a process; loopback is not counted.",
    )
    rate_malformed: Limit = Field(
        Rate.parse("100/min burst 500"),
        description="Malformed envelopes on one connection; beyond, it is closed with 1008.",
    )
    rate_requests: Limit = Field(
        Rate(50, 500),
        description="HTTP requests of one user, or of an address that names none, in a process.",
    )
    rate_handshakes: Limit = Field(
        Rate(50, 500),
        description="New WebSockets from one address, in a process; loopback is not counted.",
    )
    max_connections: int = Field(10_000, ge=1, description="Open WebSockets of one process.")
    max_connections_per_address: int = Field(
        1000, ge=1, description="Open WebSockets from one address, in a process; loopback is not counted."
    )
    max_connections_per_user: int = Field(
        100, ge=1, description="Open WebSockets of one user, in a process: tabs and devices."
    )
    trusted_proxies: Words = Field(
        (),
        description="Proxies whose X-Forwarded-For is believed: addresses, networks, `unix` for a socket.",
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: Literal["text", "json"] = Field(
        "text", description="`text` for people, or `json`: one object a line, for programs."
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="Key for the model server."
    )
    openai_base_url: str | None = Field(
        None, validation_alias="OPENAI_BASE_URL", description="Any server that speaks Chat Completions."
    )

    model_prices: PricesOfModels | None = Field(
        None,
        description="For budgets in money: `MODEL=PROMPT/COMPLETION`, for a million tokens, with commas.",
    )
    worker_metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Where a worker tells `/metrics`, a port for each. Unset: nowhere."
    )
    worker_metrics_host: str = Field(
        "127.0.0.1", description="The address of that port; who reaches it may ask."
    )

    @field_validator("redis_url")
    @classmethod
    def _is_understood(cls, url: str | None) -> str | None:
        if url is not None:
            redis_url.parse(url)
        return url

    @field_validator("durability")
    @classmethod
    def _has_replicas(cls, durability: Durability, info: ValidationInfo) -> Durability:
        if durability is Durability.REPLICATED and info.data.get("redis_url", "") is None:
            raise ValueError("needs REDIS_URL: the embedded store has no replica")
        return durability

    @field_validator("jwks_url")
    @classmethod
    def _can_be_trusted(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://unset")
        if parts.hostname and (parts.scheme == "https" or (parts.scheme, parts.hostname) in _LOCAL):
            return url
        raise ValueError("must be an https address: who can change the answer can sign in as anybody")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for one in proxies:
            if one != "unix":
                ip_network(one)  # Its error says what is wrong with it.
        return proxies

    @field_validator("token_issuer", "token_audience")
    @classmethod
    def _comes_with_keys(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("jwks_url") is not None:
            raise ValueError("is needed with PRODUCTFLO_JWKS_URL: else tokens for other services would count")
        return value

    @property
    def fsync(self) -> Literal["always", "everysec"]:
        """When the embedded store flushes to the disk."""
        return "everysec" if self.durability is Durability.FAST else "always"

    @property
    def replicas(self) -> int:
        """How many replicas must have a message before anybody is told of it."""
        return 1 if self.durability is Durability.REPLICATED else 0

    @property
    def is_open(self) -> bool:
        """Whether people are whoever they say: nothing is there to check tokens with."""
        return self.secret is None and self.jwks_url is None

    @property
    def room_assistants(self) -> tuple[str, ...]:
        """The assistants that a new room starts with."""
        if self.default_assistants is not None:
            return self.default_assistants
        return ("haitch",) if self.openai_api_key or self.openai_base_url else ("guide",)
