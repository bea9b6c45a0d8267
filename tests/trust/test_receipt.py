"""Receipts: a verdict stands in the journal of who gave it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.trust.builders import (
    COUNTY,
    NOW,
    SECOND,
    SUITE,
    TOWNSHIP,
    Ledger,
    acknowledge,
    flipped,
    letter,
    network,
    post,
    receipt_body,
)

from hallnet.codec import MessageMalformed
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import ProofInvalid
from hallnet.trust.receipt import RECEIPT, ReceiptBody, ReceiptForm, Verdict
from hallnet.trust.suite import Suite
from hallnet.wire.exchange.v1 import envelope_pb2 as wire

NET = network()
SENDER, RECIPIENT = NET[TOWNSHIP], NET[COUNTY]
LETTER = letter(SENDER, RECIPIENT)
ENVELOPE = post(Ledger(SENDER), RECIPIENT, LETTER)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_names_the_envelope_and_stands_in_the_journal_of_its_issuer(
    verdict: Verdict,
) -> None:
    journal = Ledger(RECIPIENT)
    journal.add(EntryKind.SENT, b"something else")
    body = receipt_body(ENVELOPE, LETTER, RECIPIENT, verdict, "REASON")
    receipt = acknowledge(journal, body)
    assert RECEIPT.from_bytes(receipt.body) == body
    assert body.header_digest == SUITE.digest(ENVELOPE.header)
    receipt.proof.require(EntryKind.RECEIVED, receipt.body, "receipt")
    assert receipt.proof.checkpoint.checkpoint.address == RECIPIENT.address


def test_no_bit_of_a_verdict_can_be_changed() -> None:
    receipt = acknowledge(Ledger(RECIPIENT), receipt_body(ENVELOPE, LETTER, RECIPIENT))
    for bit in range(8 * len(receipt.body)):
        with pytest.raises(ProofInvalid):
            receipt.proof.require(EntryKind.RECEIVED, flipped(receipt.body, bit), "receipt")


def test_what_was_only_passed_on_is_no_verdict() -> None:
    """A leaf says of which kind it is: the same bytes, journalled as relayed, prove no receipt."""
    journal = Ledger(RECIPIENT)
    raw = RECEIPT.to_bytes(receipt_body(ENVELOPE, LETTER, RECIPIENT))
    proof = journal.proof(journal.add(EntryKind.RELAYED, raw))
    with pytest.raises(ProofInvalid):
        proof.require(EntryKind.RECEIVED, raw, "receipt")


def test_a_receipt_without_a_verdict_is_malformed() -> None:
    message = RECEIPT.to_message(receipt_body(ENVELOPE, LETTER, RECIPIENT))
    message.verdict = wire.VERDICT_UNSPECIFIED
    with pytest.raises(MessageMalformed) as malformed:
        RECEIPT.from_message(message)
    assert malformed.value.where == "verdict"


def test_two_verdicts_over_one_envelope_are_two_entries() -> None:
    """Both stand in the journal: who says two things at once has proved it against itself."""
    journal = Ledger(RECIPIENT)
    yes = receipt_body(ENVELOPE, LETTER, RECIPIENT)
    no = replace(yes, verdict=Verdict.REFUSED, reason="NO", at=NOW + 2 * SECOND)
    first, second = acknowledge(journal, yes), acknowledge(journal, no)
    assert (first.proof.leaf_index, second.proof.leaf_index) == (0, 1)
    for receipt in (first, second):
        receipt.proof.require(EntryKind.RECEIVED, receipt.body, "receipt")


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_of_a_form_is_the_one_that_the_codec_makes_and_reads(
    suite: Suite, verdict: Verdict
) -> None:
    body = replace(receipt_body(ENVELOPE, LETTER, RECIPIENT, verdict, "TOO_LARGE"), suite=suite)
    form = ReceiptForm(body, RECEIPT.to_bytes(body))
    assert form.is_regular
    other = replace(body, envelope_id=bytes(range(16)), header_digest=bytes(range(200, 232)))
    made, raw = form.make(other.envelope_id, other.header_digest)
    assert (made, raw) == (other, RECEIPT.to_bytes(other))
    assert ReceiptForm.name_of(raw) == ReceiptForm.name_of(form.raw)
    assert form.read(raw) == RECEIPT.from_bytes(raw) == other


def test_whatever_bears_the_name_of_a_form_is_read_as_the_codec_reads_it() -> None:
    """Every bit of a verdict belongs to the name of its form, to the envelope, or to the digest."""
    body = receipt_body(ENVELOPE, LETTER, RECIPIENT)
    form = ReceiptForm(body, RECEIPT.to_bytes(body))
    of_form = 0
    for bit in range(8 * len(form.raw)):
        raw = flipped(form.raw, bit)
        if ReceiptForm.name_of(raw) == ReceiptForm.name_of(form.raw):
            of_form += 1
            assert form.read(raw) == RECEIPT.from_bytes(raw) != body
    assert of_form == 8 * (16 + 32)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_body_with_an_odd_envelope_is_no_example(length: int) -> None:
    odd: ReceiptBody = replace(receipt_body(ENVELOPE, LETTER, RECIPIENT), envelope_id=b"i" * length)
    assert not ReceiptForm(odd, RECEIPT.to_bytes(odd)).is_regular
