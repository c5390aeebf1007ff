"""What Redis refuses, as the error that a client is told."""

import logging
import re

from redis.exceptions import (
    AskError,
    ClusterDownError,
    ExecAbortError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from productflo.errors import ProductFloError, StoreAway, StoreFull
from productflo.store.outage import OUTAGE

log = logging.getLogger(__name__)

RETRY_AFTER = 2.0
"""Seconds that a client is asked to wait while the store is away: the embedded one restarts in less."""


class NotReplicated(RedisError):
    """Written, but too few replicas have confirmed it in time."""


_ELSEWHERE = (AskError, TryAgainError)
"""The slot is on another shard (MOVED, a kind of ASK), or on its way there."""
_AWAY = (
    *_ELSEWHERE,
    RedisConnectionError,  # LOADING too
    RedisTimeoutError,
    ClusterDownError,  # MASTERDOWN too
    ReadOnlyError,
    NoScriptError,  # Flushed once more between loading and calling.
    ExecAbortError,
    NotReplicated,
)
_AWAY_WORDS = frozenset({"MISCONF", "NOREPLICAS", "BUSY", "UNBLOCKED", "NOMASTERLINK", "READONLY"})
"""Refusals without a class of their own: the disk refuses, too few replicas, a script runs, a fail-over."""
_IN_A_SCRIPT = re.compile(r"@user_script: ?\d+: -([A-Z]+) ")
"""Redis 6.2 wraps what was refused within a script."""


def is_elsewhere(error: object) -> bool:
    """Whether the command was sent to the wrong shard; it was not carried out."""
    return isinstance(error, _ELSEWHERE)


def is_away(error: RedisError) -> bool:
    """Whether the same command may succeed later, by itself."""
    return isinstance(error, _AWAY) or (isinstance(error, ResponseError) and _word(error) in _AWAY_WORDS)


def _word(error: ResponseError) -> str:
    """The word that names a refusal."""
    within = _IN_A_SCRIPT.search(str(error))
    return within[1] if within else str(error).partition(" ")[0]


def told(error: RedisError) -> ProductFloError:
    """A Redis error as the error that a client is told."""
    if isinstance(error, OutOfMemoryError) or (isinstance(error, ResponseError) and _word(error) == "OOM"):
        return StoreFull("The store is full: messages can be read, but none added. Tell the operator.")
    note(error)
    if is_away(error):
        return StoreAway("The store is away. Try again shortly.", retry_after=RETRY_AFTER)
    return ProductFloError("The store refused this. The operator finds why in the server's log.")


def note(error: RedisError | ProductFloError) -> None:
    """Tell the operator why something has to wait, which tries again by itself; of an outage once."""
    if isinstance(error, StoreAway):
        return  # Noted where it arose.
    if isinstance(error, ProductFloError):
        log.warning("Something has to wait: %s", error)
    elif is_away(error):
        OUTAGE.noticed(error)
    else:
        log.error("The store refused a command", exc_info=error)
