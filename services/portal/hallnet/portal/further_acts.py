"""All acts that are rarer, in the order in which they are offered."""

from __future__ import annotations

from hallnet.portal.further.ending import ENDING_ACTS
from hallnet.portal.further.joint import JOINT_ACTS
from hallnet.portal.further.owning import OWNING_ACTS
from hallnet.portal.further.processing import PROCESSING_ACTS
from hallnet.portal.further.receiving import RECEIVING_ACTS

FURTHER_ACTS = (
    *OWNING_ACTS,
    *RECEIVING_ACTS,
    *PROCESSING_ACTS,
    *JOINT_ACTS,
    *ENDING_ACTS,
)
