"""Drafts: what a root with keepers is to state goes from one keeper to the next until enough have signed.

A draft has the bytes that are signed from its beginning on; each keeper signs exactly these, and none needs
the key of another. The same serves a root with one key, which signs a succession together with keepers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from google.protobuf.message import DecodeError

from hallnet.codec import MessageMalformed
from hallnet.problems import Kind, Problem
from hallnet.trust.certificate import (
    CERTIFICATE_TEXT,
    Certificate,
    CertificateBody,
    Role,
    read_certificate,
    verify_root,
    verify_under,
    written,
)
from hallnet.trust.keepers import joined
from hallnet.trust.revocation import (
    REVOCATION_TEXT,
    Revocation,
    RevocationBody,
    read_revocation,
    verify_revocation,
)
from hallnet.trust.revocation import written as written_revocation
from hallnet.trust.succession import (
    ROOT_SUCCESSION_TEXT,
    RootSuccession,
    read_root_succession,
    written_succession,
)
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire
from hallnet.wire.trust.v1 import keeper_pb2 as wire_keeper


class DraftKind(IntEnum):
    """What a draft becomes."""

    ROOT = 1
    HALL = 2
    SUCCESSION = 3
    REVOCATION = 4


_TEXTS: Mapping[DraftKind, bytes] = {
    DraftKind.ROOT: CERTIFICATE_TEXT,
    DraftKind.HALL: CERTIFICATE_TEXT,
    DraftKind.SUCCESSION: ROOT_SUCCESSION_TEXT,
    DraftKind.REVOCATION: REVOCATION_TEXT,
}


class NotAKeeper(Problem):
    """A key that the root of a draft does not name."""

    kind = Kind.DENIED
    reason = "NOT_A_KEEPER"
    zh = "该密钥不属于此文稿所涉根的任何一位保管人"
    zh_remedy = "请核对保管人目录与文稿；保管人以根证书所列公钥为准"
    en = "The key belongs to no keeper of the root that is to state this"
    en_remedy = "Check folder and draft: a root names its keepers by their public keys"


class DraftUnfinished(Problem):
    """Too few keepers have signed."""

    kind = Kind.CONFLICT
    reason = "DRAFT_UNFINISHED"
    zh = "签名不足：根{root}须{wanted}人签名，现有{signed}人"
    zh_remedy = "请由其他保管人继续签名：hallnet trust keeper sign"
    en = "Of the root {root} {wanted} have to sign, and {signed} did"
    en_remedy = "Have further keepers sign: hallnet trust keeper sign"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be stated and who has signed it so far: signatures by the place of the keeper."""

    kind: DraftKind
    body: bytes
    root: Certificate
    signatures: Mapping[int, bytes]
    successor: Certificate | None = None
    successor_signatures: Mapping[int, bytes] | None = None

    @property
    def text(self) -> bytes:
        """What each keeper signs."""
        return _TEXTS[self.kind] + self.body

    @property
    def wanted(self) -> int:
        """How many keepers of the root have to sign."""
        if self.kind is DraftKind.ROOT:
            return len(self.root.signing_keys)
        return self.root.body.threshold or 1

    @property
    def wanted_of_successor(self) -> int:
        """How many keepers of the root that takes over have to sign; 0 if there is none."""
        return 0 if self.successor is None else self.successor.body.threshold or 1

    @property
    def is_finished(self) -> bool:
        return (
            len(self.signatures) >= self.wanted
            and len(self.successor_signatures or ()) >= self.wanted_of_successor
        )


def draft_root(body: CertificateBody) -> Draft:
    """A root with keepers, which all of them have to sign; raises MessageMalformed."""
    root = read_certificate(wire.Certificate(body=written(body)))
    return Draft(DraftKind.ROOT, root.raw, root, {})


def draft_hall(root: Certificate, body: CertificateBody) -> Draft:
    """The certificate of the highest hall."""
    return Draft(DraftKind.HALL, written(body), root, {})


def draft_revocation(root: Certificate, body: RevocationBody) -> Draft:
    """That a certificate ends."""
    return Draft(DraftKind.REVOCATION, written_revocation(body), root, {})


def draft_succession(
    old: Certificate, new: Certificate, now: datetime, kept: Collection[bytes] | None
) -> Draft:
    """That a root takes over from another; see `written_succession`."""
    return Draft(DraftKind.SUCCESSION, written_succession(old, new, now, kept), old, {}, new, {})


def signed(draft: Draft, private_key: bytes) -> Draft:
    """The draft with the signatures of one keeper, for each root that names the key; raises NotAKeeper.

    Who has signed already changes nothing.
    """
    own = _with(draft.root, draft.signatures, draft.text, private_key)
    of_successor = None
    if draft.successor is not None:
        before = draft.successor_signatures or {}
        of_successor = _with(draft.successor, before, draft.text, private_key)
    if own is None and of_successor is None:
        raise NotAKeeper("keeper")
    return replace(
        draft,
        signatures=draft.signatures if own is None else own,
        successor_signatures=draft.successor_signatures if of_successor is None else of_successor,
    )


def _with(
    root: Certificate, signatures: Mapping[int, bytes], text: bytes, private_key: bytes
) -> Mapping[int, bytes] | None:
    keys = algorithms(root.body.suite)
    try:
        place = root.signing_keys.index(keys.signing_public(private_key))
    except ValueError:
        return None
    return (
        signatures if place in signatures else {**signatures, place: keys.sign(private_key, text)}
    )


def finished_root(draft: Draft) -> Certificate:
    """The certificate of a new root; raises DraftUnfinished or SignatureInvalid."""
    _require_finished(draft)
    signature = _signature(draft.root, draft.signatures)
    root = read_certificate(wire.Certificate(body=draft.body, signature=signature))
    verify_root(root)
    return root


def finished_hall(draft: Draft) -> wire.Welcome:
    """What the highest hall takes in; raises DraftUnfinished or a NotAuthentic problem."""
    _require_finished(draft)
    signature = _signature(draft.root, draft.signatures)
    certificate = read_certificate(wire.Certificate(body=draft.body, signature=signature))
    verify_under(certificate, draft.root)
    return wire.Welcome(chain=[certificate.to_message(), draft.root.to_message()])


def finished_revocation(draft: Draft) -> Revocation:
    """The revocation; raises DraftUnfinished or a NotAuthentic problem."""
    _require_finished(draft)
    revocation = read_revocation(
        wire.Revocation(
            body=draft.body,
            signature=_signature(draft.root, draft.signatures),
            signer_id=draft.root.id,
        )
    )
    verify_revocation(revocation, draft.root)
    return revocation


def finished_succession(draft: Draft) -> RootSuccession:
    """The statement of both roots; raises DraftUnfinished or a NotAuthentic problem."""
    _require_finished(draft)
    assert draft.successor is not None
    return read_root_succession(
        wire.RootSuccession(
            body=draft.body,
            predecessor_signature=_signature(draft.root, draft.signatures),
            successor_signature=_signature(draft.successor, draft.successor_signatures or {}),
        )
    )


def _require_finished(draft: Draft) -> None:
    counted = [(draft.root, len(draft.signatures), draft.wanted)]
    if draft.successor is not None:
        by_successor = len(draft.successor_signatures or ())
        counted.append((draft.successor, by_successor, draft.wanted_of_successor))
    for root, count, wanted in counted:
        if count < wanted:
            raise DraftUnfinished(root=root.body.name, wanted=wanted, signed=count)


def _signature(root: Certificate, signatures: Mapping[int, bytes]) -> bytes:
    return joined(signatures) if root.body.keepers else signatures[0]


def write_draft(draft: Draft) -> bytes:
    """The bytes of a draft file."""
    message = wire_keeper.RootDraft(
        kind=int(draft.kind),  # type: ignore[arg-type]
        body=draft.body,
        root=draft.root.to_message(),
        signatures=_listed(draft.signatures),
        successor_signatures=_listed(draft.successor_signatures or {}),
    )
    if draft.successor is not None:
        message.successor.CopyFrom(draft.successor.to_message())
    return message.SerializeToString(deterministic=True)


def read_draft(data: bytes) -> Draft:
    """Read a draft and check that its parts fit each other and every signature holds.

    So what a keeper is shown is what she signs. Raises MessageMalformed, or what is wrong with a part.
    """
    try:
        message = wire_keeper.RootDraft.FromString(data)
        kind = DraftKind(message.kind)
    except (DecodeError, ValueError) as error:
        raise _malformed() from error
    root = read_certificate(message.root)
    successor = read_certificate(message.successor) if message.HasField("successor") else None
    found = Draft(
        kind,
        message.body,
        root,
        _held(message.signatures, root, _TEXTS[kind] + message.body),
        successor,
        _held(message.successor_signatures, successor, _TEXTS[kind] + message.body),
    )
    _require_consistent(found)
    return found


def _require_consistent(draft: Draft) -> None:
    root = draft.root
    if (draft.successor is not None) != (draft.kind is DraftKind.SUCCESSION):
        raise _malformed()
    if draft.kind is DraftKind.ROOT:
        if root.raw != draft.body or root.body.role is not Role.ROOT or not root.body.keepers:
            raise _malformed()
        return
    verify_root(root)
    if draft.kind is DraftKind.HALL:
        hall = read_certificate(wire.Certificate(body=draft.body))
        if hall.body.role is not Role.HALL or hall.body.issuer_id != root.id:
            raise _malformed()
    elif draft.kind is DraftKind.REVOCATION:
        read_revocation(wire.Revocation(body=draft.body))
    elif draft.successor is not None:
        verify_root(draft.successor)
        _require_of(draft.body, root, draft.successor)


def _require_of(body: bytes, root: Certificate, successor: Certificate) -> None:
    try:
        stated = wire.RootSuccessionBody.FromString(body)
    except DecodeError as error:
        raise _malformed() from error
    if (stated.predecessor, stated.successor) != (root.to_message(), successor.to_message()):
        raise _malformed()


def _held(
    listed: Collection[wire.KeeperSignature], root: Certificate | None, text: bytes
) -> dict[int, bytes]:
    """The signatures by place; raises MessageMalformed if one does not hold."""
    keys = () if root is None else root.signing_keys
    found: dict[int, bytes] = {}
    for item in listed:
        known = root is not None and item.keeper < len(keys) and item.keeper not in found
        if root is None or not known:
            raise _malformed()
        if not algorithms(root.body.suite).is_signed(keys[item.keeper], item.signature, text):
            raise _malformed()
        found[item.keeper] = item.signature
    return found


def _listed(signatures: Mapping[int, bytes]) -> list[wire.KeeperSignature]:
    return [
        wire.KeeperSignature(keeper=place, signature=signatures[place])
        for place in sorted(signatures)
    ]


def _malformed() -> MessageMalformed:
    return MessageMalformed("draft", message="RootDraft", detail="draft")
