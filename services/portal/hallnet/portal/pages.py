"""Templates: where they are, and the words that they may use."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from importlib.resources import files

from google.protobuf.timestamp_pb2 import Timestamp
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hallnet.codec.moments import from_timestamp
from hallnet.portal import wording
from hallnet.portal.forms import TOKEN_FIELD, UPLOAD_FORM_BYTES_MAX, new_request_id
from hallnet.portal.halls import Halls
from hallnet.portal.held import again_field
from hallnet.portal.uploads import MATERIAL_BYTES_MAX, file_field, kept_field

LINE_CHARACTERS_MAX = 120
TEXT_CHARACTERS_MAX = 2000
_MARK_LENGTH = 12


def templates(halls: Halls) -> Environment:
    """All pages; whatever is put into one is escaped."""
    pages = Environment(
        loader=PackageLoader("hallnet.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals.update(
        words=wording,
        hall_name=halls.name,
        hall_short_name=halls.short_name,
        village=halls.village,
        static=_addresses(),
        new_request_id=new_request_id,
        token_field=TOKEN_FIELD,
        material_bytes_max=MATERIAL_BYTES_MAX,
        upload_form_bytes_max=UPLOAD_FORM_BYTES_MAX,
        line_characters_max=LINE_CHARACTERS_MAX,
        text_characters_max=TEXT_CHARACTERS_MAX,
        file_field=file_field,
        again_field=again_field,
        kept_field=kept_field,
    )
    pages.filters.update(
        moment=_moment,
        age=_age,
        day=_day,
        size=wording.size,
        limit=wording.limit,
        link_tone=lambda link, now: wording.link_standing(link, now)[1],
    )
    return pages


def _addresses() -> dict[str, str]:
    """Addresses of the static files; they change with the content, so that browsers may keep them."""
    folder = files("hallnet.portal") / "static"
    return {
        item.name: f"/static/{item.name}?{hashlib.sha256(item.read_bytes()).hexdigest()[:_MARK_LENGTH]}"
        for item in folder.iterdir()
    }


def _day(value: date | str) -> Markup:
    """A day that is not broken over two lines."""
    return Markup('<time class="day">{}</time>').format(wording.day(value))


def _when(value: Timestamp | datetime) -> datetime:
    return from_timestamp(value) if isinstance(value, Timestamp) else value.astimezone(UTC)


def _moment(value: Timestamp | datetime) -> str:
    return wording.moment(_when(value))


def _age(value: Timestamp | datetime, now: datetime) -> str:
    return wording.age(_when(value), now)
