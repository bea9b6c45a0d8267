"""The journal in tiles is the same tree as the naive one, however it was appended and reloaded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.trust import merkle
from hallnet.trust.journal import (
    TILE_WIDTH,
    EntriesMissing,
    EntryKind,
    Gaps,
    Journal,
    TileId,
    entry_leaf,
)
from hallnet.trust.suite import DIGEST_BYTES


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf(number: int) -> bytes:
    return merkle.leaf_hash(sha256, number.to_bytes(4, "big"))


class Shelf:
    """Stored tiles, as a database keeps them; counts what is read and written."""

    def __init__(self) -> None:
        self.tiles: dict[TileId, bytes] = {}
        self.size = 0
        self.reads: list[TileId] = []

    def journal(self, size: int | None = None) -> Journal:
        return Journal(sha256, self.size if size is None else size, self._read)

    def append(self, count: int) -> Journal:
        """Append in a journal that is loaded anew, and store what changed."""
        journal = self.journal()
        first = journal.append(leaf(self.size + more) for more in range(count))
        assert first == self.size
        self.tiles.update(journal.changed_tiles())
        self.size = journal.size
        return journal

    def _read(self, level: int, index: int) -> bytes:
        self.reads.append(TileId(level, index))
        return self.tiles[TileId(level, index)]


class Frontier:
    """The naive tree, leaf by leaf: the roots of its complete subtrees (RFC 9162 section 2.1.2)."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, value: bytes) -> None:
        level = 0
        while self._peaks and self._peaks[-1][0] == level:
            value = sha256(b"\x01" + self._peaks.pop()[1] + value)
            level += 1
        self._peaks.append((level, value))

    def root(self) -> bytes:
        if not self._peaks:
            return sha256(b"")
        value = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            value = sha256(b"\x01" + peak + value)
        return value


def naive_roots() -> Iterator[bytes]:
    """Roots of the trees of 0, 1, 2 ... leaves."""
    frontier = Frontier()
    number = 0
    while True:
        yield frontier.root()
        frontier.add(leaf(number))
        number += 1


SMALL_MAX = 1200
_roots = naive_roots()
ROOTS = [next(_roots) for _ in range(SMALL_MAX + 1)]


@given(st.lists(st.integers(0, 300), max_size=4))
def test_appending_in_any_portions_gives_the_naive_tree(portions: list[int]) -> None:
    shelf = Shelf()
    for count in portions:
        journal = shelf.append(count)
        assert journal.root() == ROOTS[shelf.size]
        assert shelf.journal().root() == ROOTS[shelf.size]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.data())
def test_old_roots_and_proofs_come_from_the_tiles_of_today(
    portions: list[int], data: st.DataObject
) -> None:
    shelf = Shelf()
    for count in portions:
        shelf.append(count)
    size = data.draw(st.integers(1, shelf.size))
    index = data.draw(st.integers(0, size - 1))
    journal = shelf.journal()
    assert journal.root(size) == ROOTS[size]
    path = journal.inclusion_path(index, size)
    assert merkle.root_of_path(sha256, leaf(index), index, size, path) == ROOTS[size]
    steps = journal.consistency_path(size)
    assert merkle.is_consistent(sha256, size, ROOTS[size], shelf.size, journal.root(), steps)


@given(st.integers(1, SMALL_MAX), st.data())
def test_a_tile_that_holds_more_than_the_size_covers_is_read_as_of_then(
    size: int, data: st.DataObject
) -> None:
    """After a crash the tiles may be ahead of the size that was committed with them."""
    shelf = Shelf()
    shelf.append(size)
    earlier = data.draw(st.integers(0, size))
    journal = shelf.journal(earlier)
    assert journal.root() == ROOTS[earlier]
    journal.append(leaf(number) for number in range(earlier, size))
    assert journal.root() == ROOTS[size]
    assert {**shelf.tiles, **journal.changed_tiles()} == shelf.tiles


EDGES = [255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 65791, 65792, 65793]


@pytest.fixture(scope="module")
def large() -> tuple[Shelf, dict[int, bytes]]:
    """A journal grown to every edge of its tiles, with the naive roots at these sizes."""
    shelf, frontier, roots = Shelf(), Frontier(), {}
    for size in EDGES:
        for number in range(shelf.size, size):
            frontier.add(leaf(number))
        journal = shelf.append(size - shelf.size)
        roots[size] = frontier.root()
        assert journal.root() == roots[size]
    return shelf, roots


@pytest.mark.parametrize("size", EDGES)
def test_at_the_edges_of_tiles_the_tree_is_the_naive_one(
    size: int, large: tuple[Shelf, dict[int, bytes]]
) -> None:
    shelf, roots = large
    assert shelf.journal(size).root() == roots[size]
    assert shelf.journal().root(size) == roots[size]
    for index in {0, 1, 254, 255, 256, size // 2, size - 2, size - 1} & set(range(size)):
        path = shelf.journal().inclusion_path(index, size)
        assert merkle.root_of_path(sha256, leaf(index), index, size, path) == roots[size]


@pytest.mark.parametrize("old", EDGES)
def test_at_the_edges_of_tiles_history_only_grew(
    old: int, large: tuple[Shelf, dict[int, bytes]]
) -> None:
    shelf, roots = large
    for new in (size for size in EDGES if size >= old):
        path = shelf.journal().consistency_path(old, new)
        assert merkle.is_consistent(sha256, old, roots[old], new, roots[new], path)


def test_tiles_are_numbered_by_level_and_hold_256_hashes(
    large: tuple[Shelf, dict[int, bytes]],
) -> None:
    shelf, _ = large
    assert shelf.size == 65793
    widths = {
        level: [
            len(tile) // DIGEST_BYTES
            for place, tile in sorted(shelf.tiles.items(), key=lambda pair: pair[0].index)
            if place.level == level
        ]
        for level in range(3)
    }
    assert widths[0] == [TILE_WIDTH] * 257 + [1]
    assert widths[1] == [TILE_WIDTH, 1]
    assert widths[2] == [1]
    assert len(shelf.tiles) == 261
    assert shelf.tiles[TileId(0, 0)][:DIGEST_BYTES] == leaf(0)


@pytest.mark.parametrize("size", EDGES)
def test_appending_touches_only_the_last_tile_of_each_level(
    size: int, large: tuple[Shelf, dict[int, bytes]]
) -> None:
    shelf, _ = large
    shelf.reads.clear()
    journal = shelf.journal(size)
    journal.append([leaf(size)])
    levels = [place.level for place in journal.changed_tiles()]
    assert len(levels) == len(set(levels)) <= 3
    assert len(shelf.reads) <= 3


def test_appending_nothing_changes_nothing() -> None:
    shelf = Shelf()
    shelf.append(300)
    journal = shelf.journal()
    assert journal.append([]) == 300
    assert journal.changed_tiles() == {}
    assert (journal.size, journal.root()) == (300, ROOTS[300])


@given(st.binary(max_size=100))
def test_the_kind_of_an_entry_is_part_of_its_leaf(data: bytes) -> None:
    leaves = {entry_leaf(sha256, kind, data) for kind in EntryKind}
    assert len(leaves) == len(EntryKind)
    assert entry_leaf(sha256, EntryKind.SENT, data) == sha256(b"\x00\x01" + data)


# A journal that goes on behind entries that are lost


class Holed(Shelf):
    """Stored tiles of a journal that lost what came after `start` and goes on from where others saw it end."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__()
        self.gaps = Gaps()
        if start:
            self.append(start)
        frontier = whole(end).frontier()
        nodes = zip(merkle.frontier_places(end), frontier, strict=True)
        self.gaps = Gaps((range(start, end),), dict(nodes))
        for level in range(9):
            count = end >> (8 * level)
            index, width = divmod(count, TILE_WIDTH)
            if width:
                stored = self.tiles.get(TileId(level, index), b"")
                self.tiles[TileId(level, index)] = stored.ljust(width * DIGEST_BYTES, b"\0")
        self.size = end

    def journal(self, size: int | None = None) -> Journal:
        return Journal(sha256, self.size if size is None else size, self._read, self.gaps)


def whole(size: int) -> Journal:
    shelf = Shelf()
    return shelf.append(size) if size else shelf.journal()


@given(st.integers(0, 600), st.integers(1, 700), st.lists(st.integers(1, 300), max_size=4))
def test_behind_lost_entries_the_journal_is_the_same_as_if_they_were_there(
    start: int, lost: int, more: list[int]
) -> None:
    end = start + lost
    holed = Holed(start, end)
    assert holed.journal().root() == whole(end).root()
    for count in more:
        holed.append(count)
        journal, complete = holed.journal(), whole(holed.size)
        assert journal.root() == complete.root()
        assert journal.frontier() == complete.frontier()
        assert journal.consistency_path(end) == complete.consistency_path(end)
        assert journal.inclusion_path(holed.size - 1) == complete.inclusion_path(holed.size - 1)
        assert journal.inclusion_path(end) == complete.inclusion_path(end)


@given(st.integers(2, 600), st.integers(1, 700))
def test_what_needs_a_lost_entry_is_not_proved_by_something_else(start: int, lost: int) -> None:
    holed, complete = Holed(start, start + lost), whole(start + lost)
    try:
        path = holed.journal().inclusion_path(start - 1)
    except EntriesMissing:
        return
    assert path == complete.inclusion_path(start - 1)
