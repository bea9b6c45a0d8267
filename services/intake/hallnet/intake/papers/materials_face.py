"""The face of the intake for materials: what comes in, what is read, and what the hall has of an applicant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from hallnet.case.case import day_of
from hallnet.case.person import MATERIAL, Material, Person
from hallnet.intake import cases, handling
from hallnet.intake.answering import Answering, insert_record
from hallnet.intake.papers import materials
from hallnet.intake.papers.uploading import Upload
from hallnet.node.home import Part
from hallnet.node.server import caller
from hallnet.store import Connection
from hallnet.store.room import Room
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


class MaterialsFace(Answering):
    """Materials, for IntakeFace."""

    _room: Callable[[], Room]
    _spool_folder: Path | None

    async def UploadMaterial(
        self, request_iterator: AsyncIterator[wire.UploadMaterialRequest], context: Any
    ) -> Any:
        upload = Upload(self._database, self._room, self._spool_folder, self._clock)
        try:
            async for part in request_iterator:
                await upload.take(part)
            upload.require_something()
            return await self._recorded("UploadMaterial", upload.actor_id, "", upload.end())
        finally:
            upload.close()

    async def ReadMaterial(
        self, request: wire.ReadMaterialRequest, context: Any
    ) -> AsyncIterator[wire.ReadMaterialResponse]:
        for_people = caller() is not Part.EXCHANGE
        today = day_of(self._clock())
        rest = materials.Rest(request.digest, request.offset, request.length)

        def look(connection: Connection) -> bytes:
            if for_people:
                handling.require_may_read(
                    connection, request.actor_id, request.case_id, request.digest, today
                )
            return rest.next(connection)

        data = await self._recorded(
            "ReadMaterial", request.actor_id, request.case_id, self._database.read(look)
        )
        if for_people:
            await self._record(
                request.actor_id, request.case_id, "ReadMaterial", request.digest.hex()[:16], ""
            )
        # An empty material is one empty piece.
        yield wire.ReadMaterialResponse(data=data)
        while data and not rest.is_read:
            data = await self._database.read(rest.next)
            yield wire.ReadMaterialResponse(data=data)

    async def ListHeldMaterials(self, request: wire.ListHeldMaterialsRequest, context: Any) -> Any:
        now, act = self._clock(), "ListHeldMaterials"
        applicant = Person("", request.document_kind, request.document_number, "", "")
        purpose = request.case_id or request.item_id

        def find(connection: Connection) -> list[Material]:
            if request.case_id:
                return handling.held_materials_for(
                    connection, self._hall, request.actor_id, request.case_id, now
                )
            return handling.held_materials(
                connection, self._hall, request.actor_id, request.item_id, applicant, now
            )

        def look(connection: Connection) -> wire.ListHeldMaterialsResponse:
            found = find(connection)
            # What another hall supplied lies with the case itself.
            held = (material for material in found if not material.supplied_by)
            for case_no in sorted({material.taken_from for material in held}):
                case_id = cases.id_of(connection, case_no)
                insert_record(connection, now, request.actor_id, case_id, act, purpose, "")
            return wire.ListHeldMaterialsResponse(
                materials=[MATERIAL.to_message(material) for material in found]
            )

        return await self._recorded(
            act, request.actor_id, "", self._database.write(look), purpose[:64]
        )
