"""A hall believes of its lost journal what agrees with all that it still knows of it, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.federation.returning import Loss
from hallnet.places import Address
from hallnet.trust import merkle
from hallnet.trust.evidence import Checkpoint, Proof, SignedCheckpoint
from hallnet.trust.journal import EntryKind, Gaps, Journal, entry_leaf
from hallnet.trust.merkle import frontier_places
from hallnet.trust.problems import ProofInvalid, SpeaksForAnother
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

HERE = Address("330127101")
DIGEST = algorithms(Suite.ED25519).digest
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Tree:
    """A journal in memory, with the tiles that were stored."""

    def __init__(self, entries: list[bytes]) -> None:
        self.entries = entries
        self.tiles: dict[tuple[int, int], bytes] = {}
        journal = Journal(DIGEST, 0, self.read)
        journal.append(entry_leaf(DIGEST, EntryKind.SENT, entry) for entry in entries)
        self.tiles = {(t.level, t.index): raw for t, raw in journal.changed_tiles().items()}

    def read(self, level: int, index: int) -> bytes:
        return self.tiles.get((level, index), b"")

    def at(self, size: int) -> Journal:
        return Journal(DIGEST, size, self.read)

    def proof(self, place: int, size: int, address: Address = HERE) -> Proof:
        head = Checkpoint(address, 1, size, self.at(size).root(), NOW)
        signed = SignedCheckpoint(head, head.note(), b"", b"")
        return Proof(place, tuple(self.at(size).inclusion_path(place, size)), signed)


class Signed:
    """Who signed a head is another's rule: here it is who the head names. Paths are really followed."""

    def signer(self, signed: SignedCheckpoint) -> Any:
        address = signed.checkpoint.address
        return SimpleNamespace(address=address, body=SimpleNamespace(subject=str(address)))

    def require(self, proof: Proof, kind: EntryKind, data: bytes, what: str) -> None:
        proof.require(kind, data, what)


PROOFS: Any = Signed()


@st.composite
def losses(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Start and end of a gap, a place in it, and the size of a head over it."""
    end = draw(st.integers(2, 700))
    start = draw(st.integers(0, end - 1))
    place = draw(st.integers(start, end - 1))
    return start, end, place, draw(st.integers(place + 1, end))


def loss_of(tree: Tree, start: int, end: int) -> Loss:
    """What a hall knows whose entries from `start` on are lost and that was told of the end."""
    nodes = dict(zip(frontier_places(end), tree.at(end).frontier(), strict=True))
    tiles = Tree(tree.entries[:start]).tiles
    gaps = Gaps((range(start, end),), nodes)
    known = Journal(DIGEST, end, lambda level, index: tiles.get((level, index), b""), gaps)
    return Loss(HERE, 1, Suite.ED25519, range(start, end), known.node)


def entries_of(count: int, mark: bytes = b"entry") -> list[bytes]:
    return [mark + b" %d" % number for number in range(count)]


@given(losses())
def test_an_entry_of_the_lost_journal_is_believed_under_every_head_that_was_signed(
    drawn: tuple[int, int, int, int],
) -> None:
    start, end, place, size = drawn
    tree = Tree(entries_of(end))
    loss = loss_of(tree, start, end)
    loss.require(tree.proof(place, size), EntryKind.SENT, tree.entries[place], PROOFS)


@given(losses(), st.booleans())
def test_an_entry_of_another_journal_is_refused_where_it_meets_what_is_known(
    drawn: tuple[int, int, int, int], at_the_end: bool
) -> None:
    """The other one has another past, or the head is the one with which the known journal ends."""
    start, end, place, size = drawn
    size = end if at_the_end else size
    loss = loss_of(Tree(entries_of(end)), start, end)
    other = Tree(entries_of(end, b"forged"))
    meets = at_the_end or any(
        (index + 1) << level <= start
        for level, index, _ in merkle.subtrees_of_path(
            DIGEST,
            entry_leaf(DIGEST, EntryKind.SENT, other.entries[place]),
            place,
            size,
            other.proof(place, size).path,
        )
    )
    if meets:
        with pytest.raises(ProofInvalid):
            loss.require(other.proof(place, size), EntryKind.SENT, other.entries[place], PROOFS)


@given(losses(), st.data())
def test_whatever_is_changed_about_an_entry_it_is_refused(
    drawn: tuple[int, int, int, int], data: st.DataObject
) -> None:
    start, end, place, size = drawn
    tree = Tree(entries_of(end))
    loss = loss_of(tree, start, end)
    proof, entry = tree.proof(place, size), tree.entries[place]
    spoils_path: bool = data.draw(st.booleans())
    if proof.path and spoils_path:
        number = data.draw(st.integers(0, len(proof.path) - 1))
        path = (*proof.path[:number], bytes(32), *proof.path[number + 1 :])
        proof = Proof(place, path, proof.checkpoint)
    else:
        entry += b"!"
    with pytest.raises(ProofInvalid):
        loss.require(proof, EntryKind.SENT, entry, PROOFS)


@given(losses())
def test_places_that_are_not_lost_and_heads_beyond_the_end_are_refused(
    drawn: tuple[int, int, int, int],
) -> None:
    start, end, _, _ = drawn
    tree = Tree(entries_of(end + 3))
    loss = loss_of(tree, start, end)
    for place, size in [(end, end + 1), (end - 1, end + 1), *([(start - 1, end)] if start else [])]:
        with pytest.raises(ProofInvalid):
            loss.require(tree.proof(place, size), EntryKind.SENT, tree.entries[place], PROOFS)


def test_a_head_of_another_hall_proves_nothing() -> None:
    tree = Tree(entries_of(5))
    with pytest.raises(SpeaksForAnother):
        loss_of(tree, 2, 5).require(
            tree.proof(3, 5, Address("330127")), EntryKind.SENT, tree.entries[3], PROOFS
        )


@given(st.integers(1, 700), st.data())
def test_the_subtrees_of_a_path_are_those_of_the_tree(size: int, data: st.DataObject) -> None:
    tree = Tree(entries_of(size))
    place = data.draw(st.integers(0, size - 1))
    leaf = entry_leaf(DIGEST, EntryKind.SENT, tree.entries[place])
    path = tree.proof(place, size).path
    found = list(merkle.subtrees_of_path(DIGEST, leaf, place, size, path))
    assert found[0] == (0, place, leaf)
    journal = tree.at(size)
    for level, index, value in found:
        assert journal.node(level, index) == value
