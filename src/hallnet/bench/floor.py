"""The floor of the exchange: the work that nobody can leave out, with bare libraries and no hallnet.

Two processes and a message server. For each batch the sender seals, commits and hashes every message, signs
one root, writes all of it to SQLite in one durable transaction, and sends one request; the receiver
verifies the signature and every path, opens every message, writes it and a signed receipt in one durable
transaction, and replies; the sender verifies the receipt and writes it down.
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import pickle  # Between the two processes of the floor, on loopback.
import sqlite3
import subprocess
import time
from multiprocessing.connection import Connection
from pathlib import Path

import nats
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nats.aio.client import Client
from nats.aio.msg import Msg

SUBJECT = "floor.batch"
REPLY_SECONDS = 30.0
Message = tuple[bytes, bytes, bytes, bytes, list[bytes]]
"""Header, nonce, ciphertext, salt, path."""


def run(folder: Path, server: Path, port: int, messages: int, size: int, batch: int) -> float:
    """Carry messages; returns how many a second."""
    url = f"nats://127.0.0.1:{port}"
    broker = subprocess.Popen(
        [str(server), "-a", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    key, content_key = Ed25519PrivateKey.generate(), os.urandom(32)
    public = key.public_key().public_bytes_raw()
    receiver = context.Process(
        target=_receive, args=(url, str(folder / "receiver.db"), public, content_key, theirs)
    )
    try:
        receiver.start()
        receiver_public: bytes = ours.recv()
        return asyncio.run(
            _send(
                url, folder / "sender.db", key, receiver_public, content_key, messages, size, batch
            )
        )
    finally:
        receiver.kill()
        receiver.join()
        broker.kill()
        broker.wait()


async def _send(
    url: str,
    path: Path,
    key: Ed25519PrivateKey,
    receiver_public: bytes,
    content_key: bytes,
    messages: int,
    size: int,
    batch: int,
) -> float:
    database = _database(path)
    verifier = Ed25519PublicKey.from_public_bytes(receiver_public)
    client = await _connected(url)
    payload = os.urandom(size)
    began = time.perf_counter()
    for first in range(0, messages, batch):
        count = min(batch, messages - first)
        sealed = [_seal(first + n, payload, content_key) for n in range(count)]
        root, paths = _tree([_leaf(header) for header, *_ in sealed])
        signature = key.sign(root)
        full = [(*item, path) for item, path in zip(sealed, paths, strict=True)]
        with database:
            database.executemany(
                "INSERT INTO message (header, body) VALUES (?, ?)",
                [(header, nonce + body) for header, nonce, body, _ in sealed],
            )
        reply = await client.request(
            SUBJECT, pickle.dumps((root, signature, full)), timeout=REPLY_SECONDS
        )
        receipt, receipt_signature = pickle.loads(reply.data)  # noqa: S301
        verifier.verify(receipt_signature, receipt)
        with database:
            database.executemany(
                "UPDATE message SET receipt = ? WHERE header = ?",
                [(receipt, header) for header, *_ in sealed],
            )
    seconds = time.perf_counter() - began
    await client.close()
    database.close()
    return messages / seconds


def _receive(
    url: str, path: str, sender_public: bytes, content_key: bytes, told: Connection
) -> None:
    asyncio.run(_answer(url, Path(path), sender_public, content_key, told))


async def _answer(
    url: str, path: Path, sender_public: bytes, content_key: bytes, told: Connection
) -> None:
    database = _database(path)
    key, verifier = Ed25519PrivateKey.generate(), Ed25519PublicKey.from_public_bytes(sender_public)
    client = await _connected(url)
    box = AESGCM(content_key)

    async def take(message: Msg) -> None:
        root, signature, full = pickle.loads(message.data)  # noqa: S301
        verifier.verify(signature, root)
        rows = []
        for index, (header, nonce, body, salt, siblings) in enumerate(full):
            if _root_of(_leaf(header), index, siblings) != root:
                raise ValueError("path")
            plain = box.decrypt(nonce, body, header)
            if hashlib.sha256(salt + plain).digest() not in header:
                raise ValueError("commitment")
            rows.append((header, plain))
        receipt = hashlib.sha256(b"".join(header for header, _ in rows)).digest()
        with database:
            database.executemany("INSERT INTO message (header, body) VALUES (?, ?)", rows)
        await message.respond(pickle.dumps((receipt, key.sign(receipt))))

    await client.subscribe(SUBJECT, cb=take)
    await client.flush()
    told.send(key.public_key().public_bytes_raw())
    await asyncio.Event().wait()


async def _connected(url: str) -> Client:
    return await nats.connect(url, max_reconnect_attempts=100, reconnect_time_wait=0.1)


def _database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE message (header BLOB PRIMARY KEY, body BLOB, receipt BLOB)")
    return database


def _seal(number: int, payload: bytes, content_key: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    salt, nonce = os.urandom(32), os.urandom(12)
    commitment = hashlib.sha256(salt + payload).digest()
    header = number.to_bytes(16, "big") + commitment
    return header, nonce, AESGCM(content_key).encrypt(nonce, payload, header), salt


def _leaf(header: bytes) -> bytes:
    return hashlib.sha256(b"\0" + header).digest()


def _tree(leaves: list[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Root and paths of a tree whose last row is filled up with its last leaf."""
    rows = [leaves]
    while len(rows[-1]) > 1:
        row = rows[-1] + rows[-1][-1:] * (len(rows[-1]) % 2)
        rows[-1] = row
        rows.append(
            [hashlib.sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
        )
    paths = [
        [row[(index >> level) ^ 1] for level, row in enumerate(rows[:-1])]
        for index in range(len(leaves))
    ]
    return rows[-1][0], paths


def _root_of(leaf: bytes, index: int, path: list[bytes]) -> bytes:
    value = leaf
    for sibling in path:
        pair = sibling + value if index & 1 else value + sibling
        value = hashlib.sha256(b"\1" + pair).digest()
        index >>= 1
    return value
