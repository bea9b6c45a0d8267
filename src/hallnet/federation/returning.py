"""What a hall believes of what others give back to it as its own words, after it lost records.

A giver proves nothing by itself. What comes back has to stand under a head that the hall itself signed, at a
place that is lost, in the very journal whose end the neighbours showed: wherever the path to that head
passes what is still known of the journal, it has to be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from hallnet.federation.admission import ProofVerifier
from hallnet.places import Address
from hallnet.trust import merkle
from hallnet.trust.evidence import Proof
from hallnet.trust.journal import EntryKind, entry_leaf
from hallnet.trust.problems import ProofInvalid, SpeaksForAnother
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

WORDS_AWAITED_FOR = timedelta(minutes=10)
"""So long a hall that lost records waits for what it had said to others before it acts on its cases again. Who
does not answer by then is told in the report; what comes later is taken in all the same."""
WORDS_MAX = 64
"""Of one hall in one message, receipts included."""
WORDS_BYTES_MAX = 256 * 1024
"""As many bytes of bodies, unless a single one is longer."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Entries that a hall lost with its records, and what it still knows of its journal."""

    here: Address
    number: int
    suite: Suite
    places: range
    known: Callable[[int, int], bytes | None]
    """Root of the complete subtree at (level, index), None where it is not known."""
    before_number: int = 0
    """The number under which the journal went on beside what is lost; 0 if it went on behind that."""

    def require(self, proof: Proof, kind: EntryKind, data: bytes, proofs: ProofVerifier) -> None:
        """Check that the entry stood in the own journal, at a place that is lost.

        Raises SpeaksForAnother, SignatureInvalid or ProofInvalid, or as the signer is judged.
        """
        head = proof.checkpoint.checkpoint
        signer = proofs.signer(proof.checkpoint)
        if signer.address != self.here:
            raise SpeaksForAnother("word", signer=signer.body.subject, claimed=self.here)
        is_later = self.before_number and head.number >= self.before_number
        if is_later or head.number > self.number or head.suite is not self.suite:
            raise ProofInvalid("word.proof", what="journal")
        if proof.leaf_index not in self.places or head.size > self.places.stop:
            raise ProofInvalid("word.proof", what="place")
        proofs.require(proof, kind, data, "word")
        self._require_same_journal(proof, kind, data)

    def _require_same_journal(self, proof: Proof, kind: EntryKind, data: bytes) -> None:
        digest = algorithms(self.suite).digest
        size = proof.checkpoint.checkpoint.size
        leaf = entry_leaf(digest, kind, data)
        for level, index, value in merkle.subtrees_of_path(
            digest, leaf, proof.leaf_index, size, proof.path
        ):
            # Behind the beginning of a new number other entries stand at these places.
            is_shared = not self.before_number or (index + 1) << level <= self.places.start
            if is_shared and self.known(level, index) not in (None, value):
                raise ProofInvalid("word.proof", what="journal")
