"""What need not reach a reader who is too slow for it: it is true for a moment only."""

from enum import IntEnum


class Passing(IntEnum):
    """What may be shed, in this order: the lower, the sooner. Anything else is sent, or the reader closed.

    It mends itself: typing ends by its lease, the next word of presence or receipt replaces the one before,
    and a join tells how things stand.
    """

    TYPING = 1
    PRESENCE = 2
    RECEIPT = 3
