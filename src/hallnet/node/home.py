"""A node's home: the folder that holds its settings, keys, certificates and, by default, its records.

hallnet.toml           settings
keys/                  what is secret: signing, sealing, link and session keys, keys of the authorities
trust/                 what is public: the root given by hand, the welcome of the parent with the own
                       chain, certificates of the authorities
tls/                   keys and certificates for connections, made from the above
data/                  records, one file for each service, where the database is SQLite
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from hallnet.node import tls
from hallnet.node.files import write_whole
from hallnet.node.settings import SETTINGS_FILE, Settings, read_settings
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.store.vault import Secret, Vault
from hallnet.trust.believed import Trust, suites_of
from hallnet.trust.certificate import Certificate, RequestBody, make_request, read_certificate
from hallnet.trust.problems import SpeaksForAnother
from hallnet.trust.suite import Algorithms, Suite
from hallnet.trust.suites import algorithms, suite_of_private_key, supported
from hallnet.wire.trust.v1 import certificate_pb2 as wire

PRIVATE_FOLDER = 0o700
CONNECTION_CERTIFICATE_DAYS = 3600
"""As long as their authority, which lies beside them: they end when the home is made anew."""
RENEW_BEFORE = timedelta(days=30)
SESSION_KEY_BYTES = 32
VAULT_SECRET_BYTES = 32
LOOPBACK = "127.0.0.1"
RESTORED_FILE = "data/restored"
"""There from when a backup was put back until the neighbours have said where the journal ends."""
NODE_NAME = "node.hallnet"
"""The name under which every process of a node serves: it is the node that is dialled, not a host."""


class Part(Enum):
    """A process or person that may call the services of a node; each has a certificate of its own."""

    INTAKE = "intake"
    EXCHANGE = "exchange"
    BRANCH_SYNC = "branch-sync"
    NOTIFY = "notify"
    PORTAL = "portal"
    OPERATOR = "operator"


KEEPERS = (Part.INTAKE, Part.EXCHANGE, Part.BRANCH_SYNC, Part.NOTIFY)
"""The parts that have a database."""


class HomeNotReady(Problem):
    """A folder that is no home, or whose node is not certified yet."""

    kind = Kind.INVALID
    reason = "HOME_NOT_READY"
    zh = "目录{home}中的节点尚未就绪：缺少{missing}"
    zh_remedy = (
        "请用上级大厅的邀请码运行hallnet node init（建立节点）或hallnet node join（加入网络）；"
        "没有邀请码时，请上级大厅用hallnet node certify签发"
    )
    en = "The node in {home} is not ready: {missing} is missing"
    en_remedy = (
        "Run hallnet node init or hallnet node join with an invitation of the hall above; without one, "
        "have it run hallnet node certify, then run hallnet node join"
    )


class HomeNotEmpty(Problem):
    """A folder that holds a node already."""

    kind = Kind.CONFLICT
    reason = "HOME_NOT_EMPTY"
    zh = "目录{home}中已有节点"
    zh_remedy = "请另选目录；密钥一经覆盖无法恢复"
    en = "There is a node in {home} already"
    en_remedy = "Choose another folder: keys that are overwritten cannot be restored"


class SecretJustRenewed(Problem):
    """A secret is to be renewed while the one before is still needed."""

    kind = Kind.CONFLICT
    reason = "SECRET_JUST_RENEWED"
    zh = "{part}的密钥更换尚未完成"
    zh_remedy = "请先运行hallnet node vault reclose --end完成上一次更换"
    en = "The last change of the secret of {part} is not finished"
    en_remedy = "Finish it first: hallnet node vault reclose --end"


@dataclass(frozen=True, slots=True)
class Membership:
    """Which hall this is: its certificate with the issuers above. All of it is public."""

    chain: tuple[Certificate, ...]
    """The own certificate first, the root last."""

    @property
    def certificate(self) -> Certificate:
        return self.chain[0]

    @property
    def address(self) -> Address:
        return self.certificate.address

    @property
    def parent(self) -> Address | None:
        """The hall that certified this one; None for the one that the root certified."""
        return None if len(self.chain) == 2 else self.chain[1].address


@dataclass(frozen=True, slots=True)
class Identity(Membership):
    """A membership with the private keys, which only the exchange needs."""

    signing_key: bytes
    sealing_key: bytes


def _vault_key(part: Part, which: str = "") -> str:
    """Each has its own, so that who has the key of one part cannot open what another keeps.

    `which` is empty for the newest, "old" for the one before, "index" for the one that closed values are
    found by, if that is not the newest.
    """
    return f"keys/vault-{part.value}{which and '.'}{which}.key"


def _new_secret(suite: Algorithms) -> bytes:
    """The suite stands before the secret: what was closed in it is opened in it for always."""
    return bytes((suite.suite,)) + os.urandom(VAULT_SECRET_BYTES)


def _secret(key: bytes) -> Secret:
    return Secret(algorithms(key[0]), key[1:])


class Home:
    """The files of a node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, settings_toml: str, now: datetime) -> Home:
        """Make a home with fresh keys; raises HomeNotEmpty or SettingsInvalid."""
        home = cls(folder)
        if (folder / SETTINGS_FILE).exists() or (folder / "keys").exists():
            raise HomeNotEmpty(str(folder), home=folder)
        for name in ("", "keys", "trust", "tls", "data"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name).chmod(PRIVATE_FOLDER)
        home.write(SETTINGS_FILE, settings_toml.encode())
        settings = home.settings()
        address = Address.parse(settings.hall.address, "hall.address")
        suite = algorithms(settings.hall.suite or Suite.ED25519)
        home.write("keys/signing.key", suite.new_signing_key())
        home.write("keys/sealing.key", suite.new_sealing_key())
        home.write("keys/link.key", tls.new_private_key())
        home.write("keys/session.key", os.urandom(SESSION_KEY_BYTES))
        for part in KEEPERS:
            home.write(_vault_key(part), _new_secret(suite))
        for kind in ("node", "link"):
            authority = tls.new_authority(f"{kind} authority of {address}", now)
            home.write(f"keys/{kind}-authority.key", authority.key)
            home.write(f"trust/{kind}-authority.pem", authority.certificate)
        home.renew_connection_certificates(now)
        return home

    def settings(self) -> Settings:
        return read_settings(self.folder)

    def request(self, now: datetime) -> wire.CertificateRequest:
        """The request to the parent to certify this node."""
        signing_key = self.read("keys/signing.key")
        # Not as the settings say: they may have been changed since the keys were made.
        suite = algorithms(suite_of_private_key(signing_key))
        hall = self.settings().hall
        body = RequestBody(
            suite=suite.suite,
            subject=Address.parse(hall.address, "hall.address"),
            name=hall.name,
            signing_key=suite.signing_public(signing_key),
            sealing_key=suite.sealing_public(self.read("keys/sealing.key")),
            link_key=tls.public_der(self.read("keys/link.key")),
            requested_at=now,
            suites=tuple(sorted(supported())),
        )
        return make_request(body, signing_key)

    def join(self, welcome: wire.Welcome, root: Certificate, now: datetime) -> Identity:
        """Take in what the parent sent; `root` was given by hand.

        Raises a NotAuthentic problem if the chain does not lead to the root or names another hall.
        """
        chain = [read_certificate(item) for item in welcome.chain]
        trust = Trust([root], suites_of(chain))
        trust.learn(chain)
        address = Address.parse(self.settings().hall.address, "hall.address")
        signer = trust.signer(chain[0].id, now, now)
        signing_public = algorithms(signer.body.suite).signing_public(self.read("keys/signing.key"))
        if signer.address != address or signer.body.signing_key != signing_public:
            raise SpeaksForAnother("welcome.chain", signer=address, claimed=signer.body.subject)
        self.write("trust/root.cert", root.to_message().SerializeToString())
        if welcome.link_certificate:
            self.write("trust/parent-link.pem", welcome.link_certificate)
            self.write("trust/parent-authority.pem", welcome.link_authority)
        # Last, because it is what makes the home ready.
        self.write("trust/welcome.bin", welcome.SerializeToString())
        return self.identity()

    def identity(self) -> Identity:
        """Raises HomeNotReady while the parent has not certified this node."""
        return Identity(
            self.membership().chain, self.read("keys/signing.key"), self.read("keys/sealing.key")
        )

    def membership(self) -> Membership:
        """Raises HomeNotReady while the parent has not certified this node."""
        chain = [read_certificate(item) for item in self.welcome().chain]
        if chain[-1].id != self.root().id:
            chain.append(self.root())
        return Membership(tuple(chain))

    def vault(self, part: Part) -> Vault:
        """What opens the closed columns in the database of a part of this node."""
        newest = _secret(self.read(_vault_key(part)))
        before, index = (self._secret_if_any(part, which) for which in ("old", "index"))
        purpose = f"hallnet {part.value} v1".encode()
        return Vault(newest.suite, newest.data, purpose, before, index)

    def has_old_secret(self, part: Part) -> bool:
        """Whether something may still be closed under the secret before the newest."""
        return self.path(_vault_key(part, "old")).exists()

    def renew_secret(self, part: Part) -> None:
        """Make a new secret; what was closed before is opened with the old one, which is kept beside it.

        It may be broken off and done again. Raises SecretJustRenewed while the one before is still needed.
        """
        newest, old, index = (_vault_key(part, which) for which in ("", "old", "index"))
        secret = self.read(newest)
        if self.has_old_secret(part) and self.read(old) != secret:
            raise SecretJustRenewed(part=part.value)
        if not self.path(index).exists():
            self.write(index, secret)
        self.write(old, secret)
        self.write(newest, _new_secret(algorithms(secret[0])))

    def forget_old_secret(self, part: Part) -> None:
        """Nothing is closed under it any more."""
        self.path(_vault_key(part, "old")).unlink(missing_ok=True)

    def _secret_if_any(self, part: Part, which: str) -> Secret | None:
        path = self.path(_vault_key(part, which))
        return _secret(path.read_bytes()) if path.exists() else None

    def welcome(self) -> wire.Welcome:
        return wire.Welcome.FromString(self.read("trust/welcome.bin"))

    def root(self) -> Certificate:
        return read_certificate(wire.Certificate.FromString(self.read("trust/root.cert")))

    def link_authority(self) -> tls.Authority:
        """Issues the certificates with which children open their links."""
        return self._authority("link")

    def _authority(self, kind: str) -> tls.Authority:
        return tls.Authority(
            self.read(f"keys/{kind}-authority.key"), self.read(f"trust/{kind}-authority.pem")
        )

    def database_url(self, service: str) -> str:
        url = self.settings().database.url
        if url == "sqlite":
            return f"sqlite:///{self.folder / 'data' / service}.db"
        return url

    def renew_connection_certificates(self, now: datetime) -> None:
        """Make what is missing of the certificates for connections, and renew what is about to end.

        A process that was not given the keys of the authorities lives with what it was given. One
        process of the node after the other: keys and certificates that two make at once do not fit.
        """
        given = not self.path("keys/node-authority.key").exists()
        if given or not os.access(self.path("tls"), os.W_OK):
            return
        with self.path("tls/.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for part in Part:
                names = [f"{part.value}.{NODE_NAME}", NODE_NAME]
                self._renew(part.value, self._authority("node"), names, now)
            settings = self.settings()
            own = f"{settings.hall.address}.hallnet"
            self._renew("own-link", self.link_authority(), [own], now)
            if settings.broker.listen:
                dialled = (settings.broker.url, settings.broker.own_url)
                hosts = [urlsplit(url).hostname or LOOPBACK for url in dialled]
                names = [*dict.fromkeys([*hosts, "localhost", LOOPBACK])]
                self._renew("broker", self.link_authority(), names, now)

    def note_restored(self) -> None:
        """A backup was put back: the neighbours surely saw more than is here."""
        self.write(RESTORED_FILE, b"")

    def is_restored(self) -> bool:
        """Whether a backup was put back and the neighbours have not spoken since."""
        return self.path(RESTORED_FILE).exists()

    def is_known_again(self) -> None:
        """The neighbours have said where the journal ends."""
        if self.is_restored():
            self.path(RESTORED_FILE).unlink()

    def path(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str) -> bytes:
        """Raises HomeNotReady if the file is not there."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError as error:
            raise HomeNotReady(str(self.folder), home=self.folder, missing=name) from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole or not at all, readable by its owner only."""
        write_whole(self.path(name), data)

    def _renew(self, name: str, authority: tls.Authority, names: list[str], now: datetime) -> None:
        certificate = self.path(f"tls/{name}.pem")
        if certificate.exists() and tls.ends_at(certificate.read_bytes()) > now + RENEW_BEFORE:
            return
        key = tls.new_private_key()
        self.write(f"tls/{name}.key", key)
        self.write(
            f"tls/{name}.pem",
            tls.issue(authority, tls.public_der(key), names, now, CONNECTION_CERTIFICATE_DAYS),
        )
