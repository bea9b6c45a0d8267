"""How a material is cut, and what of it goes next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hallnet.federation import chunks
from hallnet.federation.limits import ATTACHMENT_BYTES_MAX, ATTACHMENT_CHUNK_BYTES
from hallnet.federation.pace import ANSWER_SECONDS, patience

SIZES = st.integers(0, ATTACHMENT_BYTES_MAX) | st.integers(0, 3 * ATTACHMENT_CHUNK_BYTES)
BYTES_PER_SECOND_OF_64_KBIT = 8000


@given(SIZES)
def test_the_chunks_of_a_material_are_right_and_make_up_its_size(size: int) -> None:
    count = chunks.count_of(size)
    last = (count - 1) * ATTACHMENT_CHUNK_BYTES
    assert last + chunks.length_at(size, last) == size
    for offset in {0, last}:
        assert chunks.is_right(size, offset, chunks.length_at(size, offset))
    assert not chunks.is_right(size, last + ATTACHMENT_CHUNK_BYTES, 0)


@given(SIZES, st.integers(0, 2**70), st.integers(0, 2 * ATTACHMENT_CHUNK_BYTES))
def test_of_all_lengths_one_is_right_at_a_place(size: int, offset: int, length: int) -> None:
    if chunks.is_right(size, offset, length):
        assert offset + length <= size
        assert not chunks.is_right(size, offset, length + 1)
        assert not chunks.is_right(size, offset, length - 1)


@given(SIZES, st.integers(1, 200), st.data())
def test_every_chunk_goes_once_and_in_order_however_receipts_come(
    size: int, window: int, data: st.DataObject
) -> None:
    size %= 40 * ATTACHMENT_CHUNK_BYTES
    sent = answered = 0
    went: list[int] = []
    while answered < chunks.count_of(size):
        numbers = chunks.next_to_send(size, sent, answered, window - (sent - answered))
        went += numbers
        sent += len(numbers)
        assert sent - answered <= window
        assert sent == 1 or answered > 0
        answered += data.draw(st.integers(1, sent - answered))
    assert went == list(range(chunks.count_of(size)))
    assert not chunks.next_to_send(size, sent, answered, window)


def test_a_chunk_passes_a_slow_line_within_the_patience_of_the_link() -> None:
    seconds = ATTACHMENT_CHUNK_BYTES / BYTES_PER_SECOND_OF_64_KBIT
    assert seconds < 20
    assert seconds + ANSWER_SECONDS < patience(ATTACHMENT_CHUNK_BYTES)
