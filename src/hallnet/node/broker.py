"""The message server of a node that has children: its configuration, and its process where supervised.

Each child dials in with a certificate that this node issued; the server maps the certificate to a user
that may publish and subscribe the child's own subjects and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from hallnet.node.home import Home
from hallnet.node.messaging import CONNECT_SECONDS, MESSAGE_BYTES_MAX
from hallnet.places import Address
from hallnet.problems import Kind, Problem

RESTART_SECONDS = 1.0
STOP_SECONDS = 3.0
CONFIGURATION = "data/broker.conf"
PID_FILE = "data/broker.pid"

_log = logging.getLogger("hallnet.broker")


class MessageServerMissing(Problem):
    """There is no nats-server program."""

    kind = Kind.UNAVAILABLE
    reason = "MESSAGE_SERVER_MISSING"
    zh = "找不到nats-server程序"
    zh_remedy = "请安装hallnet[servers]，或将nats-server 2.15以上版本放入PATH，或使用自有NATS并设置broker.supervised=false"
    en = "There is no nats-server program"
    en_remedy = (
        "Install hallnet[servers], or put nats-server 2.15 or newer on the PATH, or use a NATS of "
        "your own and set broker.supervised to false"
    )


def subjects_up(child: Address) -> str:
    """What a child publishes."""
    return f"up.{child}"


def subjects_down(child: Address) -> str:
    """What a child listens to."""
    return f"down.{child}"


def asker(subject: str) -> str:
    """Who asks a parent: a child or an invitation; the server lets nobody else speak on the subject."""
    return subject.split(".")[1]


def user_name(address: Address) -> str:
    """The name in the certificate of a link, by which the server knows who dialled in."""
    return f"{address}.hallnet"


def subject_of_invitation(invitation_id: str) -> str:
    """What a newcomer publishes, and nothing else."""
    return f"invitation.{invitation_id}"


def user_of_invitation(invitation_id: str) -> str:
    """The name in the certificate of an invitation."""
    return f"{invitation_id}.invitation.hallnet"


def configuration(
    home: Home,
    listen: str,
    owner: Address,
    children: Iterable[Address],
    invitations: Iterable[str] = (),
) -> str:
    """The server's configuration. JSON is a subset of its language."""
    users: list[dict[str, object]] = [{"user": user_name(owner)}]
    users += [
        {
            "user": user_name(child),
            "permissions": {
                "publish": [f"{subjects_up(child)}.>"],
                "subscribe": [f"{subjects_down(child)}.>", f"_INBOX.{child}.>"],
                "allow_responses": {"max": 1, "expires": "1m"},
            },
        }
        for child in sorted(children)
    ]
    users += [
        {
            "user": user_of_invitation(invitation_id),
            "permissions": {
                "publish": [subject_of_invitation(invitation_id)],
                "subscribe": [f"_INBOX.{invitation_id}.>"],
            },
        }
        for invitation_id in sorted(invitations)
    ]
    return json.dumps(
        {
            "listen": listen,
            "server_name": f"hallnet-{owner}",
            "max_payload": MESSAGE_BYTES_MAX,
            "ping_interval": "10s",
            "ping_max": 2,
            "pid_file": str(home.path(PID_FILE)),
            "tls": {
                "cert_file": str(home.path("tls/broker.pem")),
                "key_file": str(home.path("tls/broker.key")),
                "ca_file": str(home.path("trust/link-authority.pem")),
                "verify_and_map": True,
                "handshake_first": True,
                "timeout": CONNECT_SECONDS,
            },
            "authorization": {"users": users},
        },
        indent=2,
    )


def write_configuration(
    home: Home,
    listen: str,
    owner: Address,
    children: Iterable[Address],
    invitations: Iterable[str] = (),
) -> bool:
    """Bring the file up to date; True if it changed."""
    text = configuration(home, listen, owner, children, invitations).encode()
    path = home.path(CONFIGURATION)
    if path.exists() and path.read_bytes() == text:
        return False
    home.write(CONFIGURATION, text)
    return True


def reload(home: Home) -> None:
    """Have a running server read its configuration again; open connections stay."""
    try:
        os.kill(int(home.path(PID_FILE).read_text()), signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError):
        _log.info("no message server to reload")


def program() -> Path:
    """The nats-server program; raises MessageServerMissing."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise MessageServerMissing()
    return Path(found)


async def supervise(home: Home) -> None:
    """Run the server for as long as this is not cancelled; start it again if it ends."""
    server = program()
    while True:
        process = await asyncio.create_subprocess_exec(
            str(server),
            "-c",
            str(home.path(CONFIGURATION)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=home.path("data/broker.log").open("ab"),
            start_new_session=True,
        )
        try:
            code = await process.wait()
            _log.warning("the message server ended with %s and is started again", code)
            await asyncio.sleep(RESTART_SECONDS)
        finally:
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
                except TimeoutError:
                    process.kill()


def end_orphan(home: Home) -> None:
    """End a server that outlived its node (kill -9), for it holds the port; before anybody dials it."""
    try:
        pid = int(home.path(PID_FILE).read_text())
    except (OSError, ValueError):
        return
    if str(home.path(CONFIGURATION)).encode() not in _command(pid):
        return
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + STOP_SECONDS
    while _command(pid) and time.monotonic() < deadline:
        time.sleep(0.01)


def _command(pid: int) -> bytes:
    """The command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
