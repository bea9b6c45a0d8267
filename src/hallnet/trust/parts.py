"""Files of parts, each with its length before it, of which no more than one is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from google.protobuf import proto
from google.protobuf.message import DecodeError, Message

from hallnet.problems import Problem

PART_BYTES_MAX = 4 * 1024 * 1024
"""More than a run of as many journal entries as there are, each of the longest."""

Part = TypeVar("Part", bound=Message)


def parts_of(
    file: BinaryIO, magic: bytes, part: type[Part], malformed: Callable[[str], Problem]
) -> Iterator[Part]:
    """The parts behind a first line, one after the other; raises what `malformed` makes of a detail."""
    if file.read(len(magic)) != magic:
        raise malformed(magic.decode().strip())
    bounded = _Bounded(file, malformed)
    while True:
        try:
            found = proto.parse_length_prefixed(part, bounded)  # type: ignore[arg-type]
        except (DecodeError, ValueError) as error:
            raise malformed("part") from error
        if found is None:
            return
        yield found


class _Bounded:
    """A file of which no part longer than the bound is read into memory."""

    def __init__(self, file: BinaryIO, malformed: Callable[[str], Problem]) -> None:
        self._file = file
        self._malformed = malformed

    def read(self, size: int) -> bytes:
        if size > PART_BYTES_MAX:
            raise self._malformed("PART_BYTES_MAX")
        return self._file.read(size)
