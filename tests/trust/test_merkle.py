"""Merkle trees against the published vectors and a naive tree written from the RFC's own words."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import flipped

from hallnet.trust import merkle


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, MTH."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = split_of(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:]))


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 9162 section 2.1.3.1, PATH."""
    if len(leaves) == 1:
        return []
    split = split_of(len(leaves))
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_proof(old: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 9162 section 2.1.4.1, PROOF and SUBPROOF."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = split_of(len(leaves))
    if old <= split:
        return [*naive_proof(old, leaves[:split], whole=whole), naive_root(leaves[split:])]
    return [
        *naive_proof(old - split, leaves[split:], whole=False),
        naive_root(leaves[:split]),
    ]


def split_of(count: int) -> int:
    """The largest power of two smaller than a number."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def reader(leaves: Sequence[bytes]) -> merkle.ReadNode:
    return lambda level, index: naive_root(leaves[index << level : (index + 1) << level])


def leaf(number: int) -> bytes:
    return merkle.leaf_hash(sha256, b"leaf %d" % number)


# The inputs and roots of the reference tests of Certificate Transparency.
STANDARD_INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
STANDARD_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
STANDARD_LEAVES = [merkle.leaf_hash(sha256, bytes.fromhex(data)) for data in STANDARD_INPUTS]


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_of_trees_of_up_to_eight_leaves(size: int) -> None:
    root = merkle.root(sha256, size, reader(STANDARD_LEAVES))
    assert root.hex() == STANDARD_ROOTS[size]
    assert naive_root(STANDARD_LEAVES[:size]).hex() == STANDARD_ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (
            0,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1,
            5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_the_published_inclusion_paths(index: int, size: int, path: list[str]) -> None:
    found = merkle.inclusion_path(sha256, index, size, reader(STANDARD_LEAVES))
    assert [step.hex() for step in found] == path


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (
            1,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_the_published_consistency_paths(old: int, new: int, path: list[str]) -> None:
    found = merkle.consistency_path(sha256, old, new, reader(STANDARD_LEAVES))
    assert [step.hex() for step in found] == path


SIZE_MAX = 300
LEAVES = [leaf(number) for number in range(SIZE_MAX)]
_cache: dict[tuple[int, int], bytes] = {}


def read(level: int, index: int) -> bytes:
    """The complete subtree of a level and number over LEAVES, made by the naive rule, once."""
    known = _cache.get((level, index))
    if known is None:
        if level == 0:
            known = LEAVES[index]
        else:
            known = sha256(b"\x01" + read(level - 1, 2 * index) + read(level - 1, 2 * index + 1))
        _cache[level, index] = known
    return known


@pytest.fixture(scope="module")
def roots() -> list[bytes]:
    return [naive_root(LEAVES[:size]) for size in range(SIZE_MAX + 1)]


def test_roots_of_all_sizes_are_those_of_the_naive_tree(roots: list[bytes]) -> None:
    assert [merkle.root(sha256, size, read) for size in range(SIZE_MAX + 1)] == roots


def test_every_leaf_of_every_size_leads_to_the_root(roots: list[bytes]) -> None:
    for size in range(1, SIZE_MAX + 1):
        for index in range(size):
            path = merkle.inclusion_path(sha256, index, size, read)
            found = merkle.root_of_path(sha256, LEAVES[index], index, size, path)
            assert found == roots[size], (index, size)


def test_every_size_is_consistent_with_every_later_one(roots: list[bytes]) -> None:
    for new in range(1, SIZE_MAX + 1):
        for old in range(1, new + 1):
            path = merkle.consistency_path(sha256, old, new, read)
            assert merkle.is_consistent(sha256, old, roots[old], new, roots[new], path), (old, new)


SIZES = st.integers(1, SIZE_MAX)


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(SIZES)
    return draw(st.integers(0, size - 1)), size


@given(places())
def test_an_inclusion_path_is_that_of_the_naive_tree(place: tuple[int, int]) -> None:
    index, size = place
    path = merkle.inclusion_path(sha256, index, size, read)
    assert path == naive_path(index, LEAVES[:size])


@given(SIZES, SIZES)
def test_a_consistency_path_is_that_of_the_naive_tree(one: int, other: int) -> None:
    old, new = sorted((one, other))
    path = merkle.consistency_path(sha256, old, new, read)
    assert path == naive_proof(old, LEAVES[:new])


@given(places(), st.data())
def test_a_flipped_bit_in_leaf_or_path_leads_elsewhere(
    place: tuple[int, int], data: st.DataObject
) -> None:
    index, size = place
    root = naive_root(LEAVES[:size])
    path = merkle.inclusion_path(sha256, index, size, read)
    bits = st.integers(0, 255)
    changed_leaf = flipped(LEAVES[index], data.draw(bits))
    assert merkle.root_of_path(sha256, changed_leaf, index, size, path) != root
    for step in range(len(path)):
        changed = [*path[:step], flipped(path[step], data.draw(bits)), *path[step + 1 :]]
        assert merkle.root_of_path(sha256, LEAVES[index], index, size, changed) != root


@given(places(), st.data())
def test_a_path_proves_no_other_place(place: tuple[int, int], data: st.DataObject) -> None:
    index, size = place
    root = naive_root(LEAVES[:size])
    path = merkle.inclusion_path(sha256, index, size, read)
    other_index = data.draw(st.integers(0, size + 1))
    found = merkle.root_of_path(sha256, LEAVES[index], other_index, size, path)
    assert (found == root) == (other_index == index)


@given(places(), st.binary(min_size=32, max_size=32))
def test_a_path_that_is_too_short_or_too_long_leads_nowhere(
    place: tuple[int, int], more: bytes
) -> None:
    index, size = place
    path = merkle.inclusion_path(sha256, index, size, read)
    assert merkle.root_of_path(sha256, LEAVES[index], index, size, [*path, more]) is None
    if path:
        assert merkle.root_of_path(sha256, LEAVES[index], index, size, path[:-1]) is None


@given(SIZES, SIZES, st.data())
def test_a_flipped_bit_in_either_root_or_the_path_is_inconsistent(
    one: int, other: int, data: st.DataObject
) -> None:
    old, new = sorted((one, other))
    old_root, new_root = naive_root(LEAVES[:old]), naive_root(LEAVES[:new])
    path = merkle.consistency_path(sha256, old, new, read)
    bits = st.integers(0, 255)

    def holds(old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
        return merkle.is_consistent(sha256, old, old_root, new, new_root, path)

    assert holds(old_root, new_root, path)
    assert not holds(flipped(old_root, data.draw(bits)), new_root, path)
    assert not holds(old_root, flipped(new_root, data.draw(bits)), path)
    assert not holds(old_root, new_root, [*path, LEAVES[0]])
    assert not holds(old_root, new_root, path[:-1]) or not path
    for step in range(len(path)):
        changed = [*path[:step], flipped(path[step], data.draw(bits)), *path[step + 1 :]]
        assert not holds(old_root, new_root, changed)


@given(SIZES, SIZES, st.data())
def test_a_journal_in_which_an_old_entry_was_changed_is_not_consistent(
    one: int, other: int, data: st.DataObject
) -> None:
    old, new = sorted((one, other))
    changed = list(LEAVES[:new])
    place = data.draw(st.integers(0, old - 1))
    changed[place] = leaf(SIZE_MAX + 1)
    path = merkle.consistency_path(sha256, old, new, reader(changed))
    old_root, new_root = naive_root(LEAVES[:old]), naive_root(changed)
    assert not merkle.is_consistent(sha256, old, old_root, new, new_root, path)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (9, 8)])
def test_a_leaf_that_is_not_there_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_path(sha256, index, size, read)
    assert merkle.root_of_path(sha256, LEAVES[0], index, size, []) is None


@pytest.mark.parametrize(("old", "new"), [(0, 1), (-1, 1), (2, 1), (0, 0)])
def test_trees_that_do_not_follow_on_each_other_have_no_consistency_path(
    old: int, new: int
) -> None:
    with pytest.raises(ValueError, match="no such trees"):
        merkle.consistency_path(sha256, old, new, read)
    root = naive_root([])
    assert not merkle.is_consistent(sha256, old, root, new, root, [root])


def test_a_leaf_is_never_taken_for_a_node() -> None:
    """The prefixes of RFC 6962 keep the two apart (second preimages)."""
    left, right = LEAVES[:2]
    assert merkle.leaf_hash(sha256, left + right) != merkle.node_hash(sha256, left, right)
    assert merkle.leaf_hash(sha256, b"") == sha256(b"\x00")


# Several paths at once


@st.composite
def trees_and_indexes(draw: st.DrawFn) -> tuple[list[bytes], list[int]]:
    size = draw(st.integers(1, 300))
    indexes = draw(st.sets(st.integers(0, size - 1), max_size=40))
    return [sha256(number.to_bytes(4, "big")) for number in range(size)], sorted(indexes)


@given(trees_and_indexes())
def test_paths_made_together_are_those_made_one_by_one(
    tree: tuple[list[bytes], list[int]],
) -> None:
    leaves, indexes = tree
    together = merkle.inclusion_paths(sha256, indexes, len(leaves), reader(leaves))
    assert [list(path) for path in together] == [naive_path(index, leaves) for index in indexes]


@pytest.mark.parametrize("indexes", [[-1], [5], [0, 5]])
def test_there_are_no_paths_of_leaves_that_the_tree_does_not_have(indexes: list[int]) -> None:
    leaves = [bytes([number]) * 32 for number in range(5)]
    with pytest.raises(ValueError, match="no such leaves"):
        merkle.inclusion_paths(sha256, indexes, 5, reader(leaves))


@given(trees_and_indexes(), st.randoms(use_true_random=False))
def test_a_proved_tree_contains_what_its_paths_prove_in_any_order(
    tree: tuple[list[bytes], list[int]], chance: random.Random
) -> None:
    leaves, indexes = tree
    chance.shuffle(indexes)
    proved = merkle.ProvedTree(sha256, len(leaves), naive_root(leaves))
    for index in indexes:
        assert proved.contains(leaves[index], index, tuple(naive_path(index, leaves)))


@given(trees_and_indexes(), st.data())
def test_what_was_proved_before_helps_no_forged_path(
    tree: tuple[list[bytes], list[int]], data: st.DataObject
) -> None:
    """Leaf, number, any hash of the path and its length: one change, and it is not contained."""
    leaves, indexes = tree
    proved = merkle.ProvedTree(sha256, len(leaves), naive_root(leaves))
    for index in indexes:
        assert proved.contains(leaves[index], index, tuple(naive_path(index, leaves)))
    index = data.draw(st.integers(0, len(leaves) - 1))
    leaf, path = leaves[index], naive_path(index, leaves)
    number = index
    change = data.draw(st.sampled_from(["leaf", "number", "hash", "longer", "shorter"]))
    if change == "leaf":
        leaf = flipped(leaf, data.draw(st.integers(0, 255)))
    elif change == "number":
        number = data.draw(st.integers(-3, len(leaves) + 300).filter(lambda n: n != index))
    elif change == "hash" and path:
        place = data.draw(st.integers(0, len(path) - 1))
        path[place] = flipped(path[place], data.draw(st.integers(0, 255)))
    elif change == "shorter" and path:
        path.pop(data.draw(st.integers(0, len(path) - 1)))
    else:
        path.insert(data.draw(st.integers(0, len(path))), sha256(b"more"))
    assert not proved.contains(leaf, number, tuple(path))
    expected = merkle.root_of_path(sha256, leaf, number, len(leaves), path) == naive_root(leaves)
    assert expected is False
    for again in indexes:
        assert proved.contains(leaves[again], again, tuple(naive_path(again, leaves)))


# A tree that is known by its frontier


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_growing_tree_has_the_root_of_the_whole_one(before: int, more: int) -> None:
    leaves = [sha256(number.to_bytes(4, "big")) for number in range(before + more)]
    roots = merkle.frontier(before, reader(leaves))
    tree = merkle.GrowingTree(sha256, before, roots)
    assert tree.root() == naive_root(leaves[:before])
    for number in range(before, before + more):
        tree.append(leaves[number])
        assert (tree.size, tree.root()) == (number + 1, naive_root(leaves[: number + 1]))


@pytest.mark.parametrize(("size", "roots"), [(0, 1), (1, 0), (3, 1), (4, 2)])
def test_a_frontier_of_another_size_is_none(size: int, roots: int) -> None:
    with pytest.raises(ValueError, match="frontier"):
        merkle.GrowingTree(sha256, size, [bytes(32)] * roots)


RUNS = [
    (size, low, high)
    for size in range(1, 34)
    for low in range(size)
    for high in range(low + 1, size + 1)
]


def test_leaves_in_a_row_lead_to_the_root_with_what_stands_beside_them() -> None:
    for size, low, high in RUNS:
        leaves = [leaf(number) for number in range(size)]
        path = merkle.run_path(sha256, low, high, size, reader(leaves))
        found = merkle.root_of_run(sha256, leaves[low:high], low, size, path)
        assert found == naive_root(leaves), (size, low, high)
        assert len(path) <= 2 * size.bit_length()


def test_the_path_of_each_leaf_is_cut_out_of_what_proves_the_run() -> None:
    for size, low, high in RUNS:
        leaves = [leaf(number) for number in range(size)]
        path = merkle.run_path(sha256, low, high, size, reader(leaves))
        for index in {low, (low + high) // 2, high - 1}:
            if index < high:
                found = merkle.path_in_run(sha256, leaves[low:high], low, size, path, index)
                assert found == naive_path(index, leaves), (size, low, high, index)


def test_what_proves_one_leaf_is_its_audit_path() -> None:
    for size in range(1, 34):
        leaves = [leaf(number) for number in range(size)]
        for index in range(size):
            path = merkle.run_path(sha256, index, index + 1, size, reader(leaves))
            assert path == naive_path(index, leaves)


@given(st.integers(2, 60), st.data())
def test_no_other_leaves_and_no_other_places_lead_to_the_root(
    size: int, data: st.DataObject
) -> None:
    leaves = [leaf(number) for number in range(size)]
    low = data.draw(st.integers(0, size - 1))
    high = data.draw(st.integers(low + 1, size))
    path = merkle.run_path(sha256, low, high, size, reader(leaves))
    run, root = leaves[low:high], naive_root(leaves)
    changed = data.draw(st.integers(0, len(run) - 1))
    wrong = [*run[:changed], flipped(run[changed], 7), *run[changed + 1 :]]
    assert merkle.root_of_run(sha256, wrong, low, size, path) != root
    assert merkle.root_of_run(sha256, run[:-1], low, size, path) != root
    assert merkle.root_of_run(sha256, [*run, leaf(0)], low, size, path) != root
    assert merkle.root_of_run(sha256, run, low, size, [*path, leaf(0)]) is None
    for other in (low - 1, low + 1):
        assert merkle.root_of_run(sha256, run, other, size, path) != root
    if path:
        assert merkle.root_of_run(sha256, run, low, size, path[:-1]) is None
