"""Settings of a node: one file, `hallnet.toml` in the node's home, read once when a process starts.

A value can be overridden from the environment: HALLNET_DATABASE__URL for `url` in `[database]`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hallnet.problems import Kind, Problem

SETTINGS_FILE = "hallnet.toml"
_PREFIX = "HALLNET_"
_EVERYWHERE = ("", "0.0.0.0", "[::]")  # noqa: S104  what it means, not where to listen


class SettingsInvalid(Problem):
    """The settings cannot be used."""

    kind = Kind.INVALID
    reason = "SETTINGS_INVALID"
    zh = "配置{file}有误：{detail}"
    zh_remedy = "请按docs/operating.md核对该项"
    en = "The settings in {file} cannot be used: {detail}"
    en_remedy = "Check the value against docs/operating.md"


class HallSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which hall this is."""

    address: str
    name: str
    branch_field: str = ""
    """For a branch hall the field of its department, as in the catalogue (社保, 房产, 车管 ...)."""
    department: str = ""
    """For a branch hall the department that owns it; the hall of its division guides it."""
    suite: Literal[1, 2] | None = None
    """Suite of its keys: 1 Ed25519 and AES, 2 SM2 and SM4. A hall that has another asks its parent for
    a certificate in this one. None: 1 for new keys, and whatever it has for old ones."""


class DatabaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the records are: `sqlite` for files in the home, else a postgresql:// address."""

    url: str = "sqlite"


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Room on the disk."""

    free_bytes_min: int = 512 * 1024 * 1024
    """With less than this left on the disk no materials are taken; cases go on."""
    folder: str = ""
    """Folder whose disk is looked at; empty: the home for SQLite, nothing for PostgreSQL, whose folder of
    data may be named here if this process can see it."""


class EndpointSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """host:port of each service. Equal addresses mean one process with one server."""

    intake: str = "127.0.0.1:7400"
    exchange: str = "127.0.0.1:7400"
    branch_sync: str = "127.0.0.1:7400"
    notify: str = "127.0.0.1:7400"
    listen_host: str = ""
    """Address on which services listen, if not the one at which they are dialled (0.0.0.0 in a pod)."""
    health: str = ""
    """host:port of a second, plain port that answers nothing but health checks; empty for none."""


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The message server for this node's children; without `listen` there is none."""

    listen: str = ""
    """host:port on which the server listens."""
    url: str = ""
    """Where the children dial it, as tls://host:port."""
    dial: str = ""
    """Where this node itself dials it; by default on this machine, at the port of `listen`."""
    supervised: bool = True
    """Whether this node starts and stops the server itself."""
    parent_url: str = ""
    """Where the parent's server is dialled, if not at the address in the welcome."""

    @property
    def own_url(self) -> str:
        """Where this node dials its own message server."""
        host, _, port = self.listen.rpartition(":")
        return self.dial or f"tls://{'localhost' if host in _EVERYWHERE else host}:{port}"


class PortalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The web site of the hall; without `listen` there is none."""

    listen: str = ""
    secure_cookies: bool = True
    """Whether the browser is to send the session only over HTTPS."""


class NotifySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Channels over which people are told."""

    folder: str = "notices"
    """Folder for the file channel, in the home unless absolute; empty for none."""
    webhook_url: str = ""
    """Address to which each notice is posted as JSON; empty for none."""


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where traces and metrics go; nowhere by default."""

    otlp_endpoint: str = ""
    log_level: str = "INFO"


class CertificateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How this node certifies its children."""

    validity_days: int = 365


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the journal goes on after a start."""

    parent_wait_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 10
    """So long a hall waits after a start for its parent to say which end of the journal it saw. Without it the
    hall goes on with the word of a child, under a new number of its journal. After `hallnet node restore` it
    waits a day in any case."""


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the highest hall states for all halls, in the trust bundle."""

    suites: tuple[Literal[1, 2], ...] = ()
    """Suites that the network may use; empty: those that it may use now."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of a node."""

    hall: HallSettings
    database: DatabaseSettings = msgspec.field(default_factory=DatabaseSettings)
    store: StoreSettings = msgspec.field(default_factory=StoreSettings)
    endpoints: EndpointSettings = msgspec.field(default_factory=EndpointSettings)
    broker: BrokerSettings = msgspec.field(default_factory=BrokerSettings)
    portal: PortalSettings = msgspec.field(default_factory=PortalSettings)
    notify: NotifySettings = msgspec.field(default_factory=NotifySettings)
    telemetry: TelemetrySettings = msgspec.field(default_factory=TelemetrySettings)
    certificate: CertificateSettings = msgspec.field(default_factory=CertificateSettings)
    journal: JournalSettings = msgspec.field(default_factory=JournalSettings)
    network: NetworkSettings = msgspec.field(default_factory=NetworkSettings)

    def watched_folder(self, home: Path) -> Path | None:
        """The folder whose disk is looked at; None: the records are elsewhere, and nobody said where."""
        if self.store.folder or self.database.url.startswith("sqlite"):
            return home / self.store.folder
        return None


def read_settings(home: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the node in `home`; raises SettingsInvalid."""
    path = home / SETTINGS_FILE
    try:
        raw: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
        for name, value in environment.items():
            section, _, key = name.removeprefix(_PREFIX).lower().partition("__")
            if name.startswith(_PREFIX) and key:
                raw.setdefault(section, {})[key] = value
        return msgspec.convert(raw, Settings, strict=False)
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsInvalid(str(path), file=path, detail=error) from error
