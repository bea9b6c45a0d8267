"""Joining with an invitation: the request goes to the parent over the link that the hall will use."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from google.protobuf.message import DecodeError

from hallnet.codec.moments import from_timestamp
from hallnet.node import tls
from hallnet.node.broker import subject_of_invitation
from hallnet.node.home import Home, Identity
from hallnet.node.messaging import LinkClient, NeighbourAbsent, NeighbourSilent
from hallnet.problems import Kind, Problem
from hallnet.trust.invitation import (
    REFUSALS,
    InvitationExpired,
    InvitationMalformed,
    InvitationOfAnother,
    InvitationUnknown,
    root_of,
)
from hallnet.wire.trust.v1 import certificate_pb2 as wire

ANSWER_SECONDS = 15.0
TRIES = 3
AGAIN_SECONDS = 1.0
DIAL_SECONDS = 20.0
"""How long the parent's message server is dialled: it may take a moment to know of a fresh invitation."""


class InvitationUnanswered(Problem):
    """The parent was not reached, or did not answer."""

    kind = Kind.UNAVAILABLE
    reason = "INVITATION_UNANSWERED"
    zh = "上级大厅{url}没有应答"
    zh_remedy = (
        "请检查网络与上级节点是否运行、邀请码是否已过期或被收回；密钥已保存，"
        "可随时重试：hallnet node join 目录 --invitation 邀请码"
    )
    en = "The hall above did not answer at {url}"
    en_remedy = (
        "Check the line, whether its node runs, and whether the invitation ended or was withdrawn. The "
        "keys are kept: try again with hallnet node join HOME --invitation CODE"
    )


async def join(home: Home, invitation: wire.Invitation, now: datetime) -> Identity:
    """Have the parent certify this node and take in its welcome. May be done again after a failure.

    Raises InvitationOfAnother, InvitationExpired, InvitationUnanswered, what the parent refuses it
    for, RootNotAsInvited, or a NotAuthentic problem if the welcome is not for this node.
    """
    address = home.settings().hall.address
    if address != invitation.address:
        raise InvitationOfAnother("hall.address", address=invitation.address)
    if now >= from_timestamp(invitation.expires_at):
        raise InvitationExpired(address=address)
    request = home.request(now).SerializeToString()
    with _client(home, invitation) as client:
        reply = await _asked(client, invitation, request)
    if reply.reason:
        raise _refusal(reply.reason, address)
    return home.join(reply.welcome, root_of(invitation, reply.welcome), now)


async def _asked(
    client: LinkClient, invitation: wire.Invitation, request: bytes
) -> wire.InvitationReply:
    """The parent's answer; the same request may be sent again, for it is answered once."""
    up = asyncio.Event()

    async def came_up() -> None:
        up.set()

    client.on_up(came_up)
    running = asyncio.create_task(client.run())
    subject = subject_of_invitation(invitation.invitation_id)
    try:
        async with asyncio.timeout(DIAL_SECONDS):
            await up.wait()
        for _ in range(TRIES):
            with contextlib.suppress(NeighbourAbsent, NeighbourSilent):
                data = await client.request(subject, request, ANSWER_SECONDS)
                return wire.InvitationReply.FromString(data)
            await asyncio.sleep(AGAIN_SECONDS)
    except (TimeoutError, DecodeError) as error:
        raise InvitationUnanswered(url=invitation.broker_url) from error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    raise InvitationUnanswered(url=invitation.broker_url)


@contextlib.contextmanager
def _client(home: Home, invitation: wire.Invitation) -> Iterator[LinkClient]:
    """Python's TLS takes keys from files only: they lie in the home for as long as the call lasts."""
    with tempfile.TemporaryDirectory(dir=home.path("tls")) as folder:
        files = {
            "certificate.pem": (tls.certificate_pem, invitation.link_certificate),
            "key.pem": (tls.private_pem, invitation.link_key),
            "authority.pem": (tls.certificate_pem, invitation.link_authority),
        }
        for name, (as_pem, der) in files.items():
            try:
                (Path(folder) / name).write_bytes(as_pem(der))
            except ValueError as error:
                raise InvitationMalformed("invitation") from error
        yield LinkClient(
            home.settings().broker.parent_url or invitation.broker_url,
            invitation.invitation_id,
            *(Path(folder) / name for name in files),
        )


def _refusal(reason: str, address: str) -> Problem:
    for kind in REFUSALS:
        if kind.reason == reason:
            return kind(address=address)
    return InvitationUnknown(address=address, detail=reason[:64])
