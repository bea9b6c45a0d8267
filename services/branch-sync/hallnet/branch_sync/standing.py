"""What a node makes of a release."""

from enum import IntEnum


class Standing(IntEnum):
    """The numbers are those of the wire."""

    PENDING = 1
    IN_FORCE = 2
    REPLACED = 3
    REFUSED = 4
    WITHDRAWN = 5
