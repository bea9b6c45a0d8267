"""An invitation code is whole or refused, and pins the root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import NOW, certify, found_root

from hallnet.codec.moments import to_timestamp
from hallnet.trust.certificate import Certificate
from hallnet.trust.invitation import (
    CODE_CHARACTERS_MAX,
    PREFIX,
    InvitationMalformed,
    RootNotAsInvited,
    read_code,
    root_of,
    write_code,
)
from hallnet.wire.trust.v1 import certificate_pb2 as wire

ROOT = found_root("33")
PROVINCE = certify(ROOT, "33")
CITY = certify(PROVINCE, "3301")


def invitation(**changes: object) -> wire.Invitation:
    values: dict[str, object] = {
        "address": "3301",
        "broker_url": "tls://33.example:4222",
        "root_id": ROOT.certificate.id,
        "link_authority": b"authority" * 40,
        "link_certificate": b"certificate" * 40,
        "link_key": b"key" * 40,
        "invitation_id": "0" * 32,
        "expires_at": to_timestamp(NOW),
    }
    return wire.Invitation(**(values | changes))  # type: ignore[arg-type]


def welcome(*chain: Certificate) -> wire.Welcome:
    return wire.Welcome(chain=[item.to_message() for item in chain])


@given(st.binary(max_size=300), st.text(max_size=50))
def test_what_is_written_is_read_back(key: bytes, url: str) -> None:
    made = invitation(link_key=key, broker_url=url)
    assert read_code(write_code(made)) == made


def test_a_code_is_one_line_of_letters_digits_and_hyphens() -> None:
    code = write_code(invitation())
    assert code.removeprefix(PREFIX).replace("-", "").replace("_", "").isalnum()
    assert code.isascii()


def test_a_code_that_was_broken_into_lines_is_read_all_the_same() -> None:
    code = write_code(invitation())
    broken = "\n ".join(code[at : at + 60] for at in range(0, len(code), 60)) + "\n"
    assert read_code(broken) == invitation()


@given(st.data())
def test_a_code_with_one_character_changed_or_cut_is_refused(data: st.DataObject) -> None:
    code = write_code(invitation())
    at = data.draw(st.integers(0, len(code) - 3))
    other = data.draw(st.sampled_from("Aa0-_.!中 "))
    changed = code[:at] + other + code[at + 1 :]
    cut = code[: data.draw(st.integers(0, len(code) - 1))]
    if changed != code:
        with pytest.raises(InvitationMalformed):
            read_code(changed)
    with pytest.raises(InvitationMalformed):
        read_code(cut)


@pytest.mark.parametrize(
    "text", ["", PREFIX, PREFIX + "!", "x" * (4 * CODE_CHARACTERS_MAX), PREFIX + "A" * 9000]
)
def test_a_text_that_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(InvitationMalformed):
        read_code(text)


def test_a_code_for_no_address_is_refused() -> None:
    with pytest.raises(InvitationMalformed):
        read_code(write_code(invitation(address="Hangzhou")))


def test_a_welcome_that_leads_to_the_root_of_the_invitation_is_taken() -> None:
    made = welcome(CITY.certificate, PROVINCE.certificate, ROOT.certificate)
    assert root_of(invitation(), made) == ROOT.certificate


@pytest.mark.parametrize(
    "chain",
    [
        (),
        (CITY.certificate, PROVINCE.certificate),
        (CITY.certificate, PROVINCE.certificate, found_root("33", "another").certificate),
    ],
    ids=["empty", "without its root", "of another network"],
)
def test_a_welcome_that_leads_elsewhere_is_not_taken(chain: tuple[Certificate, ...]) -> None:
    with pytest.raises(RootNotAsInvited):
        root_of(invitation(), welcome(*chain))


def test_a_hall_that_bears_the_identifier_of_the_root_is_no_root() -> None:
    made = invitation(root_id=CITY.certificate.id)
    with pytest.raises(RootNotAsInvited):
        root_of(made, welcome(CITY.certificate))
