"""The bounds of what travels. Each is checked before memory is spent on what exceeds it."""

from __future__ import annotations

from datetime import timedelta

HEADER_BYTES_MAX = 4 * 1024
SEALED_BODY_BYTES_MAX = 1024 * 1024
PAYLOAD_BYTES_MAX = 960 * 1024
"""What a service may ask to have carried in one envelope; longer things travel as attachments."""

BATCH_BYTES_MAX = 8 * 1024 * 1024
"""What is under way to a neighbour at most, in two batches: what is done once for a batch costs as much as a few
megabytes do."""
BATCH_PARCELS_MAX = 256
CREDIT_BYTES_TOTAL = 64 * 1024 * 1024
"""What all neighbours of a hall together may have under way to it."""
CREDIT_BYTES_MIN = 64 * 1024


def credit(neighbours: int) -> int:
    """How many bytes the next batch of each of so many neighbours may have.

    A province with ninety children takes less at once from each than a township from its parent.
    """
    share = CREDIT_BYTES_TOTAL // max(neighbours, 1)
    return min(max(share, CREDIT_BYTES_MIN), BATCH_BYTES_MAX)


HOPS_MAX = 16
"""A case crosses at most seven links (village township to village township in another province)."""

LIFETIME = timedelta(days=60)
"""How long an envelope may be under way: longer than a hall may be cut off."""
CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be, and how far two clocks may be apart unreported: certificates
are dated back by as much (`certifying.BACKDATED`), and no time limit of a case is shorter than a day."""

ATTACHMENT_CHUNK_BYTES = 128 * 1024
"""A chunk is never cut: on a line of 64 kbit/s it holds up what is urgent for 16 seconds, and its answer
comes within the patience of the link. All chunks of a material but the last are as long as this."""
ATTACHMENT_RUN_CHUNKS_MAX = 7
"""So many chunks in a row may go in one envelope, to a neighbour over a fast line: as many as fit into a body."""
ATTACHMENT_BYTES_MAX = 1024 * 1024 * 1024
ATTACHMENT_WINDOW_CHUNKS = 128
"""Chunks to one recipient that are sealed and have no receipt: the next ones are sealed as receipts come in,
so that no material, however large, lies whole in the queue of its sender."""
ATTACHMENT_PORTION_CHUNKS = 28
"""As many are sealed in one transaction: the first ones travel while the next ones are sealed."""
ATTACHMENTS_PAUSE = timedelta(seconds=60)
"""How long materials are held back from a neighbour that has no room for them; all else goes on."""
