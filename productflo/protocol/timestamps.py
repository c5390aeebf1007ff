"""Times on the wire: UTC, milliseconds, `Z`."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator

_AS_WRITTEN_HERE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9:]{5}\.[0-9]{3}Z")


def format_time(moment: datetime) -> str:
    """`2023-05-01T12:34:56.789Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def normalise_time(value: object) -> str:
    """A client's ISO 8601 time as UTC; a time without a zone means UTC. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("must be an ISO 8601 string such as 2023-05-01T12:34:56.789Z")
    try:
        moment = datetime.fromisoformat(value)
        if _AS_WRITTEN_HERE.fullmatch(value):
            return value
        return format_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError("must be an ISO 8601 time such as 2023-05-01T12:34:56.789Z") from error


Timestamp = Annotated[str, BeforeValidator(normalise_time)]
