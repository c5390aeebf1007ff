"""Identifiers: their shapes, and how the server makes them."""

import secrets
from typing import Annotated

from pydantic import StringConstraints

ID_PATTERN = r"^[A-Za-z0-9_.:@-]{1,128}$"
"""Rooms, users and teams. No braces: an id stands inside a Redis Cluster hash tag."""

FOREIGN_ID_PATTERN = r"^[^\x00-\x1f\x7f]{1,128}$"
"""Messages and files, whose ids clients and other services make: anything printable."""

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is mistaken for another (crockford.com/base32.html)."""

RANDOM_LENGTH = 26
"""26 characters of 5 bits are 130 bits: not to be guessed, nor met twice."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, strict=True)]
ForeignId = Annotated[str, StringConstraints(pattern=FOREIGN_ID_PATTERN, strict=True)]


def random_id(prefix: str) -> str:
    """An unguessable id such as `msg_7k2m...`, from the system's random source, asked once."""
    bits = secrets.randbits(5 * RANDOM_LENGTH)
    return f"{prefix}_" + "".join(CROCKFORD[bits >> shift & 31] for shift in range(0, 5 * RANDOM_LENGTH, 5))
