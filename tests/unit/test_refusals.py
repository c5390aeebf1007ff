"""What a client is told of what Redis says, in the words of each version."""

import pytest
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from productflo.errors import ErrorCode
from productflo.store.refusals import told

WRAPPED = "Error running script (call to f_3802f38abaaca62e): @user_script:2: @user_script: 2: -{}"
"""Redis 6.2.14's."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), ErrorCode.STORE_FULL),
        (
            ResponseError(WRAPPED.format("OOM command not allowed when used memory > 'maxmemory'.")),
            ErrorCode.STORE_FULL,
        ),
        (ReadOnlyError("You can't write against a read only replica."), ErrorCode.STORE_AWAY),
        (
            ResponseError(WRAPPED.format("READONLY You can't write against a read only replica.")),
            ErrorCode.STORE_AWAY,
        ),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), ErrorCode.STORE_AWAY),
        (
            ResponseError(WRAPPED.format("NOREPLICAS Not enough good replicas to write.")),
            ErrorCode.STORE_AWAY,
        ),
        (ResponseError("WRONGTYPE Operation against a key"), ErrorCode.PROCESSING_ERROR),
        (ResponseError(WRAPPED.format("WRONGTYPE Operation against a key")), ErrorCode.PROCESSING_ERROR),
    ],
)
def test_refusals_are_told(error: RedisError, code: ErrorCode) -> None:
    """As what a client can do about them."""
    assert told(error).code is code
