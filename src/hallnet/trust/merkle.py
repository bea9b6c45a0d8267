"""Merkle trees of a journal: roots, inclusion and consistency (RFC 6962 section 2, RFC 9162 section 2.1).

Hashes are read through a function of (level, index): the hash of the complete subtree over the leaves
from `index * 2**level` up to `(index + 1) * 2**level`. Where they are stored is another's business.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

Digest = Callable[[bytes], bytes]
ReadNode = Callable[[int, int], bytes]


def leaf_hash(digest: Digest, data: bytes) -> bytes:
    return digest(b"\x00" + data)


def node_hash(digest: Digest, left: bytes, right: bytes) -> bytes:
    return digest(b"\x01" + left + right)


def root(digest: Digest, size: int, read: ReadNode) -> bytes:
    """Root of the tree over the first `size` leaves; of no leaves, the digest of nothing."""
    if size == 0:
        return digest(b"")
    return _range_hash(digest, 0, size, read)


def frontier(size: int, read: ReadNode) -> list[bytes]:
    """Roots of the complete subtrees of which the tree over the first `size` leaves is made, the biggest
    first."""
    return [read(level, index) for level, index in frontier_places(size)]


def frontier_places(size: int) -> list[tuple[int, int]]:
    """Level and index of each of those subtrees."""
    places: list[tuple[int, int]] = []
    low = 0
    while low < size:
        level = (size - low).bit_length() - 1
        places.append((level, low >> level))
        low += 1 << level
    return places


class GrowingTree:
    """A tree that is known by its frontier alone: it can grow and tell its root, in a few hashes.

    Raises ValueError if the frontier is not that of a tree of `size` leaves.
    """

    def __init__(self, digest: Digest, size: int, roots: Sequence[bytes]) -> None:
        if len(roots) != size.bit_count():
            raise ValueError("frontier")
        self._digest = digest
        self.size = size
        self._roots = list(roots)

    def append(self, leaf: bytes) -> None:
        value, merged = leaf, self.size
        while merged & 1:
            value = node_hash(self._digest, self._roots.pop(), value)
            merged >>= 1
        self._roots.append(value)
        self.size += 1

    def frontier(self) -> list[bytes]:
        return list(self._roots)

    def root(self) -> bytes:
        if not self._roots:
            return self._digest(b"")
        value = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            value = node_hash(self._digest, left, value)
        return value


def inclusion_path(digest: Digest, index: int, size: int, read: ReadNode) -> list[bytes]:
    """Audit path of a leaf in the tree over the first `size` leaves, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    return list(inclusion_paths(digest, [index], size, read)[0])


def inclusion_paths(
    digest: Digest, indexes: Sequence[int], size: int, read: ReadNode
) -> list[tuple[bytes, ...]]:
    """Audit paths of several leaves, whose numbers rise; what lies above several is computed once."""
    if indexes and not 0 <= indexes[0] <= indexes[-1] < size:
        raise ValueError("no such leaves")
    paths: list[tuple[bytes, ...]] = []

    def descend(low: int, high: int, first: int, last: int, above: tuple[bytes, ...]) -> None:
        """The paths of indexes[first:last], all of which lie in [low, high)."""
        if high - low == 1:
            paths.append(above)
            return
        split = low + _largest_power_below(high - low)
        middle = bisect_left(indexes, split, first, last)
        if first < middle:
            beside = _range_hash(digest, split, high, read)
            descend(low, split, first, middle, (beside, *above))
        if middle < last:
            beside = _range_hash(digest, low, split, read)
            descend(split, high, middle, last, (beside, *above))

    if indexes:
        descend(0, size, 0, len(indexes), ())
    return paths


class ProvedTree:
    """A tree with a known root, and the nodes of it to which paths have led already.

    The paths of a batch share all but their lowest nodes: a path is followed only up to the first node
    that was proved before, above which it must be the same.
    """

    def __init__(self, digest: Digest, size: int, root: bytes) -> None:
        self._digest = digest
        self._size = size
        self._root = root
        self._proved: dict[tuple[int, int], tuple[bytes, tuple[bytes, ...]]] = {}

    def contains(self, leaf: bytes, index: int, path: tuple[bytes, ...]) -> bool:
        """Whether the path leads from the leaf to the root (RFC 9162, 2.1.3.2)."""
        if not 0 <= index < self._size:
            return False
        steps: list[tuple[tuple[int, int], tuple[bytes, tuple[bytes, ...]]]] = []
        position, last, value = index, self._size - 1, leaf
        for number, sibling in enumerate(path):
            place, step = (last, position), (value, path[number:])
            known = self._proved.get(place)
            if known is not None:
                if known != step:
                    return False
                self._proved.update(steps)
                return True
            steps.append((place, step))
            if last == 0:
                return False
            if position & 1 or position == last:
                value = node_hash(self._digest, sibling, value)
                while not position & 1 and position:
                    position >>= 1
                    last >>= 1
            else:
                value = node_hash(self._digest, value, sibling)
            position >>= 1
            last >>= 1
        if last != 0 or value != self._root:
            return False
        self._proved.update(steps)
        return True


def root_of_path(
    digest: Digest, leaf: bytes, index: int, size: int, path: Sequence[bytes]
) -> bytes | None:
    """The root to which a path leads; None if the path has the wrong length (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    position, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            value = node_hash(digest, sibling, value)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            value = node_hash(digest, value, sibling)
        position >>= 1
        last >>= 1
    return value if last == 0 else None


def run_path(digest: Digest, low: int, high: int, size: int, read: ReadNode) -> list[bytes]:
    """What stands beside the leaves [low, high): with them it gives the root. Level after level from the leaves
    up, on each what stands before them, then what stands behind; of one leaf, its audit path."""
    if not 0 <= low < high <= size:
        raise ValueError("no such leaves")
    path: list[bytes] = []
    first, end, last, level = low, high, size - 1, 0
    while last > 0:
        if first & 1:
            first -= 1
            path.append(read(level, first))
        if end & 1 and end <= last:
            path.append(_range_hash(digest, end << level, min((end + 1) << level, size), read))
        first, end, last, level = first >> 1, (end + 1) >> 1, last >> 1, level + 1
    return path


def root_of_run(
    digest: Digest, leaves: Sequence[bytes], low: int, size: int, path: Sequence[bytes]
) -> bytes | None:
    """The root to which leaves in a row, the first of which has the number `low`, lead with what stands beside
    them; None if the path has the wrong length."""
    try:
        *_, (_, top) = _rows_over_run(digest, leaves, low, size, path)
    except ValueError:
        return None
    return top[0]


def path_in_run(
    digest: Digest,
    leaves: Sequence[bytes],
    low: int,
    size: int,
    path: Sequence[bytes],
    index: int,
) -> list[bytes]:
    """The audit path of one leaf of a run that leads to its root; raises ValueError."""
    if not low <= index < low + len(leaves):
        raise ValueError("not in the run")
    found: list[bytes] = []
    position = index
    for first, row in _rows_over_run(digest, leaves, low, size, path):
        beside = (position ^ 1) - first
        if 0 <= beside < len(row):
            found.append(row[beside])
        position >>= 1
    return found


def _rows_over_run(
    digest: Digest, leaves: Sequence[bytes], low: int, size: int, path: Sequence[bytes]
) -> Iterator[tuple[int, list[bytes]]]:
    """The nodes over a run with those beside them, level after level up to the root, each with the number of
    the first of them; raises ValueError if the path does not fit."""
    if not leaves or not 0 <= low <= size - len(leaves):
        raise ValueError("no such leaves")
    row, first, last, used = list(leaves), low, size - 1, 0
    while last > 0:
        if first & 1:
            first -= 1
            row[:0] = path[used : used + 1]
            used += 1
        end = first + len(row)
        if end & 1 and end <= last:
            row += path[used : used + 1]
            used += 1
        if used > len(path):
            raise ValueError("path")
        yield first, row
        above = [digest(b"\x01" + row[at] + row[at + 1]) for at in range(0, len(row) - 1, 2)]
        # The last node of a level may have no other half: it goes up as it is.
        row = above + row[-1:] if len(row) & 1 else above
        first, last = first >> 1, last >> 1
    if used != len(path):
        raise ValueError("path")
    yield first, row


def subtrees_of_path(
    digest: Digest, leaf: bytes, index: int, size: int, path: Sequence[bytes]
) -> Iterator[tuple[int, int, bytes]]:
    """The complete subtrees of which a path tells, those beside it and those that it computes: level, index
    and hash of each. The path has to be one of `root_of_path`."""
    level, position, last, value = 0, index, size - 1, leaf

    def is_complete(level: int, index: int) -> bool:
        return (index + 1) << level <= size

    yield level, position, value
    for sibling in path:
        while position == last and not position & 1:
            # A subtree that has no other half goes up as it is.
            level, position, last = level + 1, position >> 1, last >> 1
        beside = position ^ 1
        if is_complete(level, beside):
            yield level, beside, sibling
        pair = (sibling, value) if position & 1 else (value, sibling)
        value = node_hash(digest, *pair)
        level, position, last = level + 1, position >> 1, last >> 1
        if is_complete(level, position):
            yield level, position, value


def consistency_path(digest: Digest, old: int, new: int, read: ReadNode) -> list[bytes]:
    """Shows that the tree of the first `old` leaves is a prefix of the tree of the first `new`."""
    if not 0 < old <= new:
        raise ValueError("no such trees")
    path: list[bytes] = []
    low, high, is_prefix = 0, new, True
    while old != high:
        split = low + _largest_power_below(high - low)
        if old <= split:
            path.append(_range_hash(digest, split, high, read))
            high = split
        else:
            path.append(_range_hash(digest, low, split, read))
            low, is_prefix = split, False
    if not is_prefix:
        path.append(_range_hash(digest, low, high, read))
    path.reverse()
    return path


def is_consistent(
    digest: Digest,
    old: int,
    old_root: bytes,
    new: int,
    new_root: bytes,
    path: Sequence[bytes],
) -> bool:
    """Check a consistency path (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old_value = new_value = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_value = node_hash(digest, sibling, old_value)
            new_value = node_hash(digest, sibling, new_value)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new_value = node_hash(digest, new_value, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and old_value == old_root and new_value == new_root


def _range_hash(digest: Digest, low: int, high: int, read: ReadNode) -> bytes:
    """Hash over the leaves [low, high), where low is a multiple of the power of two above it."""
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return read(level, low >> level)
    peaks: list[bytes] = []
    while low < high:
        level = min(_trailing_zeros(low), (high - low).bit_length() - 1)
        peaks.append(read(level, low >> level))
        low += 1 << level
    value = peaks.pop()
    while peaks:
        value = node_hash(digest, peaks.pop(), value)
    return value


def _largest_power_below(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def _trailing_zeros(number: int) -> int:
    return 64 if number == 0 else (number & -number).bit_length() - 1
