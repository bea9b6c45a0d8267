"""How a material is cut, and what of it goes next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hallnet.federation import chunks
from hallnet.federation.limits import (
    ATTACHMENT_BYTES_MAX,
    ATTACHMENT_CHUNK_BYTES,
    ATTACHMENT_RUN_CHUNKS_MAX,
    BATCH_BYTES_MAX,
    SEALED_BODY_BYTES_MAX,
)
from hallnet.federation.pace import ANSWER_SECONDS, patience

SIZES = st.integers(0, ATTACHMENT_BYTES_MAX) | st.integers(0, 3 * ATTACHMENT_CHUNK_BYTES)
BYTES_PER_SECOND_OF_64_KBIT = 8000


RUNS = st.integers(1, ATTACHMENT_RUN_CHUNKS_MAX)


@given(SIZES, RUNS)
def test_chunks_of_a_material_are_right_one_by_one_and_in_runs(size: int, longest: int) -> None:
    numbers = range(chunks.count_of(size))[-3 * ATTACHMENT_RUN_CHUNKS_MAX :]
    runs = chunks.runs(numbers, longest)
    assert [number for run in runs for number in run] == list(numbers)
    for run in runs:
        assert 0 < len(run) <= longest
        offset = run.start * ATTACHMENT_CHUNK_BYTES
        end = min(run.stop * ATTACHMENT_CHUNK_BYTES, size)
        assert chunks.is_right(size, offset, end - offset)
    assert not chunks.is_right(size, numbers.stop * ATTACHMENT_CHUNK_BYTES, 0)


@given(SIZES, st.integers(0, 2**70), st.integers(0, 9 * ATTACHMENT_CHUNK_BYTES))
def test_nothing_but_whole_chunks_of_a_material_is_right(
    size: int, offset: int, length: int
) -> None:
    if chunks.is_right(size, offset, length):
        assert offset + length <= size
        assert offset % ATTACHMENT_CHUNK_BYTES == 0
        assert length % ATTACHMENT_CHUNK_BYTES == 0 or offset + length == size
        assert chunks.count_of(length) <= ATTACHMENT_RUN_CHUNKS_MAX


@given(st.integers(0, 2 * BATCH_BYTES_MAX))
def test_a_run_takes_no_longer_than_a_batch_or_a_chunk(batch_bytes: int) -> None:
    length = chunks.run_length(batch_bytes)
    assert 1 <= length <= ATTACHMENT_RUN_CHUNKS_MAX
    assert length == 1 or length * ATTACHMENT_CHUNK_BYTES <= batch_bytes


def test_the_longest_run_fits_into_an_envelope() -> None:
    assert ATTACHMENT_RUN_CHUNKS_MAX * ATTACHMENT_CHUNK_BYTES + 1024 <= SEALED_BODY_BYTES_MAX


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
