"""All services of the own node, as one of its parts may call them."""

from __future__ import annotations

from hallnet.node.client import open_channel
from hallnet.node.home import Home, Part
from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2_grpc as branch_sync
from hallnet.wire.device.v1 import device_service_pb2_grpc as device
from hallnet.wire.exchange.v1 import exchange_service_pb2_grpc as exchange
from hallnet.wire.intake.v1 import intake_service_pb2_grpc as intake
from hallnet.wire.notify.v1 import notify_service_pb2_grpc as notify
from hallnet.wire.window.v1 import window_service_pb2_grpc as window


class Desk:
    """Stubs for the four services, of which the intake has three faces; `close` lets go of the connections."""

    def __init__(self, home: Home, part: Part) -> None:
        at = home.settings().endpoints
        self._channels = {
            address: open_channel(home, part, address)
            for address in {at.intake, at.exchange, at.branch_sync, at.notify}
        }
        self.intake = intake.IntakeServiceStub(self._channels[at.intake])
        self.window = window.WindowServiceStub(self._channels[at.intake])
        self.device = device.DeviceServiceStub(self._channels[at.intake])
        self.exchange = exchange.ExchangeServiceStub(self._channels[at.exchange])
        self.branch_sync = branch_sync.BranchSyncServiceStub(self._channels[at.branch_sync])
        self.notify = notify.NotifyServiceStub(self._channels[at.notify])

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()
