"""Compare the conditions of a measurement with those of a claim."""

from __future__ import annotations

from harness.studies.claims.evidence import Circumstances
from harness.studies.claims.registry import Conditions

JOB_KNOBS = (
    "method",
    "precision",
    "micro_batch_size",
    "gradient_accumulation_steps",
    "sequence_length",
    "lora_rank",
    "target_modules",
    "gradient_checkpointing",
    "compile",
    "attention",
)


def mismatches(conditions: Conditions, under: Circumstances, *, sought: str | None = None) -> tuple[str, ...]:
    """Return what differs, like "sequence_length: 128, not 2048"; empty if every stated condition is met.

    `sought`: a knob of the job that a search varied, so that no claim can state it.
    """
    stated = conditions.given
    differing = [f"{text}: no job of this harness" for text in conditions.others]
    differing += _hardware(conditions, under)
    if "model" in stated and stated["model"] != under.model:
        differing.append(f"model: {under.model}, not {stated['model']}")
    if "track" in stated and stated["track"] != under.track:
        differing.append(f"track: {under.track}, not {stated['track']}")
    for name in JOB_KNOBS:
        has = getattr(under.job, name)
        if name in stated and name != sought and stated[name] != has:
            differing.append(f"{name}: {_text(has)}, not {_text(stated[name])}")
    for package, version in conditions.versions.items():
        has = under.versions.get(package, "not installed")
        if has != version and not has.startswith(f"{version}."):
            differing.append(f"{package}: {has}, not {version}")
    return tuple(differing)


def _hardware(conditions: Conditions, under: Circumstances) -> list[str]:
    differing = []
    if conditions.gpu is not None and not _is_named(conditions.gpu, under):
        differing.append(f"GPU: {under.machine}, not {conditions.gpu}")
    elif conditions.device is not None and conditions.device != under.device:
        differing.append(f"device: {under.machine}, not {'a GPU' if conditions.device == 'cuda' else 'a CPU'}")
    if conditions.gpus is not None and conditions.gpus != under.job.world_size:
        differing.append(f"GPUs: {under.job.world_size}, not {conditions.gpus}")
    # A card's memory is advertised in round numbers: an 80 GB card has 79 to 86 of 1e9 bytes.
    if conditions.memory_gb is not None and not 0.95 < under.memory_bytes / (conditions.memory_gb * 1e9) < 1.08:
        differing.append(f"memory: {under.memory_bytes / 1e9:.3g} GB, not {conditions.memory_gb:g} GB")
    return differing


def _is_named(gpu: str, under: Circumstances) -> bool:
    """True if each word of a claim's GPU is in the driver's name of the GPU."""
    name = under.machine.lower().replace("-", " ")
    return under.device == "cuda" and all(word in name.split() for word in gpu.lower().replace("-", " ").split())


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
