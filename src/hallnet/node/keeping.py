"""A root with several keepers: files that go from one keeper to the next on a machine that is on no network.

Of a keeper:   keeper.key   her private key, sealed by her own passphrase; it is on no other medium
               keeper.pub   the public part, for who makes the root
Of a draft:    NAME.draft   what is to be stated, with the signatures so far; NAME is what becomes of it
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from google.protobuf.message import DecodeError

from hallnet.codec import MessageMalformed
from hallnet.node.files import write_whole
from hallnet.node.rootkeys import (
    KEEPER_KEY,
    ROOT_CERTIFICATE,
    RootExists,
    RootUnreadable,
    opened_key,
    require_long,
    require_no_root,
    root_body,
    spoken,
    spoken_key,
    write_key,
    write_root,
)
from hallnet.trust.certificate import Certificate, read_certificate
from hallnet.trust.drafts import (
    Draft,
    DraftKind,
    draft_root,
    finished_hall,
    finished_revocation,
    finished_root,
    finished_succession,
    read_draft,
    signed,
    write_draft,
)
from hallnet.trust.revocation import RevocationBody, read_revocation
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire
from hallnet.wire.trust.v1 import keeper_pb2 as wire_keeper

DRAFT_SUFFIX = ".draft"
KEEPER_PUBLIC = "keeper.pub"
NAME_LENGTH_MAX = 100
DRAFT_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Keeper:
    """The public part of a keeper's key, and who keeps it."""

    suite: Suite
    signing_key: bytes
    name: str


def create_keeper(
    folder: Path, name: str, passphrase: str | None, suite_number: int = Suite.ED25519
) -> Keeper:
    """Make the key of one keeper; raises RootExists, PassphraseTooShort or SuiteUnsupported."""
    require_long(passphrase)
    if (folder / KEEPER_KEY).exists():
        raise RootExists(str(folder), folder=folder)
    suite = algorithms(suite_number)
    key = suite.new_signing_key()
    folder.mkdir(parents=True, exist_ok=True)
    write_key(folder / KEEPER_KEY, key, passphrase)
    keeper = Keeper(suite.suite, suite.signing_public(key), name[:NAME_LENGTH_MAX])
    public = wire_keeper.Keeper(
        suite=int(keeper.suite),  # type: ignore[arg-type]
        signing_key=keeper.signing_key,
        name=keeper.name,
    )
    (folder / KEEPER_PUBLIC).write_bytes(public.SerializeToString())
    return keeper


def read_keeper(path: Path) -> Keeper:
    """A keeper.pub; raises RootUnreadable."""
    try:
        message = wire_keeper.Keeper.FromString(path.read_bytes())
        found = Keeper(Suite(message.suite), message.signing_key, message.name)
    except (OSError, DecodeError, ValueError) as error:
        raise RootUnreadable(str(path), path=path) from error
    if not found.signing_key or not found.name.isprintable():
        raise RootUnreadable(str(path), path=path)
    return found


def begin_root(
    folder: Path,
    division: str,
    name: str,
    keepers: Sequence[Keeper],
    threshold: int,
    now: datetime,
    allowed: Collection[int] = (),
) -> Path:
    """Write the draft of a root that all keepers have to sign; raises RootExists or MessageMalformed."""
    require_no_root(folder)
    suites = {keeper.suite for keeper in keepers}
    if len(suites) != 1:
        raise MessageMalformed("keepers", message="Keeper", detail="suite")
    body = replace(
        root_body(division, name, suites.pop(), allowed, now),
        keepers=tuple(keeper.signing_key for keeper in keepers),
        threshold=threshold,
    )
    folder.mkdir(parents=True, exist_ok=True)
    return put_draft(folder / ROOT_CERTIFICATE, draft_root(body))


def put_draft(out: Path, draft: Draft) -> Path:
    """Write a draft beside the file that is to become of it."""
    path = out.with_name(out.name + DRAFT_SUFFIX)
    write_whole(path, write_draft(draft))
    return path


def open_draft(path: Path) -> Draft:
    """A draft in its file, checked; raises RootUnreadable or what is wrong with it."""
    try:
        if path.stat().st_size > DRAFT_BYTES_MAX:
            raise RootUnreadable(str(path), path=path)
        return read_draft(path.read_bytes())
    except OSError as error:
        raise RootUnreadable(str(path), path=path) from error


def sign_draft(path: Path, folder: Path, passphrase: str) -> tuple[Draft, Path | None]:
    """Sign a draft with the key in a folder. If it was the last signature, make what the draft is for.

    Returns the draft as it is now, and the file that it became if it is finished. Raises NotAKeeper,
    RootUnreadable, PassphraseWrong, RootExists or what is wrong with the draft.
    """
    draft = signed(open_draft(path), opened_key(folder, passphrase))
    write_whole(path, write_draft(draft))
    return draft, _finish(path, draft) if draft.is_finished else None


def _finish(path: Path, draft: Draft) -> Path:
    out = path.with_name(path.name.removesuffix(DRAFT_SUFFIX))
    if out == path:
        out = path.with_name(f"{path.name}.signed")
    match draft.kind:
        case DraftKind.ROOT:
            require_no_root(path.parent)
            write_root(path.parent, finished_root(draft))
            return path.parent / ROOT_CERTIFICATE
        case DraftKind.HALL:
            write_whole(out, finished_hall(draft).SerializeToString())
        case DraftKind.SUCCESSION:
            write_whole(out, finished_succession(draft).message.SerializeToString())
        case DraftKind.REVOCATION:
            write_whole(out, finished_revocation(draft).to_message().SerializeToString())
    return out


def described(draft: Draft) -> list[str]:
    """What a keeper is about to sign, for her to read, in Chinese and English."""
    governs = draft.root.body.subject or "全国 the whole country"
    lines = [f"根 root           {draft.root.body.name}（{governs}）"]
    match draft.kind:
        case DraftKind.ROOT:
            lines += [
                f"设立根 new root    {draft.wanted} 位保管人，{draft.root.body.threshold} 人签名有效 "
                f"{draft.wanted} keepers, {draft.root.body.threshold} have to sign",
                *(
                    f"  {place + 1}. {spoken_key(key)}"
                    for place, key in enumerate(draft.root.body.keepers)
                ),
            ]
        case DraftKind.HALL:
            hall = read_certificate(wire.Certificate(body=draft.body)).body
            lines += [
                f"认证大厅 certify   {hall.subject} {hall.name}，至 until {hall.not_after:%F}",
                f"  {spoken_key(hall.signing_key)}",
            ]
        case DraftKind.SUCCESSION:
            assert draft.successor is not None
            stated = wire.RootSuccessionBody.FromString(draft.body)
            ends = (
                f"旧根终止，保留其所签 {len(stated.kept)} 项 "
                f"the old root ends, {len(stated.kept)} of what it signed stay"
                if stated.predecessor_ends
                else "旧根继续有效 the old root stays in force"
            )
            lines += [f"接任根 successor   {_named(draft.successor)}", f"  {ends}"]
        case DraftKind.REVOCATION:
            body = _revocation_in(draft)
            lines += [
                f"吊销证书 revoke    {body.subject} {body.certificate_id.hex()[:16]}，"
                f"自 from {body.revoked_at:%F %T}：{body.reason}"
            ]
    lines.append(f"签名 signed        {_count(draft)}")
    return lines


def _revocation_in(draft: Draft) -> RevocationBody:
    """What a draft of a revocation says."""
    return read_revocation(wire.Revocation(body=draft.body)).body


def _named(root: Certificate) -> str:
    return f"{root.body.name}  {spoken(root)}"


def _count(draft: Draft) -> str:
    own = f"{len(draft.signatures)}/{draft.wanted}"
    if draft.successor is None:
        return own
    return f"{own} + {len(draft.successor_signatures or ())}/{draft.wanted_of_successor}"
