"""What a training taught, by its loss on held-out blocks: is it enough to speak of, and as much as the reference?"""

from __future__ import annotations

from harness.records.deployments import DeploymentRecord

LEAST_NATS = 1.0
"""Random weights count as trained once training has lowered their held-out loss by this much."""
SAME_SHARE, SAME_NATS = 0.02, 1e-3
"""A framework learned as much as the reference if their losses differ by less than this share of what was learned, or
by less than this many nats.
"""


def has_learned(record: DeploymentRecord) -> bool:
    """True if the weights are trained ones, so that what quantization costs them means something."""
    if record.is_pretrained:
        return True
    return (gain := learned_nats(record)) is not None and gain >= LEAST_NATS


def learned_nats(record: DeploymentRecord) -> float | None:
    """Return how far training lowered the held-out loss; None if it is not known."""
    if record.untrained_loss is None or record.trained_loss is None:
        return None
    return record.untrained_loss - record.trained_loss


def learned_as_much(record: DeploymentRecord, reference: DeploymentRecord | None) -> bool | None:
    """True if a framework's held-out loss fell as the reference's did; None if one is not known."""
    if reference is None or record.trained_loss is None or reference.trained_loss is None:
        return None
    gain = learned_nats(reference) or 0.0
    return abs(record.trained_loss - reference.trained_loss) <= max(SAME_NATS, SAME_SHARE * abs(gain))


def as_much_as(record: DeploymentRecord, reference: DeploymentRecord | None) -> str:
    """Return whether a framework learned as much as the reference, in words."""
    same = learned_as_much(record, reference)
    if same is None or reference is None or record.trained_loss is None or reference.trained_loss is None:
        return "-"
    apart = record.trained_loss - reference.trained_loss
    if same:
        return f"as the reference ({apart:+.4f})"
    return f"{'less' if apart > 0 else 'more'} than the reference ({apart:+.4f})"
