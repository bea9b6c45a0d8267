"""How a material is cut, and how much of it goes next: rules without a store."""

from __future__ import annotations

from hallnet.federation.limits import (
    ATTACHMENT_BYTES_MAX,
    ATTACHMENT_CHUNK_BYTES,
    ATTACHMENT_PORTION_CHUNKS,
)


def count_of(size: int) -> int:
    """How many chunks carry so many bytes; an empty material is carried by one empty chunk."""
    return max(-(-size // ATTACHMENT_CHUNK_BYTES), 1)


def length_at(size: int, offset: int) -> int:
    """How long the chunk is that begins at an offset: full, but for the last."""
    return min(ATTACHMENT_CHUNK_BYTES, size - offset)


def is_right(size: int, offset: int, length: int) -> bool:
    """Whether a chunk of that length can stand at that place of a material of that size."""
    return (
        size <= ATTACHMENT_BYTES_MAX
        and offset % ATTACHMENT_CHUNK_BYTES == 0
        and offset < max(size, 1)
        and length == length_at(size, offset)
    )


def next_to_send(size: int, sent: int, answered: int, room: int) -> range:
    """Numbers of the chunks that are sealed next, together: a portion and `room` at most.

    The first one goes alone: its receipt says whether the recipient has the material already.
    """
    last = count_of(size)
    if sent and not answered:
        return range(sent, sent)
    goal = 1 if not sent else min(last, sent + ATTACHMENT_PORTION_CHUNKS)
    return range(sent, min(goal, sent + max(room, 0)))
