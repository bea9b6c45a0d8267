"""Channels: the ways by which a notice reaches somebody. Each can tell a repetition by the notice's id."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hallnet.node.files import write_whole


@dataclass(frozen=True, slots=True)
class Notice:
    """What a channel is given."""

    notice_id: str
    subject: str
    audience: str
    address: str
    text: str
    written_at: datetime

    def to_json(self) -> str:
        return json.dumps(
            {
                "notice_id": self.notice_id,
                "subject": self.subject,
                "audience": self.audience,
                "address": self.address,
                "text": self.text,
                "written_at": self.written_at.isoformat(),
            },
            ensure_ascii=False,
        )


class NotTaken(Exception):
    """The channel did not take a notice; the message says why, without anything personal."""


class Channel(Protocol):
    """A way to reach people."""

    name: str
    is_on: bool
    """Whether new notices are written for it."""

    async def send(self, notice: Notice) -> None:
        """Hand a notice over; raises NotTaken."""
        ...

    async def close(self) -> None: ...


class FileChannel:
    """One file for each notice, for a program of the hall (text messages, printer) to pick up."""

    name = "file"
    is_on = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, notice: Notice) -> None:
        await asyncio.to_thread(self._write, notice)

    def _write(self, notice: Notice) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{notice.notice_id}.json"
            write_whole(path, notice.to_json().encode())
        except OSError as error:
            raise NotTaken(f"{type(error).__name__} {error.errno}") from error

    async def close(self) -> None:
        return


class SwitchedOff:
    """A channel that the hall no longer has: what still waits for it is given up in its time."""

    is_on = False

    def __init__(self, name: str) -> None:
        self.name = name

    async def send(self, notice: Notice) -> None:
        raise NotTaken("channel is switched off")

    async def close(self) -> None:
        return
