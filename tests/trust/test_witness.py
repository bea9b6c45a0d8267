"""A witness tells a journal that grew from one that was cut, forked or begun anew; invariant 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.trust.builders import COUNTY, NOW, SECOND, SUITE, TOWNSHIP, flipped, network

from hallnet.codec import MessageMalformed
from hallnet.places import Address
from hallnet.trust.evidence import (
    COSIGNATURES_MAX,
    Checkpoint,
    SignedCheckpoint,
    read_checkpoint,
    sign_checkpoint,
)
from hallnet.trust.journal import Journal
from hallnet.trust.merkle import leaf_hash
from hallnet.trust.witness import Finding, compare, cosign, is_cosigned

NET = network()
LEAVES = st.lists(st.binary(max_size=3), max_size=40)
SOME_LEAVES = st.lists(st.binary(max_size=3), min_size=1, max_size=40)


def no_tile(level: int, index: int) -> bytes:
    raise AssertionError(f"tile {level}/{index} was never stored")


def journal_of(entries: Sequence[bytes]) -> Journal:
    journal = Journal(SUITE.digest, 0, no_tile)
    journal.append(leaf_hash(SUITE.digest, entry) for entry in entries)
    return journal


def head_of(entries: Sequence[bytes], seconds: int = 0, number: int = 1) -> Checkpoint:
    root = journal_of(entries).root()
    return Checkpoint(Address(TOWNSHIP), number, len(entries), root, NOW + seconds * SECOND)


def path_from(size: int, entries: Sequence[bytes]) -> list[bytes]:
    return journal_of(entries).consistency_path(size) if 0 < size <= len(entries) else []


def finding(
    before: Sequence[bytes], after: Sequence[bytes], path: Sequence[bytes], seconds: int = 1
) -> Finding:
    seen, head = head_of(before), head_of(after, seconds)
    return compare(seen, head, seen.size, path)


@given(LEAVES, SOME_LEAVES)
def test_a_journal_that_grew_is_continued(before: list[bytes], more: list[bytes]) -> None:
    after = before + more
    assert finding(before, after, path_from(len(before), after)) is Finding.CONTINUED


@given(SOME_LEAVES, LEAVES, st.data())
def test_a_journal_with_one_entry_changed_is_forked_whatever_path_is_shown(
    before: list[bytes], more: list[bytes], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(before) - 1))
    changed = [*before]
    changed[at] = data.draw(st.binary(max_size=3).filter(lambda other: other != before[at]))
    after = changed + more
    for path in (path_from(len(before), after), path_from(len(before), before + more), []):
        assert finding(before, after, path) is Finding.FORKED


@given(SOME_LEAVES, SOME_LEAVES, st.data())
def test_a_journal_from_which_an_entry_was_taken_is_never_continued(
    before: list[bytes], more: list[bytes], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(before) - 1))
    after = before[:at] + before[at + 1 :] + more
    assume(after[: len(before)] != before)
    found = finding(before, after, path_from(len(before), after))
    assert found in (Finding.FORKED, Finding.REWOUND)


@given(SOME_LEAVES, SOME_LEAVES, st.data())
def test_a_path_with_one_bit_changed_proves_nothing(
    before: list[bytes], more: list[bytes], data: st.DataObject
) -> None:
    path = path_from(len(before), before + more)
    at = data.draw(st.integers(0, len(path) - 1))
    path[at] = flipped(path[at], data.draw(st.integers(0, 255)))
    assert finding(before, before + more, path) is Finding.FORKED


def test_the_same_head_again_is_the_same() -> None:
    assert finding([b"a"], [b"a"], []) is Finding.SAME
    assert finding([], [], []) is Finding.SAME


def test_a_shorter_journal_is_rewound_if_it_was_signed_later_and_late_if_before() -> None:
    assert finding([b"a", b"b"], [b"a"], [], seconds=1) is Finding.REWOUND
    assert finding([b"a", b"b"], [b"a"], [], seconds=-1) is Finding.LATE


def test_a_path_from_another_size_says_nothing_yet() -> None:
    seen, head = head_of([b"a", b"b"]), head_of([b"a", b"b", b"c"], 1)
    for size in (0, 1, 3):
        path = path_from(size, [b"a", b"b", b"c"])
        assert compare(seen, head, size, path) is Finding.UNPROVED


def test_a_path_from_a_head_before_the_one_seen_is_no_restoration() -> None:
    """Two hellos that cross: the neighbour does not know yet what was seen of it last."""
    entries = [b"a", b"b", b"c", b"d"]
    earlier, seen, head = (head_of(entries[:size], size) for size in (1, 2, 4))
    assert compare(seen, head, 1, path_from(1, entries), earlier) is Finding.UNPROVED


def test_a_path_from_a_head_after_the_one_seen_alone_is_a_restoration() -> None:
    entries = [b"a", b"b", b"c", b"d"]
    seen, later, head = (head_of(entries[:size], size) for size in (1, 2, 4))
    assert compare(seen, head, 2, path_from(2, entries), later) is Finding.RESTORED


def test_another_journal_of_the_same_hall_is_begun_anew() -> None:
    path = path_from(1, [b"a", b"b"])
    seen = head_of([b"a"])
    assert compare(seen, head_of([b"a", b"b"], 1, 0), 1, path) is Finding.BEGUN_ANEW
    assert compare(seen, head_of([b"c", b"b"], 1, 2), 1, path) is Finding.BEGUN_ANEW
    assert compare(seen, head_of([b"a", b"b"], 1, 2), 0, []) is Finding.BEGUN_ANEW


def test_a_journal_under_a_new_number_that_begins_with_all_that_was_seen_is_renumbered() -> None:
    head, path = head_of([b"a", b"b"], 1, 2), path_from(1, [b"a", b"b"])
    assert compare(head_of([b"a"]), head, 1, path) is Finding.RENUMBERED
    # From elsewhere: two hellos crossed, or it has to be shown yet.
    assert compare(head_of([b"a", b"c"], 1), head, 1, path) is Finding.UNPROVED


# Cosignatures


def signed(entries: Sequence[bytes] = (b"a",)) -> SignedCheckpoint:
    township = NET[TOWNSHIP]
    return sign_checkpoint(head_of(entries), township.certificate, township.signing_key)


def test_a_cosignature_holds_for_its_head_its_moment_and_its_witness_only() -> None:
    head, county = signed(), NET[COUNTY]
    word = cosign(head, county.certificate, county.signing_key, NOW)
    assert is_cosigned(head, word, county.certificate)
    assert not is_cosigned(signed([b"b"]), word, county.certificate)
    assert not is_cosigned(head, replace(word, seen_at=NOW + SECOND), county.certificate)
    assert not is_cosigned(head, word, NET[TOWNSHIP].certificate)
    renamed = replace(word, certificate_id=NET[TOWNSHIP].certificate.id)
    assert not is_cosigned(head, renamed, NET[TOWNSHIP].certificate)


@given(st.integers(0, 64 * 8 - 1))
def test_a_cosignature_with_one_bit_changed_does_not_hold(bit: int) -> None:
    head, county = signed(), NET[COUNTY]
    word = cosign(head, county.certificate, county.signing_key, NOW)
    forged = replace(word, signature=flipped(word.signature, bit))
    assert not is_cosigned(head, forged, county.certificate)


def test_cosignatures_travel_with_their_head() -> None:
    head, county = signed(), NET[COUNTY]
    word = cosign(head, county.certificate, county.signing_key, NOW)
    witnessed = replace(head, cosignatures=(word,))
    assert read_checkpoint(witnessed.to_message()) == witnessed


def test_a_head_with_too_many_cosignatures_is_not_read() -> None:
    head, county = signed(), NET[COUNTY]
    word = cosign(head, county.certificate, county.signing_key, NOW)
    message = replace(head, cosignatures=(word,) * (COSIGNATURES_MAX + 1)).to_message()
    with pytest.raises(MessageMalformed):
        read_checkpoint(message)
