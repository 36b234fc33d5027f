"""The environment variables of a worker: no secrets, no telemetry, no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness.execute.worker_process import Device
from harness.machine.gpu import first_gpu

SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "_KEY", "APIKEY", "CREDENTIAL", "_PAT", "PROXY")
CREDENTIALS_IN_URL = re.compile(r"://[^/\s]*@")
NOT_FOR_WORKERS = ("PYTHON", "VIRTUAL_ENV", "COLUMNS", "LINES", "PIP_", "UV_", "HF_", "WANDB_")
"""Prefixes of environment variables that a worker does not need."""
QUIET_AND_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DISABLE_TELEMETRY": "1",
    "WANDB_MODE": "disabled",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNOUSERSITE": "1",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}


def worker_variables(
    base: Mapping[str, str],
    *,
    threads: int,
    device: Device,
    of_framework: Mapping[str, str],
    scratch: Path,
    overlay: Path | None = None,
) -> dict[str, str]:
    """Return the controller's variables without secrets and Python settings, and with telemetry and the network off.

    `overlay`: a folder of packages that come before the interpreter's.
    """
    variables = {
        name: value
        for name, value in base.items()
        if not name.startswith(NOT_FOR_WORKERS)
        and not any(word in name.upper() for word in SECRET_WORDS)
        and not CREDENTIALS_IN_URL.search(value)
    }
    variables |= QUIET_AND_OFFLINE
    variables |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    if overlay is not None:
        variables["PYTHONPATH"] = str(overlay)
    variables["HF_HOME"] = str(scratch / "huggingface")
    # One GPU at most: with several, the Trainer-based frameworks would split the batch.
    gpu = first_gpu() if device == "cuda" else None
    variables["CUDA_VISIBLE_DEVICES"] = gpu.uuid if gpu is not None else ""
    return variables | dict(of_framework)
