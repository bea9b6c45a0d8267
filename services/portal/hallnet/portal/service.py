"""Putting the portal together: the one place that knows its concrete parts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

import uvicorn

from hallnet.node.desk import Desk
from hallnet.node.feeds import FeedFace
from hallnet.node.home import Home, Part
from hallnet.node.server import Server
from hallnet.places import Address, divisions
from hallnet.portal.application import application
from hallnet.portal.halls import Halls
from hallnet.portal.pages import templates
from hallnet.portal.session import Seal, Sessions
from hallnet.portal.site import Site
from hallnet.portal.trust_notice import TrustNotice

CONCURRENT_REQUESTS_MAX = 200
IDLE_CONNECTION_SECONDS = 15
STOP_SECONDS = 2

_log = logging.getLogger("hallnet.portal")


class Portal:
    """The portal of a node."""

    part = Part.PORTAL

    def __init__(self, home: Home, clock: Callable[[], datetime]) -> None:
        settings = home.settings()
        here = Address.parse(settings.hall.address, "hall.address")
        halls = Halls(here, settings.hall.name, divisions())
        self._listen = settings.portal.listen
        self._desk = Desk(home, Part.PORTAL)
        secure = settings.portal.secure_cookies
        self._notice = TrustNotice()
        site = Site(
            desk=self._desk,
            hall=settings.hall,
            halls=halls,
            sessions=Sessions(Seal.of(home), secure),
            pages=templates(halls),
            clock=clock,
            trust_notice=lambda: self._notice.text,
        )
        self._application = application(site, secure)

    def serve(self, server: Server, feeds: FeedFace) -> None:
        """Nothing: the portal speaks with browsers only."""

    def loops(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        return [
            ("portal", self._serve_browsers),
            ("portal looks at the trust data", lambda: self._notice.watch(self._desk)),
        ]

    async def close(self) -> None:
        await self._desk.close()

    async def _serve_browsers(self) -> None:
        """Serve until cancelled; open requests are answered then, for a moment."""
        listener = _listener(self._listen)
        config = uvicorn.Config(
            self._application,
            log_config=None,
            # Addresses hold the numbers of cases, which are nobody's business in a log.
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONCURRENT_REQUESTS_MAX,
            timeout_keep_alive=IDLE_CONNECTION_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        _log.info("portal on %s", self._listen)
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Leaves signals to the node, which stops all its parts in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listener(listen: str) -> socket.socket:
    """Raises OSError if the address is taken; then the loop is begun again later."""
    at = urlsplit(f"//{listen}")
    found = socket.getaddrinfo(
        at.hostname, at.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY): without, each page
    # waits 40 ms for an acknowledgement.
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
