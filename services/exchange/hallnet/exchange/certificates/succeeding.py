"""Changes of divisions and of roots: stated here, told to the top of the tree, believed everywhere."""

from __future__ import annotations

from datetime import datetime

from hallnet.exchange import believing, tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal.journal_store import JournalWriter
from hallnet.exchange.queue import outgoing
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.certificate import Permission
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import CertificateUnknown, RootEnded
from hallnet.trust.revocation import read_revocation
from hallnet.trust.succession import (
    REASON_LENGTH_MAX,
    SuccessionBody,
    declare,
    read_root_succession,
)
from hallnet.trust.suites import algorithms
from hallnet.wire.trust.v1 import certificate_pb2 as wire

TRUST_STATED = "trust.stated"
"""Kind of the entry with which the other services hear of it; its payload is a TrustBundle."""


class NotAboveBoth(Problem):
    """A succession is stated by a hall that stands above both addresses."""

    kind = Kind.DENIED
    reason = "NOT_ABOVE_BOTH"
    zh = "{here}不是{predecessor}和{successor}的共同上级"
    zh_remedy = "请由两地共同的上级大厅办理（例如同一地级市内由市级大厅办理）"
    en = "{here} does not stand above both {predecessor} and {successor}"
    en_remedy = "Have it stated by a hall above both, such as the city for two of its counties"


class SuccessionUnusable(Problem):
    """A reason that cannot be kept, or an address that would go on as itself."""

    kind = Kind.INVALID
    reason = "SUCCESSION_UNUSABLE"
    zh = "变更依据不得为空或超过{limit}字，新旧地址不得相同"
    zh_remedy = "请填写区划变更的批复文号，并核对地址"
    en = (
        "The reason has to be given in {limit} characters at most, and the addresses have to differ"
    )
    en_remedy = "Give the document by which the divisions were changed, and check the addresses"


class NothingToWithdraw(Problem):
    """A change of address that was not stated, or is in effect already."""

    kind = Kind.CONFLICT
    reason = "NOTHING_TO_WITHDRAW"
    zh = "没有尚未生效的变更：{predecessor}改为{successor}"
    zh_remedy = "已生效的变更不能撤回，请另行变更"
    en = "No change of {predecessor} to {successor} is stated that has not taken effect"
    en_remedy = "One that is in effect cannot be withdrawn: state another"


class WouldCutOff(Problem):
    """A statement of the root that would end the belief in the hall that is to publish it."""

    kind = Kind.CONFLICT
    reason = "WOULD_CUT_OFF"
    zh = "该声明会使{subject}现用的证书不再可信，整个网络将随之中断"
    zh_remedy = "更换根时请保留最高大厅现用的证书（--keep）；吊销前请先以新密钥为其重新签发证书"
    en = "With this the certificate that {subject} uses now would not be believed any more, nor anything below it"
    en_remedy = (
        "When a root takes over, keep the certificate of the highest hall (--keep); before a revocation have it "
        "certified with new keys"
    )


def declare_succession(
    connection: Connection,
    context: Context,
    predecessor: Address,
    successor: Address,
    reason: str,
    effective_at: datetime,
    now: datetime,
    withdrawn: bool = False,
) -> wire.Succession:
    """State that a hall goes on under another address, or take that back before it takes effect.

    Raises NotAboveBoth, SuccessionUnusable, NothingToWithdraw, PermissionMissing, or DivisionUnknown if the
    register does not have the new address.
    """
    require_declarable(context, predecessor, successor, reason)
    if withdrawn:
        stated = context.trust.succession_of(predecessor)
        stands = stated is not None and stated.successor == successor and not stated.withdrawn
        if stated is None or not stands or stated.effective_at <= now:
            raise NothingToWithdraw("predecessor", predecessor=predecessor, successor=successor)
        effective_at = stated.effective_at
    signer = context.identity.certificate
    signer.require(Permission.CERTIFY)
    body = SuccessionBody(
        signer.body.suite, predecessor, successor, effective_at, now, reason.strip(), withdrawn
    )
    succession = declare(body, signer, context.identity.signing_key)
    journal = JournalWriter(connection, context, now)
    journal.add(EntryKind.SIGNED, algorithms(signer.body.suite).digest(succession.raw))
    journal.sign()
    context.trust.take_successions([succession])
    believing.keep_successions(connection, context, [succession], now)
    message = succession.to_message()
    told = wire.TrustBundle(successions=[message]).SerializeToString()
    tables.feed.append(connection, [Entry(TRUST_STATED, str(predecessor), told, now)])
    return message


def require_declarable(
    context: Context, predecessor: Address, successor: Address, reason: str
) -> None:
    """Check that this hall may state the change of an address.

    Raises NotAboveBoth, SuccessionUnusable, or DivisionUnknown if the register does not have the new address.
    """
    here = context.here
    if not (here.may_certify(predecessor) and here.may_certify(successor)):
        raise NotAboveBoth(
            "predecessor, successor", here=here, predecessor=predecessor, successor=successor
        )
    usable = 0 < len(reason.strip()) <= REASON_LENGTH_MAX and reason.isprintable()
    if not usable or predecessor == successor:
        raise SuccessionUnusable("reason, successor", limit=REASON_LENGTH_MAX)
    context.register.name(successor.division)


def take_root_succession(
    connection: Connection, context: Context, message: wire.RootSuccession, now: datetime
) -> None:
    """Believe the root that a believed one vouches for, and have it told: at the top it is published.

    A hall that was cut off while the others heard of it takes it in by hand: the statement proves
    itself. Raises CertificateUnknown if neither root is believed, RootEnded if the old one has ended,
    WouldCutOff, or what is wrong with the statement.
    """
    succession = read_root_succession(message)
    believed = {root.id for root in context.trust.roots}
    if not believed & {succession.predecessor.id, succession.successor.id}:
        raise CertificateUnknown("succession", subject=succession.predecessor.body.name)
    top, root = context.identity.chain[-2:]
    if succession.ends and root.id == succession.predecessor.id and top.id not in succession.kept:
        raise WouldCutOff("kept", subject=top.body.subject)
    context.trust.take_root_successions([succession])
    if context.trust.has_ended(succession.predecessor.id) and not (
        context.trust.believes_root_succession(succession)
    ):
        raise RootEnded(
            "succession",
            subject=succession.successor.body.name,
            root=succession.predecessor.body.name,
        )
    believing.keep_root_successions(connection, context, [succession], now)
    told = wire.TrustBundle(root_successions=[message]).SerializeToString()
    entries = [Entry(TRUST_STATED, "root", told, now)]
    tables.feed.append(connection, entries + outgoing.seal_waiting(connection, context, now))


def take_revocation(
    connection: Connection, context: Context, message: wire.Revocation, now: datetime
) -> None:
    """Take in what a root revoked, and have it told: at the top it is published.

    Raises WouldCutOff if it ends the certificate of this hall or of one above it, CertificateUnknown if no root
    that is believed signed it, or what is wrong with it.
    """
    revocation = read_revocation(message)
    ended = revocation.body.certificate_id
    if any(item.id == ended for item in context.identity.chain):
        raise WouldCutOff("certificate_id", subject=revocation.body.subject)
    context.trust.take_revocations([revocation])
    if context.trust.revoked_at(ended) != revocation.body.revoked_at:
        raise CertificateUnknown("signer_id", subject=revocation.signer_id.hex()[:16])
    believing.keep_revocations(connection, context, [revocation], now)
    told = wire.TrustBundle(revocations=[message]).SerializeToString()
    tables.feed.append(connection, [Entry(TRUST_STATED, str(revocation.body.subject), told, now)])
