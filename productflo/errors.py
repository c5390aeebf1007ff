"""What can go wrong, in one tree.

Every error that a person or a program is told of is a `ProductFloError`. The doors turn it into an error
envelope (WebSocket) or a JSON answer (HTTP); nothing else knows how an error looks on the wire.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """`data.code` of an error envelope, and `error.code` of an HTTP answer."""

    MESSAGE_CODE_REQUIRED = "MESSAGE_CODE_REQUIRED"
    UNSUPPORTED_MESSAGE_TYPE = "UNSUPPORTED_MESSAGE_TYPE"
    ROOM_ID_REQUIRED = "ROOM_ID_REQUIRED"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    PROCESSING_ERROR = "PROCESSING_ERROR"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RATE_LIMITED = "RATE_LIMITED"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    STORE_FULL = "STORE_FULL"
    STORE_AWAY = "STORE_AWAY"
    UNCONFIRMED = "UNCONFIRMED"
    HAITCH_CHAT_ERROR = "HAITCH_CHAT_ERROR"
    IDEA_GENERATION_ERROR = "IDEA_GENERATION_ERROR"
    DOCUMENTATION_ERROR = "DOCUMENTATION_ERROR"
    ENGINEERING_ERROR = "ENGINEERING_ERROR"


class ProductFloError(Exception):
    """An error to be told.

    `message` is a sentence that says what to do; `field` names the offending place in the input
    (`data.message`); `retry_after` is in seconds, where trying again can help.
    """

    code = ErrorCode.PROCESSING_ERROR

    def __init__(self, message: str, *, field: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after


class CodeRequired(ProductFloError):
    """The envelope has no `code`."""

    code = ErrorCode.MESSAGE_CODE_REQUIRED


class UnsupportedCode(ProductFloError):
    """The envelope's `code` is none that this server knows."""

    code = ErrorCode.UNSUPPORTED_MESSAGE_TYPE


class RoomRequired(ProductFloError):
    """The envelope's `code` needs a `room_id`."""

    code = ErrorCode.ROOM_ID_REQUIRED


class ValidationFailed(ProductFloError):
    """The input does not have the documented shape."""

    code = ErrorCode.VALIDATION_ERROR


class PermissionDenied(ProductFloError):
    """The caller is known and may not do this."""

    code = ErrorCode.PERMISSION_DENIED


class Unauthenticated(ProductFloError):
    """The caller is not known, or no longer."""

    code = ErrorCode.UNAUTHENTICATED


class NotFound(ProductFloError):
    """What the input names does not exist, or not for the caller."""

    code = ErrorCode.NOT_FOUND


class Conflict(ProductFloError):
    """An id was used before, for something else."""

    code = ErrorCode.CONFLICT


class TooLarge(ProductFloError):
    """The input exceeds a limit, which the message names."""

    code = ErrorCode.TOO_LARGE


class RateLimited(ProductFloError):
    """Too much at once; try again after `retry_after` seconds."""

    code = ErrorCode.RATE_LIMITED


class TooManyConnections(RateLimited):
    """A user has as many connections as one may have; the newest is closed."""


class ServerFull(RateLimited):
    """The process has as many connections as it takes."""


class StoreAway(ProductFloError):
    """The store did not answer; nothing is known to have been written."""

    code = ErrorCode.STORE_AWAY


class Unconfirmed(StoreAway):
    """The store was reached, but its answer was lost: the write may or may not have happened."""

    code = ErrorCode.UNCONFIRMED


class StoreFull(ProductFloError):
    """The store takes no more writes; reading works."""

    code = ErrorCode.STORE_FULL


class RequestFailed(ProductFloError):
    """A typed request failed as a whole; each of the protocol's own requests has a code for that."""

    def __init__(self, message: str, code: ErrorCode, *, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.code = code


class LeaseLost(ProductFloError):
    """Another worker holds the lease by now; this one's result was not written."""
