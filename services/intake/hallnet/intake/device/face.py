"""The gRPC face for devices that work offline: thin; each method is a use case in a transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hallnet.case.context import require_text
from hallnet.case.power import Power
from hallnet.intake import accounts, tables
from hallnet.intake.answering import Answering, insert_record
from hallnet.intake.context import Hall
from hallnet.intake.device import blocks, changes, devices, exchanging, items, uploads
from hallnet.intake.device.exchanging import Exchanging
from hallnet.intake.identifiers import new_id
from hallnet.node.home import Part
from hallnet.node.paging import Page
from hallnet.node.server import Callers
from hallnet.store import Connection, Database
from hallnet.store.room import ROOMY, Room
from hallnet.wire.device.v1 import device_service_pb2 as wire
from hallnet.wire.device.v1 import device_service_pb2_grpc as wire_grpc

_DESK = frozenset({Part.PORTAL, Part.OPERATOR})
CALLERS: Callers = {
    method.name: _DESK for method in wire.DESCRIPTOR.services_by_name["DeviceService"].methods
}


class DeviceFace(Answering, wire_grpc.DeviceServiceServicer):
    """Serves hallnet.wire.device.v1.DeviceService."""

    def __init__(
        self,
        database: Database,
        hall: Hall,
        clock: Callable[[], datetime],
        room: Callable[[], Room] = lambda: ROOMY,
    ) -> None:
        super().__init__(database, hall, clock)
        self._room = room

    # Devices

    async def EnrolDevice(self, request: wire.EnrolDeviceRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.EnrolDeviceResponse:
            device_id = new_id(now, self._hall.random_bytes)
            device = devices.enrol(
                connection, request.act.actor_id, request.name, request.secret, device_id, now
            )
            return wire.EnrolDeviceResponse(device=device)

        return await self._write(request, wire.EnrolDeviceResponse, work)

    async def OpenDevice(self, request: wire.OpenDeviceRequest, context: Any) -> Any:
        now, credential = self._clock(), request.credential

        def work(connection: Connection) -> wire.OpenDeviceResponse:
            random = self._hall.random_bytes
            key = devices.open_for(connection, credential, request.actor_id, random, now)
            device = devices.view(connection, credential.device_id)
            return wire.OpenDeviceResponse(item_key=key, device=device)

        opened = self._database.write(work)
        return await self._recorded("OpenDevice", request.actor_id, credential.device_id, opened)

    async def CheckDevice(self, request: wire.CheckDeviceRequest, context: Any) -> Any:
        await self._database.read(lambda c: devices.require_usable(c, request.device_id))
        return wire.CheckDeviceResponse()

    async def ListDevices(self, request: wire.ListDevicesRequest, context: Any) -> Any:
        page, now = Page.of(request.page_size, request.page_token), self._clock()

        def look(connection: Connection) -> wire.ListDevicesResponse:
            found = devices.listed(connection, request.actor_id, page, now)
            places = [page.after + number for number in range(1, len(found) + 1)]
            return wire.ListDevicesResponse(
                devices=found[: page.size], next_page_token=page.next_token(places)
            )

        actor = request.actor_id
        return await self._recorded("ListDevices", actor, "", self._database.read(look))

    async def ShutOutDevice(self, request: wire.ShutOutDeviceRequest, context: Any) -> Any:
        now, actor_id = self._clock(), request.act.actor_id

        def work(connection: Connection) -> wire.ShutOutDeviceResponse:
            device = devices.shut_out(connection, actor_id, request.device_id, request.reason, now)
            reason = request.reason
            insert_record(connection, now, actor_id, request.device_id, "ShutOutDevice", reason, "")
            return wire.ShutOutDeviceResponse(device=device)

        return await self._write(request, wire.ShutOutDeviceResponse, work, request.device_id)

    # Items

    async def ExchangeItems(self, request: wire.ExchangeItemsRequest, context: Any) -> Any:
        actor_id, device_id = request.actor_id, request.credential.device_id
        await self._opened("ExchangeItems", request)
        exchange = Exchanging(self._database, self._hall, self._clock, actor_id, device_id)
        results = await self._recorded(
            "ExchangeItems", actor_id, device_id, exchange.take(request.items)
        )
        tables.feed.announce()
        return wire.ExchangeItemsResponse(results=results)

    async def ListKeptItems(self, request: wire.ListKeptItemsRequest, context: Any) -> Any:
        page, now, actor = (
            Page.of(request.page_size, request.page_token),
            self._clock(),
            request.actor_id,
        )

        def work(connection: Connection) -> wire.ListKeptItemsResponse:
            of_all = devices.may_supervise(connection, actor, now)
            found = items.listed(
                connection, "" if of_all else actor, [int(state) for state in request.states], page
            )
            places = [page.after + number for number in range(1, len(found) + 1)]
            for kept in found[: page.size]:
                if kept.account != actor:
                    item_id = kept.result.client_id
                    insert_record(connection, now, actor, item_id, "ListKeptItems", "", "")
            return wire.ListKeptItemsResponse(
                items=found[: page.size], next_page_token=page.next_token(places)
            )

        return await self._recorded("ListKeptItems", actor, "", self._database.write(work))

    async def SettleItem(self, request: wire.SettleItemRequest, context: Any) -> Any:
        now, actor_id, account = self._clock(), request.act.actor_id, request.account
        act = "DiscardItem" if request.discard else "ReleaseItem"
        if not request.discard:
            await self._hall.records.wait()

        def work(connection: Connection) -> wire.SettleItemResponse:
            accounts.find(connection, actor_id)
            if actor_id != account:
                accounts.require_power(connection, actor_id, now, Power.SUPERVISE)
            require_text(request.reason, "reason")
            insert_record(connection, now, actor_id, request.client_id, act, request.reason, "")
            if request.discard:
                result = exchanging.discard(connection, account, request.client_id)
            else:
                result = exchanging.release(connection, self._hall, account, request.client_id, now)
            return wire.SettleItemResponse(result=result)

        return await self._write(request, wire.SettleItemResponse, work, request.client_id, act)

    # Numbers

    async def ReserveNumbers(self, request: wire.ReserveNumbersRequest, context: Any) -> Any:
        now, act, credential = self._clock(), request.act, request.credential

        def work(connection: Connection) -> wire.ReserveNumbersResponse:
            devices.require_opened(connection, credential, act.actor_id, now)
            device_id = credential.device_id
            numbers = blocks.reserve(
                connection, self._hall, device_id, act.actor_id, request.count, now
            )
            return wire.ReserveNumbersResponse(numbers=numbers)

        device_id = credential.device_id
        return await self._write(request, wire.ReserveNumbersResponse, work, device_id)

    async def ReturnNumbers(self, request: wire.ReturnNumbersRequest, context: Any) -> Any:
        now, act, credential = self._clock(), request.act, request.credential

        def work(connection: Connection) -> wire.ReturnNumbersResponse:
            devices.require_opened(connection, credential, act.actor_id, now)
            returned = blocks.give_back(connection, act.actor_id, request.case_numbers)
            return wire.ReturnNumbersResponse(returned=returned)

        device_id = credential.device_id
        return await self._write(request, wire.ReturnNumbersResponse, work, device_id)

    # What a device needs, and what it brings

    async def GetChanges(self, request: wire.GetChangesRequest, context: Any) -> Any:
        now = self._clock()
        await self._opened("GetChanges", request)
        found = self._database.write(lambda c: changes.since(c, self._hall, request, now))
        return await self._recorded(
            "GetChanges", request.actor_id, request.credential.device_id, found
        )

    async def ContinueUpload(self, request: wire.ContinueUploadRequest, context: Any) -> Any:
        await self._opened("ContinueUpload", request)
        taken = uploads.go_on(self._database, request, self._room, self._clock())
        return await self._recorded(
            "ContinueUpload", request.actor_id, request.credential.device_id, taken
        )

    async def _opened(self, act: str, request: Any) -> None:
        """Raises DeviceUnknown, ActorUnknown; each refusal is on record."""
        now, credential, actor_id = self._clock(), request.credential, request.actor_id
        opened = self._database.write(
            lambda c: devices.require_opened(c, credential, actor_id, now)
        )
        await self._recorded(act, actor_id, credential.device_id, opened)
