"""Where a result's files are in the cache, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.files.cache import folder_of
from harness.records.deployments import DeploymentRecord
from harness.studies.deploy.quantizations import Quantization

KIND = "deployed"
"""The results' folder in the cache."""
RECORD = "deployment.json"
OLLAMA_FILE = "Modelfile"


def key_of(blank: DeploymentRecord, quantizations: Sequence[Quantization]) -> dict[str, Any]:
    """Return a result's key in the cache."""
    return {**blank.identity, "quantizations": [one.name for one in quantizations], "format": 1}


def is_unreadable(folder: Path) -> bool:
    """True if a folder is there whose record another version of this program wrote."""
    try:
        DeploymentRecord.model_validate_json((folder / RECORD).read_bytes())
    except FileNotFoundError:
        return folder.is_dir()
    except ValueError:
        return True
    return False


def kept_folder(record: DeploymentRecord, cache: Path) -> Path:
    """Return where a recorded result's files are, or would be."""
    key = {**record.identity, "quantizations": [file.quantization for file in record.files], "format": 1}
    return folder_of(cache, KIND, key)


def gguf_name(quantization: str) -> str:
    """Return the name of a GGUF file in a result's folder."""
    return f"model-{quantization}.gguf"
