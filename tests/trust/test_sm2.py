"""Suite 2 against what the standards publish, and the one form of what it writes."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.builders import made_from

from hallnet.trust import suites
from hallnet.trust.problems import ContentNotAsCommitted, SuiteNotInstalled
from hallnet.trust.suite import Suite
from hallnet.trust.suites import algorithms

SM2 = algorithms(Suite.SM2)
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF

# GB/T 32918.5-2017 (GM/T 0003.5-2012), annexes A and C, on the recommended curve, with the user
# identity 1234567812345678.
NUMBER = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
POINT_X = bytes.fromhex("09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020")
POINT_Y = bytes.fromhex("CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13")
PUBLIC = b"\x04" + POINT_X + POINT_Y
PRIVATE = NUMBER + PUBLIC
SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
TEXT = b"message digest"


def test_sm3_digests_as_gb_t_32905_shows() -> None:
    """GB/T 32905-2016 annexes A.1 and A.2."""
    assert SM2.digest(b"abc").hex() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    assert SM2.digest(b"abcd" * 16).hex() == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


def test_the_signature_that_gb_t_32918_5_shows_is_valid() -> None:
    """GB/T 32918.5-2017 annex A.2: with Z of the user identity, over the recommended curve."""
    assert SM2.is_signed(PUBLIC, SIGNATURE, TEXT)
    assert not SM2.is_signed(PUBLIC, SIGNATURE, TEXT + b".")


def test_the_key_that_gb_t_32918_5_shows_signs_so_that_its_public_key_verifies() -> None:
    assert SM2.signing_public(PRIVATE) == PUBLIC
    assert SM2.is_signed(PUBLIC, SM2.sign(PRIVATE, TEXT), TEXT)


def test_sm4_gcm_encrypts_as_rfc_8998_shows() -> None:
    """RFC 8998 appendix A.1."""
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    nonce = bytes.fromhex("00001234567800000000ABCD")
    associated = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = bytes.fromhex("".join(8 * 2 * digit for digit in "ABCDEFEA"))
    sealed = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert SM2.encrypt(key, nonce, plain, associated) == sealed
    assert SM2.decrypt(key, nonce, sealed, associated) == plain


def test_the_cipher_that_gb_t_32918_5_shows_is_read_by_the_library() -> None:
    """GB/T 32918.5-2017 annex C.2; its text is longer than a content key, so the library is asked."""
    import gmssl_pyx
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    x = 0x04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73
    y = 0xE858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0
    check = bytes.fromhex("59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766")
    cipher = bytes.fromhex("21886CA989CA9C7D58087307CA93092D651EFA")
    content = encode_dss_signature(x, y)[2:]
    content += b"\x04" + bytes([len(check)]) + check + b"\x04" + bytes([len(cipher)]) + cipher
    der = b"\x30" + bytes([len(content)]) + content
    assert gmssl_pyx.sm2_decrypt(NUMBER, der) == b"encryption standard"


def test_a_content_key_is_sealed_as_c1_c3_c2_in_one_length() -> None:
    content_key = made_from("content", 16)
    for _ in range(50):
        sealed = SM2.seal_key(PUBLIC, content_key)
        assert len(sealed) == 65 + 32 + 16
        assert sealed[0] == 4
        assert SM2.open_key(PRIVATE, sealed) == content_key


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_only_a_content_key_of_the_suite_is_sealed(length: int) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        SM2.seal_key(PUBLIC, bytes(length))


@pytest.mark.parametrize(
    "public",
    [
        pytest.param(b"\x04" + bytes(64), id="the point at infinity"),
        pytest.param(b"\x00", id="the point at infinity in one byte"),
        pytest.param(PUBLIC[:-1] + bytes([PUBLIC[-1] ^ 1]), id="not on the curve"),
        pytest.param(PUBLIC[:-1], id="cut"),
        pytest.param(PUBLIC + b"\x00", id="too long"),
        pytest.param(PUBLIC[1:], id="without its first byte"),
        pytest.param(b"\x03" + POINT_X, id="compressed"),
        pytest.param(b"\x06" + PUBLIC[1:], id="hybrid"),
        pytest.param(
            b"\x04" + (int.from_bytes(POINT_X, "big") + PRIME).to_bytes(33, "big")[-32:] + POINT_Y,
            id="beyond the field",
        ),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_no_point_of_the_curve_is_no_public_key(public: bytes) -> None:
    assert not SM2.is_signed(public, SM2.sign(PRIVATE, TEXT), TEXT)
    with pytest.raises(ValueError, match="SM2"):
        SM2.seal_key(public, bytes(16))


@pytest.mark.parametrize(
    "private",
    [
        pytest.param(bytes(32) + PUBLIC, id="zero"),
        pytest.param(ORDER.to_bytes(32, "big") + PUBLIC, id="the order"),
        pytest.param((ORDER - 1).to_bytes(32, "big") + PUBLIC, id="the order less one"),
        pytest.param(bytes(31) + b"\x07" + PUBLIC, id="of another public key"),
        pytest.param(PRIVATE[:-1], id="cut"),
        pytest.param(NUMBER, id="without its public key"),
        pytest.param(bytes(32), id="of suite 1"),
    ],
)
def test_what_is_no_private_key_neither_signs_nor_opens(private: bytes) -> None:
    with pytest.raises(ValueError, match="SM2"):
        SM2.sign(private, TEXT)
    with pytest.raises(ContentNotAsCommitted):
        SM2.open_key(private, SM2.seal_key(PUBLIC, bytes(16)))


def test_a_signature_has_one_form() -> None:
    """Neither DER nor a number beyond the order stands for it."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    r, s = (int.from_bytes(SIGNATURE[at : at + 32], "big") for at in (0, 32))
    assert not SM2.is_signed(PUBLIC, encode_dss_signature(r, s), TEXT)
    for other in (
        (0, s),
        (r, 0),
        (ORDER, s),
        (r, ORDER),
        (r, ORDER - s),
        (2**256 - 1, s),
        (r, 2**256 - 1),
        (0, 0),
    ):
        assert not SM2.is_signed(PUBLIC, b"".join(n.to_bytes(32, "big") for n in other), TEXT)


@given(st.binary(min_size=113, max_size=113))
def test_a_sealed_key_whose_point_is_off_the_curve_is_not_opened(sealed: bytes) -> None:
    for first in (sealed[:1], b"\x04"):
        with pytest.raises(ContentNotAsCommitted):
            SM2.open_key(PRIVATE, first + sealed[1:])


def test_without_its_library_the_suite_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    monkeypatch.delitem(sys.modules, "hallnet.trust.sm2")
    monkeypatch.delitem(suites._ALGORITHMS, Suite.SM2)
    with pytest.raises(SuiteNotInstalled, match="gmssl-pyx"):
        algorithms(2)
    assert suites.supported() == {Suite.ED25519}
