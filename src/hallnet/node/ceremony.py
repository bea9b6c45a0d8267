"""The record of the making of a root: what was made, by whom, and what everybody has to check.

It is printed and signed on paper; nothing in it is secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hallnet.node.rootkeys import spoken, spoken_key
from hallnet.trust.certificate import Certificate

CHECKS = (
    ("本机未接入任何网络，且将一直保持离线", "this machine is on no network and stays off it"),
    (
        "口令由两人各持一半，分别封存",
        "two persons hold one half of the passphrase each, sealed apart",
    ),
    (
        "root.key已复制两份，存放于两处并登记",
        "root.key was copied twice, kept in two places and listed",
    ),
    ("指纹已逐组朗读并由在场人员核对", "the fingerprint was read aloud and checked by all present"),
    ("root.cert已取出，私钥未离开本机", "root.cert was taken out; the private key was not"),
)
CHECKS_OF_KEEPERS = (
    CHECKS[0],
    (
        "每位保管人的密钥存于其本人介质，口令只有本人知道",
        "each keeper has her key on a medium of her own, and alone knows its passphrase",
    ),
    (
        "每位保管人核对了自己的公钥指纹",
        "each keeper compared the fingerprint of her own key",
    ),
    CHECKS[3],
    ("保管人介质分处存放并登记", "the media of the keepers are kept apart and listed"),
)


def record(certificate: Certificate, sealed: bool, present: Sequence[str], now: datetime) -> str:
    """The text of the record, in Chinese and English, with lines to sign."""
    body = certificate.body
    if body.keepers:
        return _of_keepers(certificate, present, now)
    kept = (
        "有口令保护 sealed by a passphrase" if sealed else "无口令，仅供试验 NOT SEALED: for trials"
    )
    return _text(certificate, [f"私钥 private key   {kept}"], CHECKS, present, now)


def _of_keepers(certificate: Certificate, present: Sequence[str], now: datetime) -> str:
    keepers = certificate.body.keepers
    held = [
        f"保管人 keepers     {len(keepers)} 人，须 {certificate.body.threshold} 人签名 "
        f"{certificate.body.threshold} of {len(keepers)} have to sign",
        *(f"    {place}. {spoken_key(key)}" for place, key in enumerate(keepers, 1)),
    ]
    return _text(certificate, held, CHECKS_OF_KEEPERS, present, now)


def _text(
    certificate: Certificate,
    held: Sequence[str],
    checks: Sequence[tuple[str, str]],
    present: Sequence[str],
    now: datetime,
) -> str:
    body = certificate.body
    lines = [
        "根密钥生成记录  Record of a root ceremony",
        "",
        f"时间 when          {now.astimezone():%F %T %z}",
        f"名称 name          {body.name}",
        f"辖区 division      {body.subject or '全国 the whole country'}",
        f"密码套件 suite     {body.suite.name}",
        f"有效期 valid       {body.not_before:%F} — {body.not_after:%F}",
        *held,
        "",
        "指纹（朗读核对）fingerprint, to be read aloud",
        *(f"    {line}" for line in _halves(spoken(certificate))),
        "指纹（十六进制）in hexadecimal",
        f"    {certificate.id.hex()}",
        "",
        "核对 checked",
        *(f"    [ ] {zh}\n        {en}" for zh, en in checks),
        "",
        "在场人员签名 signed by those present",
        *(f"    {name}  ______________________" for name in present or ("", "", "")),
    ]
    return "\n".join(lines) + "\n"


def _halves(digits: str) -> list[str]:
    groups = digits.split()
    return [" ".join(groups[at : at + 6]) for at in range(0, len(groups), 6)]
