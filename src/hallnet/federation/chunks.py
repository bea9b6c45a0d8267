"""How a material is cut, and how much of it goes next: rules without a store."""

from __future__ import annotations

from hallnet.federation.limits import (
    ATTACHMENT_BYTES_MAX,
    ATTACHMENT_CHUNK_BYTES,
    ATTACHMENT_PORTION_CHUNKS,
    ATTACHMENT_RUN_CHUNKS_MAX,
)


def count_of(size: int) -> int:
    """How many chunks carry so many bytes; an empty material is carried by one empty chunk."""
    return max(-(-size // ATTACHMENT_CHUNK_BYTES), 1)


def is_right(size: int, offset: int, length: int) -> bool:
    """Whether so many bytes can stand at that place of a material of that size: one chunk or a run of them."""
    end = offset + length
    return (
        size <= ATTACHMENT_BYTES_MAX
        and offset % ATTACHMENT_CHUNK_BYTES == 0
        and offset < max(size, 1)
        and end <= size
        and (end == size or (length > 0 and length % ATTACHMENT_CHUNK_BYTES == 0))
        and length <= ATTACHMENT_RUN_CHUNKS_MAX * ATTACHMENT_CHUNK_BYTES
    )


def run_length(batch_bytes: int) -> int:
    """How many chunks go in one envelope over a line that takes batches of so many bytes: never more than go
    in one batch, so that a slow line carries them one by one and what is urgent waits for one at most."""
    return min(max(batch_bytes // ATTACHMENT_CHUNK_BYTES, 1), ATTACHMENT_RUN_CHUNKS_MAX)


def runs(numbers: range, longest: int) -> list[range]:
    """Chunks in a row, cut into runs of no more than `longest`."""
    return [numbers[at : at + longest] for at in range(0, len(numbers), longest)]


def next_to_send(size: int, sent: int, answered: int, room: int) -> range:
    """Numbers of the chunks that are sealed next, together: a portion and `room` at most.

    The first one goes alone: its receipt says whether the recipient has the material already.
    """
    last = count_of(size)
    if sent and not answered:
        return range(sent, sent)
    goal = 1 if not sent else min(last, sent + ATTACHMENT_PORTION_CHUNKS)
    return range(sent, min(goal, sent + max(room, 0)))
