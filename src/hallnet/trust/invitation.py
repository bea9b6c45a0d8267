"""Invitation codes: all that a hall needs to be certified by its parent, in one line of text.

The code says whom to dial, by which authority that server is known, and to which root the answer has to
lead, and it carries the private key that opens the door. The parent keeps no secret of it. Whoever has a
code can join in the place of the hall, once: it is handed over like a password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence

from google.protobuf.message import DecodeError

from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.trust.certificate import CHAIN_LENGTH_MAX, Certificate, Role, read_certificate
from hallnet.trust.problems import NotAuthentic
from hallnet.wire.trust.v1 import certificate_pb2 as wire

PREFIX = "hallnet-invitation-1."
CODE_CHARACTERS_MAX = 8192
_CHECK_BYTES = 4


class InvitationMalformed(Problem):
    """A text that is no invitation code, or a part of one."""

    kind = Kind.INVALID
    reason = "INVITATION_MALFORMED"
    zh = "邀请码不完整或有误"
    zh_remedy = "请从上级大厅重新完整复制邀请码（以hallnet-invitation-1.开头的一行）"
    en = "The invitation code is not complete or not right"
    en_remedy = "Copy it again from the hall above, all of the line from hallnet-invitation-1. on"


class InvitationRefused(Problem):
    """Base of what a parent answers to a request that came with an invitation."""

    kind = Kind.DENIED


class InvitationUsed(InvitationRefused):
    """A hall with other keys has joined with it."""

    reason = "INVITATION_USED"
    zh = "{address}的邀请码已被使用"
    zh_remedy = "如非本厅所为，请立即告知上级大厅吊销该证书；然后请其另发邀请码"
    en = "The invitation of {address} was used already"
    en_remedy = (
        "If it was not you, have the hall above revoke that certificate; ask for another code"
    )


class InvitationExpired(InvitationRefused):
    """Its time is over."""

    reason = "INVITATION_EXPIRED"
    zh = "{address}的邀请码已过期"
    zh_remedy = "请上级大厅另发邀请码（hallnet node invite），并核对双方时钟"
    en = "The invitation of {address} has expired"
    en_remedy = "Ask the hall above for another (hallnet node invite), and check both clocks"


class InvitationWithdrawn(InvitationRefused):
    """It was taken back."""

    reason = "INVITATION_WITHDRAWN"
    zh = "{address}的邀请码已被收回"
    zh_remedy = "请向上级大厅询问原因，必要时另发邀请码"
    en = "The invitation of {address} was withdrawn"
    en_remedy = "Ask the hall above why, and for another one if it was a mistake"


class InvitationClosed(InvitationRefused):
    """Too much came with it that did not fit."""

    reason = "INVITATION_CLOSED"
    zh = "{address}的邀请码因多次不符的申请已被关闭"
    zh_remedy = "请上级大厅核查事件记录，再另发邀请码"
    en = "The invitation of {address} was closed after too many requests that did not fit"
    en_remedy = "Have the hall above look at its incidents, then ask for another one"


class InvitationOfAnother(InvitationRefused):
    """Another address asks with it than the one that was invited."""

    reason = "INVITATION_OF_ANOTHER"
    zh = "邀请码是发给{address}的，不能用于其他大厅"
    zh_remedy = "请核对本厅地址，或请上级大厅为本厅另发邀请码"
    en = "The invitation is for {address} and for no other hall"
    en_remedy = "Check the address of this hall, or ask for an invitation of its own"


class InvitationUnknown(InvitationRefused):
    """The parent does not know it, or what came with it cannot be used."""

    reason = "INVITATION_UNKNOWN"
    zh = "上级大厅未接受{address}的入网申请（{detail}）"
    zh_remedy = "请按括号内的原因代码处理（hallnet errors 原因代码），或请上级大厅另发邀请码"
    en = "The hall above did not take the request of {address} ({detail})"
    en_remedy = "See hallnet errors for the reason in brackets, or ask for another code"


class RootNotAsInvited(NotAuthentic):
    """What the parent sent leads to another root than the code names."""

    reason = "ROOT_NOT_AS_INVITED"
    zh = "上级大厅发来的证书链不通向邀请码所指的根证书"
    zh_remedy = "请勿加入，并向上级大厅核实邀请码与根证书指纹"
    en = "The certificates that came do not lead to the root that the invitation names"
    en_remedy = "Do not join; check the code and the fingerprint of the root with the hall above"


REFUSALS: Sequence[type[InvitationRefused]] = (
    InvitationUsed,
    InvitationExpired,
    InvitationWithdrawn,
    InvitationClosed,
    InvitationOfAnother,
)


def write_code(invitation: wire.Invitation) -> str:
    """The code, one line of ASCII; a check in front of it tells a cut one from a whole one."""
    raw = invitation.SerializeToString(deterministic=True)
    return PREFIX + base64.urlsafe_b64encode(_check(raw) + raw).decode().rstrip("=")


def read_code(text: str) -> wire.Invitation:
    """The invitation in a code, whatever space came into it; raises InvitationMalformed."""
    plain = "".join(text[: 2 * CODE_CHARACTERS_MAX].split())
    if not plain.startswith(PREFIX) or len(plain) > CODE_CHARACTERS_MAX:
        raise InvitationMalformed("invitation")
    encoded = plain.removeprefix(PREFIX)
    try:
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        invitation = wire.Invitation.FromString(data[_CHECK_BYTES:])
        Address.parse(invitation.address, "invitation.address")
    except (binascii.Error, ValueError, DecodeError, Problem) as error:
        raise InvitationMalformed("invitation") from error
    if _check(data[_CHECK_BYTES:]) != data[:_CHECK_BYTES]:
        raise InvitationMalformed("invitation")
    return invitation


def root_of(invitation: wire.Invitation, welcome: wire.Welcome) -> Certificate:
    """The root to which a welcome leads, if it is the one of the invitation; raises RootNotAsInvited."""
    try:
        last = read_certificate(welcome.chain[: CHAIN_LENGTH_MAX + 1][-1])
    except (IndexError, Problem) as error:
        raise RootNotAsInvited("welcome.chain") from error
    if last.body.role is not Role.ROOT or last.id != invitation.root_id:
        raise RootNotAsInvited("welcome.chain")
    return last


def _check(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:_CHECK_BYTES]
