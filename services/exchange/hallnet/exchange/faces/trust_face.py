"""The part of the face that speaks for this hall: children, invitations, successions, releases."""

from __future__ import annotations

from typing import Any

from hallnet.codec.moments import from_timestamp
from hallnet.exchange import tables
from hallnet.exchange.certificates import certifying, inviting, moving, succeeding
from hallnet.exchange.faces.answering import Answering
from hallnet.exchange.journal import signing
from hallnet.node.paging import Page
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.trust.certificate import Permission
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire


class TrustFace(Answering):
    """Certifies, invites, revokes, declares and signs."""

    async def CertifyChild(self, request: wire.CertifyChildRequest, context: Any) -> Any:
        now = self._clock()

        def act(connection: Connection) -> wire.CertifyChildResponse:
            welcome = certifying.certify(
                connection,
                self._context,
                request.request,
                [Permission(number) for number in request.permissions],
                request.validity_days or self._settings.certificate.validity_days,
                self._settings.broker.url,
                self._home.link_authority(),
                now,
            )
            return wire.CertifyChildResponse(welcome=welcome)

        response = await self._once(request, now, wire.CertifyChildResponse, act)
        self._doors_changed()
        tables.feed.announce()
        return response

    async def RevokeChild(self, request: wire.RevokeChildRequest, context: Any) -> Any:
        now = self._clock()
        child = Address.parse(request.address, "address")
        given = request.HasField("revoked_at")
        revoked_at = from_timestamp(request.revoked_at) if given else now

        def act(connection: Connection) -> wire.RevokeChildResponse:
            revocations = certifying.revoke_child(
                connection, self._context, child, request.reason, revoked_at, now
            )
            return wire.RevokeChildResponse(revocations=revocations)

        response = await self._once(request, now, wire.RevokeChildResponse, act)
        self._doors_changed()
        tables.feed.announce()
        return response

    async def InviteChild(self, request: wire.InviteChildRequest, context: Any) -> Any:
        now = self._clock()
        address = Address.parse(request.address, "address")
        door = inviting.Door(self._settings.broker.url, self._home.link_authority())

        def act(connection: Connection) -> wire.InviteChildResponse:
            invitation = inviting.invite(
                connection,
                self._context,
                address,
                request.link_key,
                request.hours,
                request.validity_days or self._settings.certificate.validity_days,
                door,
                now,
            )
            return wire.InviteChildResponse(invitation=invitation)

        response = await self._once(request, now, wire.InviteChildResponse, act)
        self._doors_changed()
        return response

    async def ListInvitations(self, request: wire.ListInvitationsRequest, context: Any) -> Any:
        page = Page.of(request.page_size, request.page_token)
        now = self._clock()

        def look(connection: Connection) -> wire.ListInvitationsResponse:
            rows = inviting.page(connection, page.after, page.size + 1)
            return wire.ListInvitationsResponse(
                invitations=[inviting.view(row, now) for row in rows[: page.size]],
                next_page_token=page.next_token([row.position for row in rows]),
            )

        return await self._database.read(look)

    async def WithdrawInvitation(
        self, request: wire.WithdrawInvitationRequest, context: Any
    ) -> Any:
        now = self._clock()
        address = Address.parse(request.address, "address")

        def act(connection: Connection) -> wire.WithdrawInvitationResponse:
            ended = inviting.withdraw(connection, address, now)
            return wire.WithdrawInvitationResponse(invitation=ended)

        response = await self._once(request, now, wire.WithdrawInvitationResponse, act)
        self._doors_changed()
        return response

    async def DeclareSuccession(self, request: wire.DeclareSuccessionRequest, context: Any) -> Any:
        now = self._clock()
        predecessor = Address.parse(request.predecessor, "predecessor")
        successor = Address.parse(request.successor, "successor")
        given = request.HasField("effective_at")
        effective_at = from_timestamp(request.effective_at) if given else now

        def act(connection: Connection) -> wire.DeclareSuccessionResponse:
            of, reason = (predecessor, successor), request.reason
            stated = (
                moving.withdraw(connection, self._context, *of, reason, now)
                if request.withdrawn
                else moving.move(
                    connection, self._context, *of, reason, effective_at, now, request.gone
                )
            )
            return wire.DeclareSuccessionResponse(succession=stated)

        response = await self._once(request, now, wire.DeclareSuccessionResponse, act)
        tables.feed.announce()
        return response

    async def TakeRootSuccession(
        self, request: wire.TakeRootSuccessionRequest, context: Any
    ) -> Any:
        now = self._clock()

        def act(connection: Connection) -> wire.TakeRootSuccessionResponse:
            if request.HasField("revocation"):
                succeeding.take_revocation(connection, self._context, request.revocation, now)
            else:
                succeeding.take_root_succession(connection, self._context, request.succession, now)
            roots = [root.to_message() for root in self._context.trust.roots]
            return wire.TakeRootSuccessionResponse(roots=roots)

        response = await self._once(request, now, wire.TakeRootSuccessionResponse, act)
        tables.feed.announce()
        return response

    async def SignRelease(self, request: wire.SignReleaseRequest, context: Any) -> Any:
        now = self._clock()

        def act(connection: Connection) -> wire.SignReleaseResponse:
            signed = signing.signed_release(connection, self._context, request.release, now)
            return wire.SignReleaseResponse(release=signed)

        return await self._once(request, now, wire.SignReleaseResponse, act)
