"""A journal's tree, kept in tiles.

A tile holds up to 256 hashes of one level in a row, as in the C2SP tlog-tiles form: tile level 0 holds
leaves, tile level 1 the roots of full tiles of level 0, and so on. A million entries fill 3,924 tiles.
Appending touches only the last tile of each level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from hallnet.problems import Kind, Problem
from hallnet.trust import merkle
from hallnet.trust.suite import DIGEST_BYTES

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT


class EntryKind(IntEnum):
    """What an entry records; the numbers go into the leaf hash."""

    SENT = 1
    RECEIVED = 2
    RELAYED = 3
    SIGNED = 4
    INCIDENT = 5
    CONFIRMED = 6


ReadTile = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class TileId:
    """Place of a tile: its level and its number in the level."""

    level: int
    index: int


class EntriesMissing(Problem):
    """A hash is wanted that covers entries which were lost with the records of this hall."""

    kind = Kind.CONFLICT
    reason = "ENTRIES_MISSING"
    zh = "日志中第{start}至{end}条已随旧备份丢失，无法据此出具证明"
    zh_remedy = "请使用恢复前已出具的证明，或向收件方索取"
    en = "The entries {start} to {end} of the journal were lost with old records: this cannot be proved by it"
    en_remedy = "Use a proof from before, or ask the hall that received it"


@dataclass(frozen=True, slots=True)
class Gaps:
    """Places of entries that are lost, and hashes over them by (level, index), as others had seen them."""

    places: tuple[range, ...] = ()
    nodes: Mapping[tuple[int, int], bytes] = field(default_factory=dict)

    def over(self, low: int, high: int) -> range | None:
        """A gap that some of the places [low, high) belong to."""
        for place in self.places:
            if low < place.stop and place.start < high:
                return place
        return None

    def hides(self, size: int) -> bool:
        """Whether it is not known what a tree of that many entries looked like."""
        return any(place.start < size < place.stop for place in self.places)


def entry_leaf(digest: merkle.Digest, kind: EntryKind, data: bytes) -> bytes:
    """Leaf hash of an entry: its kind as one byte, then its data."""
    return merkle.leaf_hash(digest, bytes((kind,)) + data)


class Journal:
    """The tree of one journal at one moment, and what appending to it changes.

    `read_tile(level, index)` gives the stored bytes of a tile, which may hold more hashes than
    `size` covers: the rest is ignored. Where entries are lost, hashes are known only as far as `gaps`
    has them: whatever needs another one raises EntriesMissing.
    """

    def __init__(
        self, digest: merkle.Digest, size: int, read_tile: ReadTile, gaps: Gaps | None = None
    ) -> None:
        self._digest = digest
        self._size = self._stored = size
        self._read_tile = read_tile
        self.gaps = gaps or Gaps()
        self._tiles: dict[tuple[int, int], _Tile] = {}
        self._changed: set[tuple[int, int]] = set()

    @property
    def size(self) -> int:
        return self._size

    def append(self, leaves: Iterable[bytes]) -> int:
        """Add leaf hashes; returns the number of the first of them."""
        first, added = self._size, list(leaves)
        self._extend(0, first, added)
        self._size += len(added)
        return first

    def changed_tiles(self) -> dict[TileId, bytes]:
        """The tiles to be stored, with their bytes."""
        return {TileId(*place): self._tiles[place].to_bytes() for place in self._changed}

    def node(self, level: int, index: int) -> bytes | None:
        """Root of the complete subtree over [index, index + 1) << level; None if lost entries hide it."""
        try:
            return self._node(level, index)
        except EntriesMissing:
            return None

    def root(self, size: int | None = None) -> bytes:
        return merkle.root(self._digest, self._size if size is None else size, self._node)

    def frontier(self) -> list[bytes]:
        return merkle.frontier(self._size, self._node)

    def inclusion_path(self, index: int, size: int | None = None) -> list[bytes]:
        return merkle.inclusion_path(
            self._digest, index, self._size if size is None else size, self._node
        )

    def inclusion_paths(self, indexes: Sequence[int]) -> list[tuple[bytes, ...]]:
        """Paths of several entries, whose numbers rise."""
        return merkle.inclusion_paths(self._digest, indexes, self._size, self._node)

    def run_path(self, low: int, high: int) -> list[bytes]:
        """What proves the entries [low, high) together (`merkle.run_path`)."""
        return merkle.run_path(self._digest, low, high, self._size, self._node)

    def consistency_path(self, old: int, new: int | None = None) -> list[bytes]:
        return merkle.consistency_path(
            self._digest, old, self._size if new is None else new, self._node
        )

    def _extend(self, tile_level: int, position: int, values: Sequence[bytes]) -> None:
        """Add hashes to a level of tiles, and the roots of tiles that they fill to the level above."""
        filled: list[bytes] = []
        first_filled = position >> TILE_HEIGHT
        done = 0
        while done < len(values):
            place = (tile_level, (position + done) >> TILE_HEIGHT)
            tile = self._tile(*place)
            some = values[done : done + TILE_WIDTH - len(tile)]
            tile.extend(some)
            done += len(some)
            self._changed.add(place)
            if len(tile) == TILE_WIDTH:
                filled.append(self._top(*place))
        if filled:
            self._extend(tile_level + 1, first_filled, filled)

    def _top(self, tile_level: int, index: int) -> bytes:
        """Root of a full tile."""
        level = TILE_HEIGHT * (tile_level + 1)
        gap = self.gaps.over(index << level, (index + 1) << level)
        if gap is not None:
            return self._node_over(gap, level, index)
        return self._tile(tile_level, index).at(TILE_HEIGHT, 0)

    def _node(self, level: int, index: int) -> bytes:
        gap = self.gaps.over(index << level, (index + 1) << level)
        if gap is not None:
            return self._node_over(gap, level, index)
        tile_level, row = divmod(level, TILE_HEIGHT)
        shift = TILE_HEIGHT - row
        tile = self._tile(tile_level, index >> shift)
        return tile.at(row, index & ((1 << shift) - 1))

    def _node_over(self, gap: range, level: int, index: int) -> bytes:
        known = self.gaps.nodes.get((level, index))
        if known is not None:
            return known
        if level == 0:
            raise EntriesMissing("journal", start=gap.start, end=gap.stop - 1)
        left, right = (self._node(level - 1, 2 * index + side) for side in (0, 1))
        return merkle.node_hash(self._digest, left, right)

    def _tile(self, level: int, index: int) -> _Tile:
        tile = self._tiles.get((level, index))
        if tile is None:
            count = self._stored >> (TILE_HEIGHT * level)
            width = min(TILE_WIDTH, count - (index << TILE_HEIGHT))
            stored = self._read_tile(level, index) if width > 0 else b""
            tile = _Tile(self._digest, stored[: max(width, 0) * DIGEST_BYTES])
            self._tiles[level, index] = tile
        return tile


class _Tile:
    """Hashes of a tile and of the complete subtrees above them, made as they are needed."""

    def __init__(self, digest: merkle.Digest, stored: bytes) -> None:
        self._digest = digest
        self._rows: list[list[bytes]] = [[] for _ in range(TILE_HEIGHT + 1)]
        self._rows[0] = [
            stored[at : at + DIGEST_BYTES] for at in range(0, len(stored), DIGEST_BYTES)
        ]

    def __len__(self) -> int:
        return len(self._rows[0])

    def extend(self, values: Sequence[bytes]) -> None:
        self._rows[0].extend(values)

    def to_bytes(self) -> bytes:
        return b"".join(self._rows[0])

    def at(self, row: int, offset: int) -> bytes:
        here = self._rows[row]
        if offset >= len(here):
            self._fill(row)
        return here[offset]

    def _fill(self, row: int) -> None:
        for upper in range(1, row + 1):
            below, here = self._rows[upper - 1], self._rows[upper]
            for left in range(2 * len(here), len(below) - 1, 2):
                here.append(merkle.node_hash(self._digest, below[left], below[left + 1]))
