"""What an export kept -> findings: is it what was trained?

The tolerances. Weights: an fp32 export holds what was trained to float32's rounding; a 16-bit one to that of bf16, half
of 2^-8. What training added is compared by regression over all weights, from which rounding averages out, so a lost
twentieth is seen in any dtype. Logits: 1e-4 of the largest where everything is fp32; 3e-2 where weights are rounded to
16 bits (bf16 keeps 8 bits; rounding adds up over the layers). An adapter that was trained over 4-bit weights and merged
into the checkpoint's own has other logits by construction: twice what the 4-bit rounding itself did to the untrained
model's logits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.audit.findings import Finding, compared, judged
from harness.errors import ModelError
from harness.job.job import Job
from harness.job.model_folder import read_config
from harness.studies.deploy.sample_texts import tokenizer_finding

LEAST_KEPT, MOST_KEPT = 0.95, 1.05
WEIGHTS_OFF = {"fp32": 1e-5, "16 bits": 2.0**-8}
LOGITS_OFF = {"fp32": 1e-4, "16 bits": 3e-2}
BY_QUANTIZATION = 2.0
"""Times the distance that 4-bit rounding put between the untrained model's logits."""


def export_findings(
    job: Job, kept: Mapping[str, Any], loaded: Mapping[str, Any], before: Path, after: Path
) -> tuple[Finding, ...]:
    """Return all findings on an export.

    `kept`: what adapters.instruments.exporting.kept_weights read. `loaded`: the facts of loading it in transformers.
    `before`, `after`: the model's folders.
    """
    rounding = _rounding_of(job, kept)
    return (
        _tensors(kept),
        _change(kept),
        judged(
            "trained weights",
            f"within {WEIGHTS_OFF[rounding]:.1g} of their size",
            f"{kept['off_share']:.1e} off",
            same=kept["off_share"] <= WEIGHTS_OFF[rounding],
        ),
        judged(
            "weights that are not trained",
            f"within {WEIGHTS_OFF[rounding]:.1g} of their size",
            f"{kept['others_off_share']:.1e} off",
            same=kept["others_off_share"] <= WEIGHTS_OFF[rounding],
        ),
        _logits(job, kept, loaded),
        _tied(job, kept, loaded),
        _shape(job, after),
        tokenizer_finding(before, after),
    )


def _rounding_of(job: Job, kept: Mapping[str, Any]) -> str:
    """Return which tolerance applies: "fp32" if job and export are, else "16 bits"."""
    return "fp32" if job.precision == "fp32" and kept["dtypes"] == ["F32"] else "16 bits"


def _logits_tolerance(job: Job, kept: Mapping[str, Any], loaded: Mapping[str, Any]) -> float:
    """Return how far logits may be from the trained model's, as a share of the largest."""
    tolerance = LOGITS_OFF[_rounding_of(job, kept)]
    if job.method == "qlora" and kept["base"] == "as loaded":
        return max(tolerance, BY_QUANTIZATION * float(loaded["quantization_moved_logits"]))
    return tolerance


def _tensors(kept: Mapping[str, Any]) -> Finding:
    wrong = [f"without {name}" for name in kept["missing"]]
    # A stored head is judged with the tied embedding.
    wrong += [f"with {name}" for name in kept["added"] if name != "lm_head.weight"]
    wrong += kept["reshaped"]
    return judged("tensors", "those of the model", ", ".join(wrong[:4]) or "those of the model", same=not wrong)


def _change(kept: Mapping[str, Any]) -> Finding:
    share = kept["kept_share"]
    if share is None:
        return judged("what training added", "100%", "training changed nothing", same=False)
    return judged("what training added", "100%", f"{share:.1%}", same=LEAST_KEPT <= share <= MOST_KEPT)


def _logits(job: Job, kept: Mapping[str, Any], loaded: Mapping[str, Any]) -> Finding:
    tolerance, apart = _logits_tolerance(job, kept, loaded), loaded["logits_apart"]
    asked = f"the trained model's, within {tolerance:.1g} of the largest"
    return judged("logits", asked, f"{apart:.1e} apart", same=apart <= tolerance)


def _tied(job: Job, kept: Mapping[str, Any], loaded: Mapping[str, Any]) -> Finding:
    asked = job.shape.tie_word_embeddings
    tied = bool(loaded["ties_embeddings"])
    if asked and kept["head_is_embedding"] is False:
        return judged("embedding and head", "tied", "tied, and stored as two different tensors", same=False)
    return compared("embedding and head", _word(asked), _word(tied))


def _word(tied: bool) -> str:
    return "tied" if tied else "two tensors"


def _shape(job: Job, after: Path) -> Finding:
    """Judge the dimensions in an export's config.json. Other settings of it change no weight."""
    subject, asked = "config.json", "the job's shape"
    try:
        config = read_config(after)
    except ModelError as error:
        return judged(subject, asked, str(error).partition(": ")[2], same=False)
    # transformers 5 writes rope_parameters.rope_theta, 4 wrote rope_theta.
    found = {"rope_theta": config.get("rope_theta"), **(config.get("rope_parameters") or {}), **config}
    wrong = [
        f"{name} = {found.get(name)}, not {value}"
        for name, value in {"model_type": "qwen3", **dataclasses.asdict(job.shape)}.items()
        if found.get(name) != value
    ]
    return judged(subject, asked, ", ".join(wrong) or asked, same=not wrong)
