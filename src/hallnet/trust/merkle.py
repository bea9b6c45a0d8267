"""Merkle trees of a journal: roots, inclusion and consistency (RFC 6962 section 2, RFC 9162 section 2.1).

Hashes are read through a function of (level, index): the hash of the complete subtree over the leaves
from `index * 2**level` up to `(index + 1) * 2**level`. Where they are stored is another's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def inclusion_path(digest: Digest, index: int, size: int, read: ReadNode) -> list[bytes]:
    """Audit path of a leaf in the tree over the first `size` leaves, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        split = low + _largest_power_below(high - low)
        if index < split:
            path.append(_range_hash(digest, split, high, read))
            high = split
        else:
            path.append(_range_hash(digest, low, split, read))
            low = split
    path.reverse()
    return path


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
