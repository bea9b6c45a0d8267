"""Devices: enrolled for an account, opened by those who sign in at them, shut out when they are lost."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from hallnet.case.case import day_of
from hallnet.case.context import require_text
from hallnet.case.person import ActorKind
from hallnet.case.power import Power
from hallnet.codec.moments import to_timestamp
from hallnet.intake import accounts, tables
from hallnet.node.paging import Page
from hallnet.store import Connection
from hallnet.window.offline_problems import DeviceFull, DeviceSecretUnusable, DeviceUnknown
from hallnet.wire.device.v1 import device_pb2 as wire

SECRET_BYTES = 32
KEY_BYTES = 32
NAME_CHARACTERS_MAX = 60
REASON_CHARACTERS_MAX = 500
DEVICES_OF_ACCOUNT_MAX = 10
ACCOUNTS_OF_DEVICE_MAX = 20

_device, _opened = tables.device, tables.device_account


def enrol(
    connection: Connection, actor_id: str, name: str, secret: bytes, device_id: str, now: datetime
) -> wire.Device:
    """Make a device known; raises ActorUnknown, ReasonsMissing, DeviceSecretUnusable, DeviceFull."""
    accounts.find(connection, actor_id)
    require_text(name, "name")
    if len(secret) != SECRET_BYTES:
        raise DeviceSecretUnusable("secret", bytes=SECRET_BYTES)
    usable = (_device.c.enrolled_by == actor_id) & _device.c.shut_out_at.is_(None)
    _require_room(connection, select(func.count()).where(usable), DEVICES_OF_ACCOUNT_MAX)
    connection.execute(
        insert(_device).values(
            device_id=device_id,
            name=name.strip()[:NAME_CHARACTERS_MAX],
            secret_digest=_digest(secret),
            enrolled_by=actor_id,
            enrolled_at=now,
            seen_at=now,
            shut_out_by="",
            shut_out_at=None,
            reason="",
        )
    )
    return view(connection, device_id)


def open_for(
    connection: Connection,
    credential: wire.Credential,
    actor_id: str,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> bytes:
    """The key of an account on a device, the same one each time; raises ActorUnknown, DeviceUnknown, DeviceFull."""
    accounts.find(connection, actor_id)
    require(connection, credential, now)
    known = _key(connection, credential.device_id, actor_id)
    if known is not None:
        return known
    of_device = _opened.c.device_id == credential.device_id
    _require_room(connection, select(func.count()).where(of_device), ACCOUNTS_OF_DEVICE_MAX)
    key = random_bytes(KEY_BYTES)
    connection.execute(
        insert(_opened).values(
            device_id=credential.device_id, actor_id=actor_id, item_key=key, opened_at=now
        )
    )
    return key


def require(connection: Connection, credential: wire.Credential, now: datetime) -> None:
    """Raises DeviceUnknown: the same for a wrong id, a wrong secret, and a device that was shut out."""
    row = _row(connection, credential.device_id)
    known = row.secret_digest if row is not None else b""
    is_right = hmac.compare_digest(known, _digest(credential.secret))
    if row is None or not is_right or row.shut_out_at is not None:
        raise DeviceUnknown("credential")
    of_device = _device.c.device_id == row.device_id
    connection.execute(update(_device).where(of_device).values(seen_at=now))


def require_opened(
    connection: Connection, credential: wire.Credential, actor_id: str, now: datetime
) -> None:
    """A device that may be used and was opened by the account; raises ActorUnknown, DeviceUnknown."""
    accounts.find(connection, actor_id)
    require(connection, credential, now)
    if _key(connection, credential.device_id, actor_id) is None:
        raise DeviceUnknown("actor_id")


def require_usable(connection: Connection, device_id: str) -> None:
    """Raises DeviceUnknown for one that nobody enrolled or somebody shut out."""
    row = _row(connection, device_id)
    if row is None or row.shut_out_at is not None:
        raise DeviceUnknown("device_id")


def shut_out(
    connection: Connection, actor_id: str, device_id: str, reason: str, now: datetime
) -> wire.Device:
    """Nothing is taken from the device any more, and the keys of what lies on it are destroyed.

    Raises ActorUnknown, ReasonsMissing, DeviceUnknown, PowerMissing.
    """
    accounts.find(connection, actor_id)
    require_text(reason, "reason")
    row = _row(connection, device_id)
    is_own = row is not None and actor_id in {row.enrolled_by, *_accounts(connection, device_id)}
    if not is_own:
        accounts.require_power(connection, actor_id, now, Power.SUPERVISE)
    if row is None:
        raise DeviceUnknown("device_id")
    if row.shut_out_at is None:
        connection.execute(
            update(_device)
            .where(_device.c.device_id == device_id)
            .values(
                shut_out_by=actor_id, shut_out_at=now, reason=reason.strip()[:REASON_CHARACTERS_MAX]
            )
        )
        of_device = _opened.c.device_id == device_id
        connection.execute(update(_opened).where(of_device).values(item_key=None))
    return view(connection, device_id)


def listed(connection: Connection, actor_id: str, page: Page, now: datetime) -> list[wire.Device]:
    """The newest first, one more than the page if there is more; raises ActorUnknown."""
    query = select(_device.c.device_id)
    if not may_supervise(connection, actor_id, now):
        mine = select(_opened.c.device_id).where(_opened.c.actor_id == actor_id)
        query = query.where((_device.c.enrolled_by == actor_id) | _device.c.device_id.in_(mine))
    found = connection.scalars(
        query.order_by(_device.c.device_id.desc()).offset(page.after).limit(page.size + 1)
    ).all()
    return [view(connection, device_id) for device_id in found]


def may_supervise(connection: Connection, actor_id: str, now: datetime) -> bool:
    """Whether somebody sees what others did at their devices; raises ActorUnknown."""
    account = accounts.find(connection, actor_id)
    held = accounts.held(connection, account, day_of(now))
    return account.actor.kind is ActorKind.STAFF and Power.SUPERVISE in held.powers


def view(connection: Connection, device_id: str) -> wire.Device:
    row = _row(connection, device_id)
    assert row is not None
    seen = wire.Device(
        device_id=row.device_id,
        name=row.name,
        enrolled_by=row.enrolled_by,
        enrolled_at=to_timestamp(row.enrolled_at),
        seen_at=to_timestamp(row.seen_at),
        accounts=_accounts(connection, device_id),
        shut_out_by=row.shut_out_by,
        reason=row.reason,
    )
    if row.shut_out_at is not None:
        seen.shut_out_at.CopyFrom(to_timestamp(row.shut_out_at))
    return seen


def _require_room(connection: Connection, count: Any, most: int) -> None:
    if connection.execute(count).scalar_one() >= most:
        raise DeviceFull(devices=DEVICES_OF_ACCOUNT_MAX, accounts=ACCOUNTS_OF_DEVICE_MAX)


def _row(connection: Connection, device_id: str) -> Row[Any] | None:
    query = select(_device).where(_device.c.device_id == device_id)
    return connection.execute(query).one_or_none()


def _key(connection: Connection, device_id: str, actor_id: str) -> bytes | None:
    query = select(_opened.c.item_key).where(
        _opened.c.device_id == device_id, _opened.c.actor_id == actor_id
    )
    key: bytes | None = connection.execute(query).scalar_one_or_none()
    return key


def _accounts(connection: Connection, device_id: str) -> Sequence[str]:
    query = select(_opened.c.actor_id).where(_opened.c.device_id == device_id)
    return connection.scalars(query.order_by(_opened.c.actor_id)).all()


def _digest(secret: bytes) -> bytes:
    """What has 256 random bits needs no slow digest."""
    return hashlib.sha256(secret).digest()
