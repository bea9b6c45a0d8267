"""Sessions: a signed cookie says who is at the browser. Nothing of it is kept at the hall."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hallnet.case.power import Power
from hallnet.node.home import Home

KEY_FILE = "keys/session.key"
KEY_BYTES = 32
PASSWORD_PATH = "/password"  # noqa: S105  a path
SECOND_FACTOR_PATH = "/second-factor"
SESSION_SECONDS = 8 * 3600
"""A working day: who stays longer signs in again."""
TOKEN_CHARACTERS_MAX = 256 * 1024

_SESSION = "session"
_FORMS = "forms"
_DEVICE = "device"
DEVICE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep a cookie."""


class Seal:
    """Signs what goes out to a browser and has to come back unchanged, apart for each purpose."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, home: Home) -> Seal:
        """The seal of a node; its key is made when it is first needed."""
        if not home.path(KEY_FILE).exists():
            home.write(KEY_FILE, secrets.token_bytes(KEY_BYTES))
        return cls(home.read(KEY_FILE))

    def sign(self, purpose: str, data: bytes) -> str:
        return f"{_text(data)}.{self.mark(purpose, data)}"

    def read(self, purpose: str, token: str) -> bytes | None:
        """What was signed; None if it was not, or for another purpose."""
        payload, _, mark = token[:TOKEN_CHARACTERS_MAX].rpartition(".")
        try:
            data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        except (ValueError, binascii.Error):
            return None
        return data if self.matches(purpose, data, mark) else None

    def mark(self, purpose: str, data: bytes) -> str:
        """The signature alone."""
        message = purpose.encode() + b"\0" + data
        return _text(hmac.digest(self._key, message, hashlib.sha256))

    def matches(self, purpose: str, data: bytes, mark: str) -> bool:
        return hmac.compare_digest(self.mark(purpose, data).encode(), mark.encode())


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account that signed in, as the intake described it then.

    Only for showing what can be done: the intake checks every act against its own records.
    """

    actor_id: str
    name: str
    is_agent: bool
    powers: frozenset[Power]
    points: tuple[str, ...]
    password_mark: str
    """With which password: with it the session ends."""
    password_due: int = 0
    """Why the password has to be changed before anything else (`PasswordDue`); 0 if it has not."""
    second_factor_due: bool = False
    """Whether codes have to be set up before anything else."""

    @property
    def to_do_first(self) -> str:
        """The page on which something has to be done before any other opens; empty if nothing has."""
        if self.password_due:
            return PASSWORD_PATH
        return SECOND_FACTOR_PATH if self.second_factor_due else ""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser, and who is at it; nobody yet if `account` is None."""

    session_id: str
    opened_at: int
    """Seconds since 1970."""
    account: SignedIn | None = None
    device_id: str = ""
    """The enrolled device at which somebody signed in: with it the session ends."""

    @classmethod
    def open(cls, now: datetime, account: SignedIn | None = None, device_id: str = "") -> Session:
        """Always with a fresh id, so that nobody signs in under an id that another one chose."""
        return cls(secrets.token_urlsafe(18), int(now.timestamp()), account, device_id)


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A browser that was enrolled as a device of this hall."""

    device_id: str
    secret: str
    """In Base64."""


class Sessions:
    """Reads and writes the cookie."""

    def __init__(self, seal: Seal, secure: bool) -> None:
        self.seal = seal
        self._secure = secure
        # Browsers take this prefix only over HTTPS, for this host and the whole of it.
        self.cookie = "__Host-hallnet" if secure else "hallnet"
        self.device_cookie = f"{self.cookie}-device"

    def read(self, request: Request, now: datetime) -> Session | None:
        """The session of a request; None if it has none, or an old or a forged one."""
        raw = self.seal.read(_SESSION, request.cookies.get(self.cookie, ""))
        if raw is None:
            return None
        try:
            session = msgspec.json.decode(raw, type=Session)
        except msgspec.MsgspecError:
            return None
        age = now.timestamp() - session.opened_at
        return session if age < SESSION_SECONDS else None

    def write(self, response: Response, session: Session) -> None:
        response.set_cookie(
            self.cookie,
            self.seal.sign(_SESSION, msgspec.json.encode(session)),
            max_age=SESSION_SECONDS,
            secure=self._secure,
            httponly=True,
            # Not "strict": a link in a message to staff has to find them signed in.
            samesite="lax",
        )

    def device(self, request: Request) -> KnownDevice | None:
        """The device that a browser was enrolled as; None if it was not."""
        raw = self.seal.read(_DEVICE, request.cookies.get(self.device_cookie, ""))
        return None if raw is None else msgspec.json.decode(raw, type=KnownDevice)

    def write_device(self, response: Response, device: KnownDevice) -> None:
        response.set_cookie(
            self.device_cookie,
            self.seal.sign(_DEVICE, msgspec.json.encode(device)),
            max_age=DEVICE_SECONDS,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )

    def forms_token(self, session: Session) -> str:
        """Goes with every form, so that no other site can send one (CSRF)."""
        return self.seal.mark(_FORMS, session.session_id.encode())

    def is_own_form(self, session: Session, token: str) -> bool:
        return self.seal.matches(_FORMS, session.session_id.encode(), token)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
