"""An upload: its bytes wait in a file until their digest is known, then go into the store in slices."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from hallnet.case.problems import MaterialEmpty
from hallnet.codec.moments import to_timestamp
from hallnet.intake import accounts
from hallnet.intake.papers import materials
from hallnet.store import Connection, Database
from hallnet.store.room import Room, reusable_bytes
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


class Upload:
    """Takes the parts of one material; what is small never touches the file system."""

    def __init__(
        self,
        database: Database,
        room: Callable[[], Room],
        folder: Path | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._room = room
        self._clock = clock
        self._description: wire.MaterialDescription | None = None
        self._size = 0
        self._unchecked = 0
        self._reusable = 0
        self._hash = hashlib.sha256()
        # Without a name: nothing of it is left, however the process ends.
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115  closed by close()
            materials.SLICE_BYTES, dir=None if folder is None else str(folder)
        )

    @property
    def actor_id(self) -> str:
        return self._description.act.actor_id if self._description is not None else ""

    async def take(self, part: wire.UploadMaterialRequest) -> None:
        """Raises MaterialTooLarge or HallFull."""
        if part.HasField("description"):
            self._description = part.description
        if not part.data:
            return
        materials.require_size(self._size + len(part.data))
        if self._size == 0:
            self._reusable = await self._database.read(reusable_bytes)
        if self._unchecked == 0:
            # The bytes will be there twice, in the file and in the store.
            self._room().require(self._size, self._reusable)
        self._unchecked = (self._unchecked + len(part.data)) % materials.SLICE_BYTES
        self._size += len(part.data)
        self._hash.update(part.data)
        self._file.write(part.data)

    def require_something(self) -> None:
        """Raises MaterialEmpty."""
        if self._description is None or not self._size:
            raise MaterialEmpty("data")

    async def end(self) -> wire.UploadMaterialResponse:
        """Put it into the store; raises ActorUnknown."""
        assert self._description is not None
        named, digest, now = self._description, self._hash.digest(), self._clock()

        def begin(connection: Connection) -> bool:
            accounts.find(connection, named.act.actor_id)
            if materials.is_here(connection, digest):
                return False
            materials.begin(connection, digest, self._size, named.media_type, now)
            return True

        if await self._database.write(begin):
            await self._store(digest)
        return wire.UploadMaterialResponse(
            material=wire_person.Material(
                name=named.name,
                digest=digest,
                size=self._size,
                media_type=named.media_type,
                submitted_at=to_timestamp(now),
            )
        )

    def close(self) -> None:
        self._file.close()

    async def _store(self, digest: bytes) -> None:
        self._file.seek(0)
        for offset in range(0, self._size, materials.SLICE_BYTES):
            data = self._file.read(materials.SLICE_BYTES)
            is_last = offset + len(data) >= self._size

            def keep(
                connection: Connection,
                offset: int = offset,
                data: bytes = data,
                is_last: bool = is_last,
            ) -> None:
                materials.add(connection, digest, offset, data)
                if is_last:
                    materials.finish(connection, digest)

            await self._database.write(keep)
