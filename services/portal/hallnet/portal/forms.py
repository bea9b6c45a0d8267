"""Forms: what was typed, within bounds, and problems beside the fields that they concern."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message, Receive

from hallnet.portal.problems import FormMalformed, FormTooLarge
from hallnet.problems import Problem, Reported

MEGABYTE = 1024 * 1024
FORM_BYTES_MAX = 64 * 1024
"""A form of text alone."""
UPLOAD_FORM_BYTES_MAX = 64 * MEGABYTE
"""All files of a form together: they wait on disk, in /tmp, until they are passed on."""
DISCARD_FACTOR = 4
"""Up to so many times the bound is read and thrown away before the connection is cut."""
FIELDS_MAX = 400
FILES_MAX = 60
FIELD_BYTES_MAX = 256 * 1024
TOKEN_FIELD = "token"  # noqa: S105  the name of a field
REQUEST_FIELD = "request_id"
FORM_AGE_MAX = timedelta(hours=8)
WHOLE_FORM = ""
"""Under this name stands a problem that concerns no field."""

_CHOICE = re.compile(r"\d{1,4}", re.ASCII)

Refusal = Problem | Reported
Troubles = dict[str, str]
"""Problems in Chinese by the name of the field beside which they are shown."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a browser sent; empty for a page that is opened."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, UploadFile] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """The value, without spaces around it."""
        values = self.fields.get(name)
        return values[0].strip() if values else default

    def secret(self, name: str) -> str:
        """As it was typed: a space may be a part of it."""
        return "".join(self.fields.get(name, ())[:1])

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(value.strip() for value in self.fields.get(name, ()))

    def number(self, name: str) -> int:
        """The number of a choice; 0 if none was made."""
        return next(iter(self.numbers(name)), 0)

    def numbers(self, name: str) -> tuple[int, ...]:
        """The numbers of choices of which several can be made."""
        return tuple(int(text) for text in self.texts(name) if _CHOICE.fullmatch(text))

    @property
    def request_id(self) -> str:
        return self.text(REQUEST_FIELD)

    @property
    def was_sent(self) -> bool:
        return bool(self.fields)


def new_request_id(now: datetime) -> str:
    """Made when a form is shown: sending the form twice is one request, not two.

    The moment stands in front, because what the form says has to be the same bytes each time.
    """
    return f"{int(now.timestamp()):x}-{secrets.token_hex(16)}"


def shown_at(request_id: str, now: datetime) -> datetime:
    """When the form of a request was shown; now if the id does not say or cannot be right."""
    stamp = request_id.partition("-")[0]
    try:
        moment = datetime.fromtimestamp(int(stamp, 16), UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return moment if now - FORM_AGE_MAX < moment <= now else now


async def read_form(request: Request, bytes_max: int) -> Form:
    """The form of a request; raises FormTooLarge or FormMalformed."""
    bounded = Request(request.scope, _bounded(request, bytes_max))
    try:
        sent = await bounded.form(
            max_files=FILES_MAX, max_fields=FIELDS_MAX, max_part_size=FIELD_BYTES_MAX
        )
    except (HTTPException, MultiPartException, UnicodeDecodeError) as error:
        raise FormMalformed() from error
    fields: dict[str, tuple[str, ...]] = {}
    files: dict[str, UploadFile] = {}
    for name, value in sent.multi_items():
        if isinstance(value, str):
            # No database keeps it, and nobody types it.
            if "\0" in value:
                raise FormMalformed()
            fields[name] = (*fields.get(name, ()), value)
        elif value.filename:
            files[name] = value
    return Form(fields, files)


def _bounded(request: Request, bytes_max: int) -> Receive:
    """The request's own stream, which ends in FormTooLarge above the bound.

    What is left is read and thrown away, so that the browser gets to see the answer.
    """
    came = 0

    async def receive() -> Message:
        nonlocal came
        message = await request.receive()
        came += len(message.get("body", b""))
        if came > bytes_max:
            while message.get("more_body", False) and came < bytes_max * DISCARD_FACTOR:
                message = await request.receive()
                came += len(message.get("body", b""))
            raise FormTooLarge(limit_mb=max(bytes_max // MEGABYTE, 1))
        return message

    return receive


def trouble_of(refusal: Refusal, fields: frozenset[str]) -> Troubles:
    """A refusal beside its field, or over the whole form if it names none of it."""
    where = refusal.where if refusal.where in fields else WHOLE_FORM
    return {where: refusal.in_chinese()}
