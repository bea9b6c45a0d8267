"""Who gets in: every method of every service with the wrong caller, and links with foreign subjects."""

from __future__ import annotations

import asyncio
import importlib
import ssl
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import nats
import nats.errors
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from tests.system.conftest import COUNTY, OTHER_TOWNSHIP, TOWNSHIP, RealNetwork, eventually
from tests.system.test_bad_input import filing

from hallnet.branch_sync.face import CALLERS as BRANCH_SYNC_CALLERS
from hallnet.exchange.faces.face import CALLERS as EXCHANGE_CALLERS
from hallnet.intake.device.face import CALLERS as DEVICE_CALLERS
from hallnet.intake.face import CALLERS as INTAKE_CALLERS
from hallnet.intake.window.face import CALLERS as WINDOW_CALLERS
from hallnet.node import tls
from hallnet.node.client import open_channel
from hallnet.node.home import Home, Part
from hallnet.node.server import Callers
from hallnet.node.status import from_error
from hallnet.notify.face import CALLERS as NOTIFY_CALLERS
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2
from hallnet.wire.device.v1 import device_service_pb2
from hallnet.wire.exchange.v1 import exchange_service_pb2, link_pb2
from hallnet.wire.feed.v1 import feed_pb2, feed_pb2_grpc
from hallnet.wire.intake.v1 import intake_service_pb2
from hallnet.wire.notify.v1 import notify_service_pb2
from hallnet.wire.window.v1 import window_service_pb2

PROTO = Path(__file__).parents[2] / "proto"
SERVICES: list[tuple[Any, str, Callers]] = [
    (intake_service_pb2, "IntakeService", INTAKE_CALLERS),
    (exchange_service_pb2, "ExchangeService", EXCHANGE_CALLERS),
    (branch_sync_service_pb2, "BranchSyncService", BRANCH_SYNC_CALLERS),
    (notify_service_pb2, "NotifyService", NOTIFY_CALLERS),
    (window_service_pb2, "WindowService", WINDOW_CALLERS),
    (device_service_pb2, "DeviceService", DEVICE_CALLERS),
]


def methods_with_strangers() -> Iterator[tuple[str, Part]]:
    """Every method with every part that may not call it."""
    for module, name, callers in SERVICES:
        service = module.DESCRIPTOR.services_by_name[name]
        for method in service.methods:
            for part in Part:
                if part not in callers[method.name]:
                    yield f"/{service.full_name}/{method.name}", part


def test_no_part_may_call_what_is_not_its_own(real: RealNetwork) -> None:
    home = real.network.node(COUNTY).home

    async def sweep() -> list[str]:
        let_in = []
        for method, part in methods_with_strangers():
            channel = open_channel(home, part, home.settings().endpoints.intake)
            try:
                call: Any = channel.unary_unary(method)
                await call(b"", timeout=10)
                let_in.append(f"{part} {method}")
            except aio.AioRpcError as error:
                if from_error(error).reason != "CALLER_NOT_ALLOWED":
                    let_in.append(f"{part} {method}: {error.details()}")
            finally:
                await channel.close()
        return let_in

    assert real.loop.run(sweep()) == []


def every_method() -> list[str]:
    """Every method of every service in the contracts, and those that every server has."""
    found = ["/grpc.health.v1.Health/Check"]
    found.append("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    for contract in PROTO.rglob("*.proto"):
        name = ".".join(contract.relative_to(PROTO).with_suffix("").parts)
        module = importlib.import_module(f"{name}_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            found += [f"/{service.full_name}/{method.name}" for method in service.methods]
    return found


def test_no_service_of_the_contracts_is_left_out_here() -> None:
    swept = {module.DESCRIPTOR.services_by_name[name].full_name for module, name, _ in SERVICES}
    served = {method.split("/")[1] for method in every_method() if method.startswith("/hallnet")}
    assert served - swept == {"hallnet.wire.feed.v1.FeedService"}


def test_no_feed_is_followed_by_who_is_not_a_service(real: RealNetwork) -> None:
    home = real.network.node(COUNTY).home

    async def follow(part: Part) -> str:
        channel = open_channel(home, part, home.settings().endpoints.intake)
        try:
            stub: Any = feed_pb2_grpc.FeedServiceStub(channel)
            await anext(aiter(stub.Follow(feed_pb2.FollowRequest(feed="intake"), timeout=10)))
        except aio.AioRpcError as error:
            return from_error(error).reason
        finally:
            await channel.close()
        return "let in"

    for part in (Part.OPERATOR, Part.PORTAL):
        assert real.loop.run(follow(part)) == "CALLER_NOT_ALLOWED"
    assert real.loop.run(follow(Part.NOTIFY)) == "let in"


def test_an_account_that_is_none_does_nothing_and_sees_nothing(real: RealNetwork) -> None:
    """Every method of the intake that names who acts, on a case that is there."""
    home, counter = real.network.node(TOWNSHIP).home, real.counter(TOWNSHIP)
    service = intake_service_pb2.DESCRIPTOR.services_by_name["IntakeService"]
    asked: list[str] = []

    async def sweep() -> dict[str, str]:
        filed = await counter.desk.intake.FileCase(filing())
        found = {}
        channel = open_channel(home, Part.PORTAL, home.settings().endpoints.intake)
        for method in service.methods:
            request: Any = GetMessageClass(method.input_type)()
            names = set(method.input_type.fields_by_name)
            if not names & {"act", "actor_id"} or method.client_streaming:
                continue
            if Part.PORTAL not in INTAKE_CALLERS[method.name]:
                # Whose account it is that an operator opens or closes.
                continue
            asked.append(method.name)
            if "command" in names:
                request.command.accept.SetInParent()
            if "act" in names:
                request.act.request_id, request.act.actor_id = str(uuid.uuid4()), "nobody"
            else:
                request.actor_id = "nobody"
            for name in names & {"case_ref", "case_id"}:
                setattr(request, name, filed.case.summary.case_id)
            for field in method.input_type.fields:
                if field.enum_type is not None and not field.is_repeated:
                    setattr(request, field.name, 1)
            call: Any = (channel.unary_stream if method.server_streaming else channel.unary_unary)(
                f"/{service.full_name}/{method.name}"
            )
            try:
                answer = call(request.SerializeToString(), timeout=10)
                await (anext(aiter(answer)) if method.server_streaming else answer)
                found[method.name] = "let in"
            except aio.AioRpcError as error:
                found[method.name] = from_error(error).reason
        await channel.close()
        return found

    found = real.loop.run(sweep())
    assert len(asked) >= 12
    # What is no mandate is refused whoever brings it.
    assert found.pop("RegisterMandate") == "MESSAGE_MALFORMED"
    assert {name: reason for name, reason in found.items() if reason != "ACTOR_UNKNOWN"} == {}


def test_a_caller_without_a_certificate_of_the_node_is_turned_away(real: RealNetwork) -> None:
    """From every method: neither without any certificate, nor with one of another node's authority."""
    home = real.network.node(COUNTY).home
    stranger = real.network.node(TOWNSHIP).home
    address = home.settings().endpoints.exchange

    async def knock(credentials: grpc.ChannelCredentials) -> set[grpc.StatusCode]:
        channel = aio.secure_channel(
            address, credentials, options=[("grpc.ssl_target_name_override", "node.hallnet")]
        )
        codes = set()
        for method in every_method():
            call: Any = channel.unary_unary(method)
            try:
                await call(b"", timeout=3)
                codes.add(grpc.StatusCode.OK)
            except aio.AioRpcError as error:
                codes.add(error.code())
        await channel.close()
        return codes

    authority = home.read("trust/node-authority.pem")
    without = grpc.ssl_channel_credentials(authority)
    foreign = grpc.ssl_channel_credentials(
        authority, stranger.read("tls/operator.key"), stranger.read("tls/operator.pem")
    )
    for credentials in (without, foreign):
        assert real.loop.run(knock(credentials)) <= {
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DEADLINE_EXCEEDED,
        }


async def dial(home: Home, name: str, denied: list[str]) -> Any:
    """Dial the county's message server with the certificate of a home."""
    context = ssl.create_default_context(cafile=str(home.path("trust/parent-authority.pem")))
    context.load_cert_chain(
        str(home.path("trust/parent-link.pem")), str(home.path("keys/link.key"))
    )

    async def on_error(error: Exception) -> None:
        denied.append(str(error))

    return await nats.connect(
        home.welcome().broker_url,
        tls=context,
        tls_handshake_first=True,
        inbox_prefix=f"_INBOX.{name}".encode(),
        error_cb=on_error,
        allow_reconnect=False,
    )


@pytest.mark.parametrize(
    "subject",
    [
        f"down.{TOWNSHIP}.>",
        f"down.{TOWNSHIP}.batch",
        "down.*.batch",
        f"up.{TOWNSHIP}.batch",
        "up.>",
        ">",
        f"_INBOX.{TOWNSHIP}.>",
        "_INBOX.>",
        "$SYS.>",
    ],
)
def test_a_child_cannot_listen_outside_its_own_subjects(real: RealNetwork, subject: str) -> None:
    home = real.network.node(OTHER_TOWNSHIP).home
    denied: list[str] = []

    async def listen() -> None:
        client = await dial(home, OTHER_TOWNSHIP, denied)
        await client.subscribe(subject)
        await client.flush()
        await asyncio.sleep(0.1)
        await client.close()

    real.loop.run(listen())
    assert any("permissions violation" in text.lower() for text in denied)


@pytest.mark.parametrize(
    "subject",
    [f"up.{TOWNSHIP}.batch", f"down.{TOWNSHIP}.batch", "anything", "$SYS.REQ.ACCOUNT.PING"],
)
def test_a_child_cannot_speak_outside_its_own_subjects(real: RealNetwork, subject: str) -> None:
    home = real.network.node(OTHER_TOWNSHIP).home
    denied: list[str] = []

    async def speak() -> None:
        client = await dial(home, OTHER_TOWNSHIP, denied)
        await client.publish(subject, b"x")
        await client.flush()
        await asyncio.sleep(0.1)
        await client.close()

    real.loop.run(speak())
    assert any("permissions violation" in text.lower() for text in denied)


@pytest.mark.parametrize(
    "subject", [f"up.{TOWNSHIP}.batch", "invitation.other", "up.>", "anything"]
)
def test_the_holder_of_an_invitation_can_only_ask_to_join(real: RealNetwork, subject: str) -> None:
    """Neither speak for a child, nor use another invitation, nor listen to anybody."""
    denied: list[str] = []
    home = real.network.node(OTHER_TOWNSHIP).home
    key = tls.new_private_key()

    async def knock() -> None:
        invited = await real.counter(COUNTY).desk.exchange.InviteChild(
            exchange_service_pb2.InviteChildRequest(
                request_id=uuid.uuid4().hex, address="330127103", link_key=tls.public_der(key)
            )
        )
        invitation = invited.invitation
        with tempfile.TemporaryDirectory(dir=home.path("tls")) as folder:
            certificate, private = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
            certificate.write_bytes(tls.certificate_pem(invitation.link_certificate))
            private.write_bytes(key)
            context = ssl.create_default_context(
                cadata=tls.certificate_pem(invitation.link_authority).decode()
            )
            context.load_cert_chain(str(certificate), str(private))

            async def on_error(error: Exception) -> None:
                denied.append(str(error))

            async def dialled() -> Any:
                with suppress(nats.errors.Error, OSError):
                    return await nats.connect(
                        invitation.broker_url,
                        tls=context,
                        tls_handshake_first=True,
                        error_cb=on_error,
                        allow_reconnect=False,
                    )

            client = await eventually(dialled)
        denied.clear()
        await client.publish(subject, b"x")
        await client.subscribe(subject)
        await client.flush()
        await asyncio.sleep(0.1)
        await client.close()

    real.loop.run(knock())
    told = [text.lower() for text in denied if "permissions violation" in text.lower()]
    assert any("publish" in text for text in told)
    assert any("subscription" in text for text in told)


def test_nobody_gets_into_the_message_server_without_a_certificate(real: RealNetwork) -> None:
    home = real.network.node(OTHER_TOWNSHIP).home

    async def knock() -> None:
        context = ssl.create_default_context(cafile=str(home.path("trust/parent-authority.pem")))
        client = await nats.connect(
            home.welcome().broker_url,
            tls=context,
            tls_handshake_first=True,
            allow_reconnect=False,
            connect_timeout=3,
        )
        await client.close()

    with pytest.raises((ssl.SSLError, nats.errors.Error, OSError, ConnectionError)):
        real.loop.run(knock())


def test_health_is_told_to_everybody_who_is_part_of_the_node(real: RealNetwork) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    home = real.network.node(COUNTY).home

    async def ask() -> int:
        channel = open_channel(home, Part.OPERATOR, home.settings().endpoints.intake)
        try:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
            return int(answer.status)
        finally:
            await channel.close()

    assert real.loop.run(ask()) == health_pb2.HealthCheckResponse.SERVING


def test_a_hello_that_cannot_be_read_is_answered_so(real: RealNetwork) -> None:
    home = real.network.node(OTHER_TOWNSHIP).home

    async def ask() -> link_pb2.HelloReply:
        client = await dial(home, OTHER_TOWNSHIP, [])
        try:
            reply = await client.request(f"up.{OTHER_TOWNSHIP}.hello", b"\xff\xff", timeout=10)
            return link_pb2.HelloReply.FromString(reply.data)
        finally:
            await client.close()

    assert real.loop.run(ask()) == link_pb2.HelloReply(reason="HELLO_MALFORMED")
