"""A message is counted before it is read: what would take more memory than it is worth is never made."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from hallnet.codec import FIELDS_MAX, MessageMalformed, parse
from hallnet.codec.frugal import after_field, bytes_field, field_of
from hallnet.wire.exchange.v1 import case_bundle_pb2 as wire_bundle
from hallnet.wire.exchange.v1 import envelope_pb2 as wire_envelope
from hallnet.wire.exchange.v1 import link_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

PROTO = Path(__file__).parents[2] / "proto"
BYTES = 8 * 1024 * 1024
"""As much as a message server lets through."""
MEMORY_MAX = 4 * BYTES
"""Of the process for the message and what is made of it; without counting some take 300 MB."""


def length_of(data: bytes) -> bytes:
    number, found = len(data), b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + length_of(data) + data


def many(number: int) -> bytes:
    """A list of nothing but empty elements."""
    return field(number, b"") * (BYTES // 2)


HUNGRY: dict[str, tuple[type[Message], bytes]] = {
    "a batch of empty parcels": (wire.Batch, many(2)),
    "a parcel that was passed on by nobody very often": (wire.Batch, field(2, many(3))),
    "evidence of empty checkpoints": (wire.Batch, field(3, many(2))),
    "evidence of empty certificates": (wire.Batch, field(3, many(3))),
    "a checkpoint of empty cosignatures": (wire.Batch, field(3, field(2, many(4)))),
    "a parcel with a path of numbers": (
        wire.Batch,
        field(2, field(1, field(3, field(3, bytes(BYTES))))),
    ),
    "a parcel whose envelope comes very often": (wire.Batch, field(2, many(1))),
    "a batch of groups": (wire.Batch, b"\x7b\x7c" * (BYTES // 2)),
    "a batch of groups in groups": (wire.Batch, b"\x7b" * (BYTES // 2) + b"\x7c" * (BYTES // 2)),
    "a reply of empty answers": (wire.BatchReply, many(2)),
    "a reply of empty receipts": (wire.BatchReply, many(6)),
    "a hello with an endless consistency path": (wire.Hello, many(11)),
    "a hello of empty suites": (wire.Hello, field(3, bytes(BYTES))),
    "a bundle of empty exhibits": (wire_bundle.CaseBundle, many(2)),
    "a bundle of empty exhibits, in its seal": (wire_bundle.SignedCaseBundle, field(1, many(2))),
}
READ = """
import resource, sys
from hallnet.codec import MessageMalformed, parse
from hallnet.trust.bundle import FIELDS_MAX
from hallnet.wire.exchange.v1 import case_bundle_pb2, link_pb2
data = sys.stdin.buffer.read()
kind = getattr(link_pb2, sys.argv[1], None) or getattr(case_bundle_pb2, sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    message = parse(kind, data)
    message = message.bundle and parse(case_bundle_pb2.CaseBundle, message.bundle)
except (AttributeError, MessageMalformed):
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.parametrize("what", HUNGRY)
def test_no_message_takes_much_more_memory_than_its_bytes(what: str) -> None:
    """Measured of a process of its own, for the parser keeps what it makes outside of Python."""
    kind, data = HUNGRY[what]
    reading = [sys.executable, "-c", READ, kind.DESCRIPTOR.name]
    grown = subprocess.run(reading, input=data, stdout=subprocess.PIPE, check=True).stdout
    assert int(grown) <= MEMORY_MAX


@pytest.mark.parametrize("what", [what for what in HUNGRY if "seal" not in what])
def test_what_has_too_many_fields_is_refused(what: str) -> None:
    kind, data = HUNGRY[what]
    with pytest.raises(MessageMalformed):
        parse(kind, data)


def test_as_many_fields_as_may_be_are_read_and_one_more_is_refused() -> None:
    batch = wire.Batch(parcels=[wire.Parcel() for _ in range(FIELDS_MAX)])
    # Longer than what is read without counting.
    batch.parcels[0].passed.append("x" * 100)
    del batch.parcels[-1]
    assert parse(wire.Batch, batch.SerializeToString()) == batch
    batch.parcels.add()
    with pytest.raises(MessageMalformed):
        parse(wire.Batch, batch.SerializeToString())


def test_many_bytes_in_few_fields_are_read() -> None:
    evidence = wire_trust.Evidence(hashes=bytes(BYTES))
    batch = wire.Batch(sequence=2**63, evidence=evidence)
    assert parse(wire.Batch, batch.SerializeToString()) == batch


def test_fields_of_a_later_edition_are_passed_over() -> None:
    later = b"".join(
        (
            b"\xf9\x07" + bytes(8),
            b"\xfd\x07" + bytes(4),
            b"\xf8\x07\xff\x7f",
            b"\xfa\x07" + length_of(bytes(BYTES)) + bytes(BYTES),
        )
    )
    assert parse(wire.Batch, b"\x08\x07" + later).sequence == 7


def read(data: bytes, fields_max: int = FIELDS_MAX) -> wire.Batch | str:
    """A batch, or why there is none."""
    try:
        return parse(wire.Batch, data, fields_max)
    except MessageMalformed as problem:
        return problem.particulars["detail"]


@given(st.binary(max_size=200), st.integers(1, 40))
def test_counting_changes_nothing_of_what_has_few_enough_fields(
    data: bytes, fields_max: int
) -> None:
    assert read(data, fields_max) in (read(data), f"> {fields_max}")


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_field_put_behind_a_message_is_the_one_that_the_library_writes(
    nonce: bytes, ciphertext: bytes
) -> None:
    whole = wire_envelope.SealedBody(nonce=nonce, ciphertext=ciphertext or b"x")
    begun = wire_envelope.SealedBody(nonce=nonce).SerializeToString()
    assert begun + bytes_field(3, ciphertext or b"x") == whole.SerializeToString()


@given(st.integers(1, 2**20), st.binary(max_size=300))
def test_a_field_of_bytes_is_read_as_it_was_written(number: int, data: bytes) -> None:
    field = bytes_field(number, data)
    assert after_field(field, 0) == len(field)
    assert field[field_of(field, number) :] == data


def test_no_message_of_the_contracts_contains_itself() -> None:
    """So nobody can nest deeper than the contracts say."""
    seen: list[Descriptor] = []

    def descend(kind: Descriptor, above: tuple[str, ...]) -> None:
        assert kind.full_name not in above
        seen.append(kind)
        for field in kind.fields:
            if field.message_type is not None:
                descend(field.message_type, (*above, kind.full_name))

    for contract in PROTO.rglob("*.proto"):
        name = ".".join(contract.relative_to(PROTO).with_suffix("").parts)
        for kind in importlib.import_module(
            f"{name}_pb2"
        ).DESCRIPTOR.message_types_by_name.values():
            descend(kind, ())
    assert {"Batch", "TrustBundle", "CaseEvent"} <= {kind.name for kind in seen}
