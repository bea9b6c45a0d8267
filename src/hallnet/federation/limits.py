"""The bounds of what travels. Each is checked before memory is spent on what exceeds it."""

from __future__ import annotations

from datetime import timedelta

HEADER_BYTES_MAX = 4 * 1024
SEALED_BODY_BYTES_MAX = 1024 * 1024
PAYLOAD_BYTES_MAX = 960 * 1024
"""What a service may ask to have carried in one envelope; longer things travel as attachments."""

BATCH_BYTES_MAX = 4 * 1024 * 1024
BATCH_PARCELS_MAX = 256

HOPS_MAX = 16
"""A case crosses at most seven links (village township to village township in another province)."""

LIFETIME = timedelta(days=60)
"""How long an envelope may be under way: longer than a hall may be cut off."""
CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be, and how far two clocks may be apart unreported: certificates
are dated back by as much (`certifying.BACKDATED`), and no time limit of a case is shorter than a day."""

ATTACHMENT_CHUNK_BYTES = 512 * 1024
ATTACHMENT_BYTES_MAX = 20 * 1024 * 1024
