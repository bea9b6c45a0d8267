"""Checkpoints and proofs: that an entry stands in a journal, and the pool in which proofs travel."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hallnet.codec import Codec, MessageMalformed
from hallnet.places import Address
from hallnet.places.problems import AddressMalformed
from hallnet.trust import merkle
from hallnet.trust.certificate import Certificate, read_certificate
from hallnet.trust.journal import EntryKind, entry_leaf
from hallnet.trust.problems import ProofInvalid
from hallnet.trust.suite import DIGEST_BYTES, Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import journal_pb2 as wire

PATH_LENGTH_MAX = 64
CERTIFICATES_MAX = 4096
CHECKPOINTS_MAX = 4096
COSIGNATURES_MAX = 8
COUNT_MAX = 2**63 - 1
"""Of the size and the number of a journal: what a database can hold."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Size and root of a journal at a moment. `number` counts the journals of a node.

    `suite` is that of the journal's hashes: a journal keeps it, whatever keys its node has later.
    """

    address: Address
    number: int
    size: int
    root: bytes
    at: datetime
    suite: Suite = Suite.ED25519

    def note(self) -> bytes:
        """The text that is signed (C2SP tlog-checkpoint)."""
        lines: tuple[str, ...] = (
            f"hallnet/{self.address}/{self.number}",
            str(self.size),
            base64.b64encode(self.root).decode(),
            f"time {self.at.astimezone(UTC).isoformat(timespec='microseconds')}",
        )
        if self.suite is not Suite.ED25519:
            lines += (f"suite {int(self.suite)}",)
        return "".join(line + "\n" for line in lines).encode()

    @classmethod
    def from_note(cls, note: bytes) -> Checkpoint:
        """Read the text; raises MessageMalformed unless it is exactly as `note` writes it."""
        try:
            origin, size, root, time, *more = note.decode().splitlines()
            mark, address, number = origin.split("/")
            if mark != "hallnet":
                raise ValueError("origin")
            found = cls(
                Address.parse(address),
                int(number),
                int(size),
                base64.b64decode(root, validate=True),
                datetime.fromisoformat(time.removeprefix("time ")),
                _suite(more),
            )
            if (
                found.at.tzinfo is None
                or not 0 <= found.number <= COUNT_MAX
                or not 0 <= found.size <= COUNT_MAX
                or len(found.root) != DIGEST_BYTES
                or found.note() != note
            ):
                raise ValueError("form")
        except (ValueError, OverflowError, AddressMalformed) as error:
            raise MessageMalformed(
                "checkpoint.note", message="Checkpoint", detail="note"
            ) from error
        return found


def _suite(lines: Sequence[str]) -> Suite:
    """The suite of a journal from the lines that come last; raises ValueError."""
    if not lines:
        return Suite.ED25519
    (line,) = lines
    return Suite(int(line.removeprefix("suite ")))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's statement that it saw a checkpoint, and that it goes on from those before."""

    certificate_id: bytes
    seen_at: datetime
    signature: bytes


_COSIGNATURE: Codec[Cosignature] = Codec(Cosignature, wire.Cosignature)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as its node signed it, and as others witnessed it."""

    checkpoint: Checkpoint
    note: bytes
    signature: bytes
    certificate_id: bytes
    cosignatures: tuple[Cosignature, ...] = ()

    def to_message(self) -> wire.SignedCheckpoint:
        return wire.SignedCheckpoint(
            note=self.note,
            signature=self.signature,
            certificate_id=self.certificate_id,
            cosignatures=[_COSIGNATURE.to_message(item) for item in self.cosignatures],
        )


def sign_checkpoint(
    checkpoint: Checkpoint, certificate: Certificate, private_key: bytes
) -> SignedCheckpoint:
    note = checkpoint.note()
    signature = algorithms(certificate.body.suite).sign(private_key, note)
    return SignedCheckpoint(checkpoint, note, signature, certificate.id)


def read_checkpoint(message: wire.SignedCheckpoint) -> SignedCheckpoint:
    """Read without verifying; raises MessageMalformed."""
    if len(message.cosignatures) > COSIGNATURES_MAX:
        raise MessageMalformed(
            "checkpoint.cosignatures", message="SignedCheckpoint", detail="cosignatures"
        )
    return SignedCheckpoint(
        Checkpoint.from_note(message.note),
        message.note,
        message.signature,
        message.certificate_id,
        tuple(_COSIGNATURE.from_message(item) for item in message.cosignatures),
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """The place of an entry in a journal, and the path from it to the root of a checkpoint."""

    leaf_index: int
    path: tuple[bytes, ...]
    checkpoint: SignedCheckpoint

    def require(self, kind: EntryKind, data: bytes, what: str) -> None:
        """Check that the entry leads to the root of the checkpoint; raises ProofInvalid.

        The signature of the checkpoint is checked where the signer is known.
        """
        head = self.checkpoint.checkpoint
        digest = algorithms(head.suite).digest
        leaf = entry_leaf(digest, kind, data)
        found = merkle.root_of_path(digest, leaf, self.leaf_index, head.size, self.path)
        if found != head.root:
            raise ProofInvalid("proof", what=what)


@dataclass(frozen=True, slots=True)
class RunProof:
    """The place of entries in a row in a journal, and what leads from all of them to the root of a checkpoint."""

    start: int
    """Number of the first of them."""
    beside: tuple[bytes, ...]
    """As `merkle.run_path` has it."""
    checkpoint: SignedCheckpoint

    def is_led_to_by(self, leaves: Sequence[bytes]) -> bool:
        """Whether these are the leaf hashes of the entries.

        The signature of the checkpoint is checked where the signer is known.
        """
        head = self.checkpoint.checkpoint
        digest = algorithms(head.suite).digest
        found = merkle.root_of_run(digest, leaves, self.start, head.size, self.beside)
        return found == head.root

    def proof(self, leaves: Sequence[bytes], leaf_index: int) -> Proof:
        """The proof of one of the entries alone; raises ValueError if the leaves are not theirs."""
        head = self.checkpoint.checkpoint
        digest = algorithms(head.suite).digest
        path = merkle.path_in_run(digest, leaves, self.start, head.size, self.beside, leaf_index)
        return Proof(leaf_index, tuple(path), self.checkpoint)


class EvidenceWriter:
    """Collects what proofs share, each piece once, and writes the Evidence of a message."""

    def __init__(self) -> None:
        self._hashes: dict[bytes, int] = {}
        self._checkpoints: dict[bytes, tuple[int, SignedCheckpoint]] = {}
        self._certificates: dict[bytes, Certificate] = {}

    def add(self, proof: Proof, chain: Iterable[Certificate]) -> wire.Proof:
        """The proof in the form that refers to the Evidence; `chain` as for `write`."""
        message = wire.Proof()
        self.write(message, proof, chain)
        return message

    def write(self, message: wire.Proof, proof: Proof, chain: Iterable[Certificate]) -> None:
        """Write the proof into a message that is empty.

        `chain` is the signer of the checkpoint and who stands above it; it is looked at only for a
        checkpoint that is new here.
        """
        hashes = self._hashes
        message.leaf_index = proof.leaf_index
        message.checkpoint = self._number_of(proof.checkpoint, chain)
        message.path.extend([hashes.setdefault(value, len(hashes)) for value in proof.path])

    def write_run(
        self, message: wire.RunProof, proof: RunProof, chain: Iterable[Certificate]
    ) -> None:
        """Write the proof of a run into a message that is empty; `chain` as for `write`."""
        hashes = self._hashes
        message.start = proof.start
        message.checkpoint = self._number_of(proof.checkpoint, chain)
        message.beside.extend([hashes.setdefault(value, len(hashes)) for value in proof.beside])

    def _number_of(self, signed: SignedCheckpoint, chain: Iterable[Certificate]) -> int:
        known = self._checkpoints.get(signed.note)
        if known is None:
            known = self._checkpoints[signed.note] = len(self._checkpoints), signed
            for certificate in chain:
                self._certificates.setdefault(certificate.id, certificate)
        return known[0]

    def to_message(self) -> wire.Evidence:
        return wire.Evidence(
            hashes=b"".join(self._hashes),
            checkpoints=[signed.to_message() for _, signed in self._checkpoints.values()],
            certificates=[item.to_message() for item in self._certificates.values()],
        )


class EvidenceReader:
    """Resolves the proofs of a message. Reading raises MessageMalformed; nothing is verified."""

    def __init__(self, message: wire.Evidence) -> None:
        if (
            len(message.certificates) > CERTIFICATES_MAX
            or len(message.checkpoints) > CHECKPOINTS_MAX
        ):
            raise MessageMalformed("evidence", message="Evidence", detail="size")
        if len(message.hashes) % DIGEST_BYTES:
            raise MessageMalformed("evidence.hashes", message="Evidence", detail="hashes")
        self._hashes = [
            message.hashes[at : at + DIGEST_BYTES]
            for at in range(0, len(message.hashes), DIGEST_BYTES)
        ]
        self.checkpoints: Sequence[SignedCheckpoint] = [
            read_checkpoint(item) for item in message.checkpoints
        ]
        self.certificates: Sequence[Certificate] = [
            read_certificate(item) for item in message.certificates
        ]

    def proof(self, message: wire.Proof) -> Proof:
        if len(message.path) > PATH_LENGTH_MAX:
            raise MessageMalformed("proof.path", message="Proof", detail="path")
        try:
            return Proof(
                message.leaf_index,
                tuple(self._hashes[index] for index in message.path),
                self.checkpoints[message.checkpoint],
            )
        except IndexError as error:
            raise MessageMalformed("proof", message="Proof", detail="index") from error

    def run_proof(self, message: wire.RunProof) -> RunProof:
        if len(message.beside) > 2 * PATH_LENGTH_MAX or message.start > COUNT_MAX:
            raise MessageMalformed("proof.beside", message="RunProof", detail="beside")
        try:
            return RunProof(
                message.start,
                tuple(self._hashes[index] for index in message.beside),
                self.checkpoints[message.checkpoint],
            )
        except IndexError as error:
            raise MessageMalformed("proof", message="RunProof", detail="index") from error
