"""The webhook channel against a real server: what is taken, what is not, and that nothing hangs."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.notify.parts import PERSON, SECRETS, ask, notice
from tests.notify.receiver import (
    Behaviour,
    Receiver,
    cut,
    drops,
    endless,
    receiving,
    rubbish,
    silence,
    status,
)

from hallnet.node import tls
from hallnet.notify import webhook
from hallnet.notify.channels import NotTaken
from hallnet.notify.webhook import WebhookChannel


async def post(
    behaviour: Behaviour, times: int = 1, secured: ssl.SSLContext | None = None
) -> Receiver:
    """Hand a notice to a server; raises NotTaken."""
    async with receiving(behaviour, secured) as receiver:
        scheme, host = ("https", "localhost") if secured else ("http", "127.0.0.1")
        channel = WebhookChannel(f"{scheme}://{host}:{receiver.port}/notices?hall=330127")
        try:
            for _ in range(times):
                await channel.send(notice())
        finally:
            await channel.close()
        return receiver


def refused(behaviour: Behaviour, expect: str, secured: ssl.SSLContext | None = None) -> None:
    with pytest.raises(NotTaken) as error:
        ask(post(behaviour, secured=secured))
    assert str(error.value) == expect
    assert not any(secret in str(error.value) for secret in SECRETS)


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_a_notice_is_posted_as_json_and_taken(code: int) -> None:
    (request,) = ask(post(status(code))).requests
    assert request.line == "POST /notices?hall=330127 HTTP/1.1"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.headers["idempotency-key"] == "intake-1-applicant"
    assert json.loads(request.body) == json.loads(notice().to_json())
    assert PERSON.phone.encode() in request.body


def test_the_key_is_the_same_at_every_try() -> None:
    requests = ask(post(status(200), times=3)).requests
    assert [item.headers["idempotency-key"] for item in requests] == ["intake-1-applicant"] * 3
    assert len({item.body for item in requests}) == 1


@pytest.mark.parametrize("code", [400, 401, 404, 409, 413, 429, 500, 502, 503])
def test_what_the_program_does_not_take_is_not_taken(code: int) -> None:
    refused(status(code), f"HTTP {code}")


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_for_nobody_chose_that_place(code: int) -> None:
    async def elsewhere() -> tuple[Receiver, str]:
        async with receiving(status(200)) as other:
            behaviour = status(code, f"Location: http://127.0.0.1:{other.port}/")
            with pytest.raises(NotTaken) as error:
                await post(behaviour)
            return other, str(error.value)

    other, said = ask(elsewhere())
    assert said == f"HTTP {code}"
    assert other.requests == []


@pytest.mark.parametrize("behaviour", [cut, rubbish])
def test_an_answer_that_is_cut_off_or_none_is_not_taken(behaviour: Behaviour) -> None:
    refused(behaviour, "RemoteProtocolError")


@pytest.mark.parametrize("behaviour", [silence, drops])
def test_a_program_that_does_not_come_to_an_end_is_left(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "WEBHOOK_SECONDS", 0.3)
    with pytest.raises(NotTaken) as error:
        ask(post(behaviour))
    assert str(error.value) in ("ReadTimeout", "TimeoutError")


def test_an_answer_of_any_length_is_not_read() -> None:
    async def talk() -> None:
        async with receiving(endless) as receiver:
            channel = WebhookChannel(f"http://127.0.0.1:{receiver.port}/")
            await channel.send(notice())
            await receiver.left.wait()
            await channel.close()

    ask(talk())


def test_nobody_at_home_is_not_taken() -> None:
    with pytest.raises(NotTaken) as error:
        ask(WebhookChannel("http://127.0.0.1:1/").send(notice()))
    assert str(error.value) == "ConnectError"


@pytest.mark.parametrize(
    "url", ["http://[bad", "ftp://127.0.0.1/", "notices", "http://127.0.0.1:99999/", "http://"]
)
def test_an_address_that_is_none_is_not_taken_and_ends_nothing(url: str) -> None:
    with pytest.raises(NotTaken):
        ask(WebhookChannel(url).send(notice()))


# TLS


def served_as(name: str, folder: Path, authority: tls.Authority) -> ssl.SSLContext:
    """A server with a certificate for a name."""
    now, key = datetime.now(UTC), tls.new_private_key()
    (folder / "server.key").write_bytes(key)
    (folder / "server.pem").write_bytes(tls.issue(authority, tls.public_der(key), [name], now, 10))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tls.Authority:
    """An authority that this machine trusts."""
    made = tls.new_authority("trusted", datetime.now(UTC))
    (tmp_path / "authority.pem").write_bytes(made.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


def test_a_program_with_a_trusted_certificate_takes_notices(
    authority: tls.Authority, tmp_path: Path
) -> None:
    receiver = ask(post(status(200), secured=served_as("localhost", tmp_path, authority)))
    assert len(receiver.requests) == 1


def _unknown_authority(authority: tls.Authority, folder: Path) -> ssl.SSLContext:
    return served_as("localhost", folder, tls.new_authority("other", datetime.now(UTC)))


def _another_name(authority: tls.Authority, folder: Path) -> ssl.SSLContext:
    return served_as("somebody.else", folder, authority)


@pytest.mark.parametrize("make", [_unknown_authority, _another_name])
def test_a_program_that_cannot_show_who_it_is_gets_nothing(
    authority: tls.Authority,
    tmp_path: Path,
    make: Callable[[tls.Authority, Path], ssl.SSLContext],
) -> None:
    refused(status(200), "ConnectError", make(authority, tmp_path))
