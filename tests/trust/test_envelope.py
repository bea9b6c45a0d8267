"""Envelopes: what is open names no person, what is closed is opened by the recipient alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import (
    COUNTY,
    NOW,
    OTHER_COUNTY,
    SUITE,
    TOWNSHIP,
    Ledger,
    flipped,
    key_for,
    letter,
    made_from,
    network,
    post,
)

from hallnet.codec import MessageMalformed
from hallnet.places import Address
from hallnet.places.problems import AddressMalformed
from hallnet.problems import Problem
from hallnet.trust.envelope import (
    NAME_LENGTH_MAX,
    Content,
    Header,
    Urgency,
    commitment,
    open_body,
    read_header,
    require_committed,
    require_whole,
    seal,
)
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import BodyDamaged, ContentNotAsCommitted, SuiteUnsupported
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import envelope_pb2 as wire

NET = network()
SENDER, RECIPIENT = NET[TOWNSHIP], NET[OTHER_COUNTY]
SALT, NONCE = made_from("salt"), made_from("nonce", 12)
PAYLOAD = "申请人：章三，身份证号 11010519491231002X".encode()
LETTER = letter(SENDER, RECIPIENT, PAYLOAD)
SEALED = seal(LETTER, key_for(RECIPIENT), SALT, NONCE)
HEADER = read_header(SEALED.header)


def opened(header: Header, sealed_body: bytes, private_key: bytes) -> Content:
    """An envelope, opened with the private key of its recipient."""
    suite = algorithms(header.suite)
    return open_body(header, sealed_body, lambda sealed: suite.open_key(private_key, sealed))


def test_the_recipient_reads_what_was_sent() -> None:
    content = opened(HEADER, SEALED.body, RECIPIENT.sealing_key)
    assert content == Content(SALT, PAYLOAD)


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_whatever_is_sealed_is_opened(payload: bytes, attached: bytes) -> None:
    sealed = seal(
        replace(LETTER, payload=payload, attached=attached), key_for(RECIPIENT), SALT, NONCE
    )
    header = read_header(sealed.header)
    require_whole(header, sealed.body)
    content = opened(header, sealed.body, RECIPIENT.sealing_key)
    assert (content.payload, content.attached) == (payload, attached)


def test_what_is_attached_is_closed_like_the_rest() -> None:
    sealed = seal(replace(LETTER, attached=PAYLOAD), key_for(RECIPIENT), SALT, NONCE)
    header = read_header(sealed.header)
    assert PAYLOAD not in sealed.body
    damaged = bytearray(sealed.body)
    damaged[-1] ^= 1
    with pytest.raises(BodyDamaged):
        require_whole(header, bytes(damaged))
    with pytest.raises(ContentNotAsCommitted):
        opened(header, bytes(damaged), RECIPIENT.sealing_key)


def test_the_header_says_what_the_halls_between_may_know() -> None:
    assert (
        Header(
            suite=Suite.ED25519,
            envelope_id=LETTER.envelope_id,
            sender=Address(TOWNSHIP),
            recipient=Address(OTHER_COUNTY),
            kind="case.events",
            subject="case-1",
            urgency=Urgency.ORDINARY,
            sent_at=NOW,
            expires_at=NOW + timedelta(days=60),
            hop_limit=16,
            sealed_digest=SUITE.digest(SEALED.body),
            sealed_size=len(SEALED.body),
            content_commitment=SUITE.digest(SALT + PAYLOAD),
            recipient_certificate_id=RECIPIENT.certificate.id,
            traceparent="",
        )
        == HEADER
    )


def test_nothing_of_the_content_is_to_be_read_on_the_way() -> None:
    for secret in (PAYLOAD, "章三".encode(), b"11010519491231002X", SALT):
        assert secret not in SEALED.header
        assert secret not in SEALED.body


def test_the_same_content_under_another_salt_has_another_commitment() -> None:
    """Nobody on the way can find out a content by guessing it."""
    assert commitment(1, SALT, PAYLOAD) != commitment(1, made_from("other"), PAYLOAD)


@pytest.mark.parametrize("other", [TOWNSHIP, COUNTY])
def test_nobody_else_opens_it(other: str) -> None:
    with pytest.raises(ContentNotAsCommitted):
        opened(HEADER, SEALED.body, NET[other].sealing_key)


def test_envelopes_of_a_batch_share_the_sealed_key_and_nothing_else() -> None:
    key = key_for(RECIPIENT)
    bodies = [
        wire.SealedBody.FromString(
            seal(replace(LETTER, payload=b"%d" % n), key, SALT, made_from(f"nonce {n}", 12)).body
        )
        for n in range(3)
    ]
    assert len({body.sealed_key for body in bodies}) == 1
    assert len({body.ciphertext for body in bodies}) == 3
    assert len({body.nonce for body in bodies}) == 3


def test_any_damage_to_the_body_shows_without_opening_it() -> None:
    require_whole(HEADER, SEALED.body)
    for bit in range(8 * len(SEALED.body)):
        with pytest.raises(BodyDamaged):
            require_whole(HEADER, flipped(SEALED.body, bit))
    for cut in range(len(SEALED.body)):
        with pytest.raises(BodyDamaged):
            require_whole(HEADER, SEALED.body[:cut])
    with pytest.raises(BodyDamaged):
        require_whole(HEADER, SEALED.body + b"\x00")


def test_a_header_that_lies_about_the_size_of_its_body_is_found_out() -> None:
    """By the size, bounds are checked before memory is spent."""
    for size in (0, len(SEALED.body) - 1, len(SEALED.body) + 1, 2**64 - 1):
        with pytest.raises(BodyDamaged):
            require_whole(replace(HEADER, sealed_size=size), SEALED.body)


def test_a_damaged_body_is_not_opened() -> None:
    for bit in range(8 * len(SEALED.body)):
        damaged = flipped(SEALED.body, bit)
        with pytest.raises(ContentNotAsCommitted):
            opened(HEADER, damaged, RECIPIENT.sealing_key)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_body_are_not_opened(body: bytes) -> None:
    with pytest.raises(ContentNotAsCommitted):
        opened(HEADER, body, RECIPIENT.sealing_key)


SWAPS: dict[str, Callable[[Header], Header]] = {
    "envelope_id": lambda header: replace(header, envelope_id=made_from("other", 16)),
    "sender": lambda header: replace(header, sender=Address(COUNTY)),
    "recipient": lambda header: replace(header, recipient=Address(COUNTY)),
    "content_commitment": lambda header: replace(
        header, content_commitment=commitment(1, SALT, b"another content")
    ),
}


@pytest.mark.parametrize("field", SWAPS)
def test_a_body_under_a_header_with_another_name_on_it_is_not_opened(field: str) -> None:
    """Who for whom, which envelope and which content are bound into the seal."""
    with pytest.raises(ContentNotAsCommitted):
        opened(SWAPS[field](HEADER), SEALED.body, RECIPIENT.sealing_key)


def test_a_body_is_not_opened_with_sender_and_recipient_exchanged() -> None:
    swapped = replace(HEADER, sender=HEADER.recipient, recipient=HEADER.sender)
    with pytest.raises(ContentNotAsCommitted):
        opened(swapped, SEALED.body, RECIPIENT.sealing_key)


def test_no_other_content_fits_the_commitment() -> None:
    """Neither of them can show a court another content than the one that was sent."""
    require_committed(HEADER, Content(SALT, PAYLOAD))
    for other in (Content(SALT, b"another content"), Content(made_from("other salt"), PAYLOAD)):
        with pytest.raises(ContentNotAsCommitted):
            require_committed(HEADER, other)


def associated(header: Header) -> bytes:
    """As the contract says: each part preceded by its length as four bytes, big endian."""
    parts = (
        header.envelope_id,
        str(header.sender).encode(),
        str(header.recipient).encode(),
        header.content_commitment,
    )
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def sealed_by_hand(header: Header, content: Content) -> bytes:
    key = key_for(RECIPIENT)
    plain = wire.Content(salt=content.salt, payload=content.payload).SerializeToString()
    ciphertext = SUITE.encrypt(key.plain, NONCE, plain, associated(header))
    return wire.SealedBody(
        sealed_key=key.sealed, nonce=NONCE, ciphertext=ciphertext
    ).SerializeToString()


def test_a_body_that_another_program_sealed_by_the_contract_is_opened() -> None:
    by_hand = sealed_by_hand(HEADER, Content(SALT, PAYLOAD))
    assert opened(HEADER, by_hand, RECIPIENT.sealing_key) == Content(SALT, PAYLOAD)


def test_a_sender_that_commits_to_one_content_and_seals_another_is_found_out() -> None:
    for lie in (Content(SALT, b"another content"), Content(made_from("other"), PAYLOAD)):
        with pytest.raises(ContentNotAsCommitted):
            opened(HEADER, sealed_by_hand(HEADER, lie), RECIPIENT.sealing_key)


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_an_envelope_is_named_by_sixteen_bytes(length: int) -> None:
    sealed = seal(replace(LETTER, envelope_id=bytes(length)), key_for(RECIPIENT), SALT, NONCE)
    with pytest.raises(MessageMalformed) as malformed:
        read_header(sealed.header)
    assert malformed.value.where == "header.envelope_id"


def header_with(change: Callable[[wire.Header], object]) -> bytes:
    message = wire.Header.FromString(SEALED.header)
    change(message)
    return message.SerializeToString()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda header: header.ClearField("suite"), MessageMalformed),
        (lambda header: header.ClearField("urgency"), MessageMalformed),
        (lambda header: header.ClearField("sent_at"), MessageMalformed),
        (lambda header: header.ClearField("expires_at"), MessageMalformed),
        (lambda header: header.ClearField("sender"), AddressMalformed),
        (lambda header: setattr(header, "recipient", "everybody"), AddressMalformed),
        (lambda header: setattr(header, "suite", 9), MessageMalformed),
    ],
)
def test_a_header_without_what_it_needs_is_malformed(
    change: Callable[[wire.Header], object], problem: type[Problem]
) -> None:
    with pytest.raises(problem):
        read_header(header_with(change))


@pytest.mark.parametrize("name", ["kind", "subject", "traceparent"])
@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("", True),
        ("a" * NAME_LENGTH_MAX, True),
        ("案" * NAME_LENGTH_MAX, True),
        ("a" * (NAME_LENGTH_MAX + 1), False),
        ("zero\x00byte", False),
        ("line\nfeed", False),
    ],
)
def test_an_open_text_is_short_and_printable(name: str, text: str, is_taken: bool) -> None:
    """One that a hall on the way cannot store would hold up all that comes with it."""
    raw = header_with(lambda header: setattr(header, name, text))
    if is_taken:
        assert getattr(read_header(raw), name) == text
    else:
        with pytest.raises(MessageMalformed) as malformed:
            read_header(raw)
        assert malformed.value.where == f"header.{name}"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_header_are_refused_with_a_problem(raw: bytes) -> None:
    with pytest.raises(Problem):
        read_header(raw)


def test_a_header_of_a_suite_that_is_not_known_is_not_judged_by_another() -> None:
    unknown = replace(HEADER, suite=99)  # type: ignore[arg-type]
    with pytest.raises(SuiteUnsupported):
        require_whole(unknown, SEALED.body)
    with pytest.raises(SuiteUnsupported):
        opened(unknown, SEALED.body, RECIPIENT.sealing_key)


def test_an_envelope_stands_in_the_journal_of_its_sender() -> None:
    envelope = post(Ledger(SENDER), RECIPIENT, LETTER)
    envelope.proof.require(EntryKind.SENT, envelope.header, "envelope")
    assert envelope.proof.checkpoint.checkpoint.address == LETTER.sender
