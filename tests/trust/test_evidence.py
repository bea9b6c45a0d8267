"""Checkpoints in the exact form of their note, proofs, and the pool in which proofs travel."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.strategies import ADDRESSES
from tests.trust.builders import (
    CITY,
    COUNTY,
    NOW,
    SECOND,
    SUITE,
    TOWNSHIP,
    Ledger,
    flipped,
    made_from,
    network,
)

from hallnet.codec import MessageMalformed
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.trust import evidence
from hallnet.trust.evidence import (
    CERTIFICATES_MAX,
    CHECKPOINTS_MAX,
    PATH_LENGTH_MAX,
    Checkpoint,
    EvidenceReader,
    EvidenceWriter,
    Proof,
    read_checkpoint,
    sign_checkpoint,
)
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import ProofInvalid
from hallnet.wire.trust.v1 import certificate_pb2 as wire_certificate
from hallnet.wire.trust.v1 import journal_pb2 as wire

NET = network()
ROOT = SUITE.digest(b"root")
HEAD = Checkpoint(Address(COUNTY), 1, 5, ROOT, datetime(2026, 3, 2, 9, 0, 0, 250, UTC))
NOTE = (
    b"hallnet/330110/1\n5\n" + base64.b64encode(ROOT) + b"\ntime 2026-03-02T09:00:00.000250+00:00\n"
)


def test_a_note_has_the_form_of_a_tlog_checkpoint() -> None:
    """C2SP tlog-checkpoint: origin, size in decimal, root in base64, then further lines."""
    assert HEAD.note() == NOTE
    lines = NOTE.decode().split("\n")
    assert lines[-1] == ""
    assert len(lines) == 5
    assert all(lines[:4])


checkpoints = st.builds(
    Checkpoint,
    ADDRESSES,
    st.integers(0, 2**31),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.datetimes(
        datetime(2000, 1, 1),
        datetime(2100, 1, 1),
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
    ),
)


@given(checkpoints)
def test_a_note_is_read_as_it_is_written(checkpoint: Checkpoint) -> None:
    note = checkpoint.note()
    assert Checkpoint.from_note(note) == checkpoint
    assert Checkpoint.from_note(note).note() == note


def spoilt(old: bytes, new: bytes) -> bytes:
    assert old in NOTE
    return NOTE.replace(old, new)


MALFORMED = {
    "empty": b"",
    "no line feed at the end": NOTE[:-1],
    "a line more": NOTE + b"more\n",
    "an empty line more": NOTE + b"\n",
    "a line less": b"\n".join(NOTE.split(b"\n")[:3]) + b"\n",
    "carriage returns": NOTE.replace(b"\n", b"\r\n"),
    "another separator of lines": spoilt(b"\n5\n", "\u20285\u2028".encode()),
    "another origin": spoilt(b"hallnet/", b"sigstore/"),
    "no origin": spoilt(b"hallnet/330110/1\n", b"\n"),
    "no number": spoilt(b"/1\n", b"\n"),
    "a path for a number": spoilt(b"/1\n", b"/1/2\n"),
    "no address": spoilt(b"330110", b"33011"),
    "a name for an address": spoilt(b"330110", b"yuhang"),
    "a leading zero of the number": spoilt(b"/1\n", b"/01\n"),
    "a negative number": spoilt(b"/1\n", b"/-1\n"),
    "a leading zero of the size": spoilt(b"\n5\n", b"\n05\n"),
    "a plus": spoilt(b"\n5\n", b"\n+5\n"),
    "an underscore": spoilt(b"\n5\n", b"\n5_0\n"),
    "a space": spoilt(b"\n5\n", b"\n 5\n"),
    "other digits": spoilt(b"\n5\n", "\n５\n".encode()),
    "a negative size": spoilt(b"\n5\n", b"\n-5\n"),
    "a fraction": spoilt(b"\n5\n", b"\n5.0\n"),
    "no size": spoilt(b"\n5\n", b"\n\n"),
    "a size that no database holds": spoilt(b"\n5\n", b"\n9223372036854775808\n"),
    "a number that no database holds": spoilt(b"/1\n", b"/9223372036854775808\n"),
    "a size of five thousand digits": spoilt(b"\n5\n", b"\n" + b"5" * 5000 + b"\n"),
    "a root that is too short": spoilt(base64.b64encode(ROOT), base64.b64encode(ROOT[:31])),
    "a root that is too long": spoilt(base64.b64encode(ROOT), base64.b64encode(ROOT + b"\x00")),
    "no root": spoilt(base64.b64encode(ROOT), b""),
    "a root in hexadecimal": spoilt(base64.b64encode(ROOT), ROOT.hex().encode()),
    "a root without padding": spoilt(b"=", b""),
    "a root with other letters": spoilt(base64.b64encode(ROOT), b"-_" * 22),
    "another zone": spoilt(b"+00:00", b"+08:00"),
    "Z for the zone": spoilt(b"+00:00", b"Z"),
    "no zone": spoilt(b"+00:00", b""),
    "no fraction of a second": spoilt(b".000250", b""),
    "milliseconds": spoilt(b".000250", b".000"),
    "no time": spoilt(b"time 2026-03-02T09:00:00.000250+00:00", b"time "),
    "no word before the time": spoilt(b"time ", b""),
    "another word before the time": spoilt(b"time ", b"date "),
    "a day that is none": spoilt(b"2026-03-02", b"2026-02-30"),
    "a moment before the calendar": spoilt(
        b"2026-03-02T09:00:00.000250+00:00", b"0001-01-01T00:00:00.000000+14:00"
    ),
    "a moment after the calendar": spoilt(
        b"2026-03-02T09:00:00.000250+00:00", b"9999-12-31T23:59:59.999999-14:00"
    ),
    "not UTF-8": b"\xff" + NOTE,
    "a byte order mark": b"\xef\xbb\xbf" + NOTE,
    "a zero byte": NOTE + b"\x00",
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_note_that_is_not_exactly_so_is_malformed(how: str) -> None:
    with pytest.raises(MessageMalformed) as malformed:
        Checkpoint.from_note(MALFORMED[how])
    assert malformed.value.where == "checkpoint.note"


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_that_are_read_as_a_note_are_written_the_same(note: bytes) -> None:
    try:
        checkpoint = Checkpoint.from_note(note)
    except MessageMalformed:
        return
    assert checkpoint.note() == note


def test_no_bit_of_a_signed_checkpoint_can_be_changed() -> None:
    signed = sign_checkpoint(HEAD, NET[COUNTY].certificate, NET[COUNTY].signing_key)
    message = signed.to_message()
    assert read_checkpoint(message) == signed
    certificate = NET[COUNTY].certificate
    assert certificate.is_signed(signed.note, signed.signature)
    for bit in range(8 * len(signed.note)):
        assert not certificate.is_signed(flipped(signed.note, bit), signed.signature)


def ledger(entries: int) -> Ledger:
    made = Ledger(NET[COUNTY])
    for number in range(entries):
        made.add(EntryKind.SENT, b"entry %d" % number)
    return made


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9])
def test_every_entry_leads_to_the_head_of_its_journal(size: int) -> None:
    journal = ledger(size)
    for index in range(size):
        journal.proof(index).require(EntryKind.SENT, b"entry %d" % index, "envelope")


@given(st.integers(1, 20), st.data())
def test_a_proof_holds_for_no_other_entry_kind_place_or_head(
    size: int, data: st.DataObject
) -> None:
    journal = ledger(size)
    index = data.draw(st.integers(0, size - 1))
    right = journal.proof(index)
    entry = b"entry %d" % index
    journal.add(EntryKind.SENT, b"one more")
    later_head = journal.head()
    other_place = data.draw(st.integers(0, 2**64 - 1).filter(lambda place: place != index))
    for proof, kind, told in (
        (right, EntryKind.RECEIVED, entry),
        (right, EntryKind.SENT, entry + b"!"),
        (Proof(other_place, right.path, right.checkpoint), EntryKind.SENT, entry),
        (Proof(index, right.path, later_head), EntryKind.SENT, entry),
        (Proof(index, (*right.path, made_from("hash")), right.checkpoint), EntryKind.SENT, entry),
    ):
        with pytest.raises(ProofInvalid) as invalid:
            proof.require(kind, told, "envelope")
        assert invalid.value.particulars == {"what": "envelope"}


def test_what_proofs_share_is_carried_once() -> None:
    journal, writer = ledger(64), EvidenceWriter()
    head = journal.head()
    proofs = [journal.proof(index, head) for index in range(64)]
    party = NET[COUNTY]
    messages = [writer.add(proof, party.chain[:-1]) for proof in proofs]
    pool = writer.to_message()
    assert len(pool.checkpoints) == 1
    assert len(pool.certificates) == len(party.chain) - 1
    hashes = {pool.hashes[at : at + 32] for at in range(0, len(pool.hashes), 32)}
    assert len(hashes) == len(pool.hashes) // 32
    assert len(pool.hashes) < 64 * 6 * 32 / 2
    reader = EvidenceReader(wire.Evidence.FromString(pool.SerializeToString()))
    assert [reader.proof(message) for message in messages] == proofs
    assert reader.certificates == list(party.chain[:-1])


def test_proofs_of_several_journals_and_heads_share_one_pool() -> None:
    writer = EvidenceWriter()
    written = []
    for address, at in ((COUNTY, NOW), (COUNTY, NOW + SECOND), (TOWNSHIP, NOW), (CITY, NOW)):
        journal = Ledger(NET[address])
        for number in range(5):
            journal.add(EntryKind.SENT, b"%s %d" % (address.encode(), number))
        proof = journal.proof(3, journal.head(at))
        written.append((writer.add(proof, NET[address].chain[:-1]), proof))
    pool = writer.to_message()
    reader = EvidenceReader(pool)
    assert [reader.proof(message) for message, _ in written] == [proof for _, proof in written]
    assert len(pool.checkpoints) == 4
    assert len(pool.certificates) == len({*NET[TOWNSHIP].chain}) - 1


@pytest.mark.parametrize(
    "proof",
    [
        wire.Proof(leaf_index=0, checkpoint=1, path=[]),
        wire.Proof(leaf_index=0, checkpoint=2**32 - 1, path=[]),
        wire.Proof(leaf_index=0, checkpoint=0, path=[3]),
        wire.Proof(leaf_index=0, checkpoint=0, path=[0, 2**32 - 1]),
        wire.Proof(leaf_index=0, checkpoint=0, path=[0] * (PATH_LENGTH_MAX + 1)),
    ],
)
def test_a_proof_that_refers_to_what_is_not_in_the_pool_is_malformed(proof: wire.Proof) -> None:
    journal, writer = ledger(8), EvidenceWriter()
    whole = writer.add(journal.proof(0), [])
    reader = EvidenceReader(writer.to_message())
    assert reader.proof(whole) == journal.proof(0)
    with pytest.raises(MessageMalformed):
        reader.proof(proof)


def test_hashes_that_are_cut_short_are_malformed() -> None:
    with pytest.raises(MessageMalformed) as malformed:
        EvidenceReader(wire.Evidence(hashes=bytes(33)))
    assert malformed.value.where == "evidence.hashes"


def test_a_pool_that_is_too_large_is_refused_before_it_is_read() -> None:
    for pool in (
        wire.Evidence(checkpoints=[wire.SignedCheckpoint()] * (CHECKPOINTS_MAX + 1)),
        wire.Evidence(certificates=[wire_certificate.Certificate()] * (CERTIFICATES_MAX + 1)),
    ):
        with pytest.raises(MessageMalformed) as malformed:
            EvidenceReader(pool)
        assert malformed.value.where == "evidence"


def test_a_pool_at_its_bounds_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "CHECKPOINTS_MAX", 2)
    monkeypatch.setattr(evidence, "CERTIFICATES_MAX", 2)
    head = ledger(1).head().to_message()
    certificate = NET[COUNTY].certificate.to_message()
    EvidenceReader(wire.Evidence(checkpoints=[head] * 2, certificates=[certificate] * 2))
    for pool in (
        wire.Evidence(checkpoints=[head] * 3),
        wire.Evidence(certificates=[certificate] * 3),
    ):
        with pytest.raises(MessageMalformed):
            EvidenceReader(pool)


def test_a_path_at_its_bound_is_read() -> None:
    writer = EvidenceWriter()
    writer.add(ledger(2).proof(0), [])
    reader = EvidenceReader(writer.to_message())
    longest = wire.Proof(leaf_index=0, checkpoint=0, path=[0] * PATH_LENGTH_MAX)
    assert len(reader.proof(longest).path) == PATH_LENGTH_MAX


@given(st.binary(max_size=100))
def test_a_pool_with_a_checkpoint_or_certificate_that_is_none_is_refused(raw: bytes) -> None:
    for pool in (
        wire.Evidence(checkpoints=[wire.SignedCheckpoint(note=raw)]),
        wire.Evidence(certificates=[wire_certificate.Certificate(body=raw)]),
    ):
        with pytest.raises(Problem):
            EvidenceReader(pool)
