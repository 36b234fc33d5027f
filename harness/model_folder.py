"""What a model folder's config.json says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from harness.errors import ModelError
from harness.job import JobError, ModelShape


def read_config(folder: Path) -> dict[str, Any]:
    """The mapping in config.json. Raises ModelError if there is none."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: has no config.json, so it is not a model folder") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: is not JSON ({error})") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: must hold a mapping")
    return config


def shape_of(folder: Path) -> ModelShape:
    """The dimensions that config.json tells. Raises ModelError if it is not a Qwen3 model's."""
    path = folder / "config.json"
    config = read_config(folder)
    if config.get("model_type") != "qwen3":
        raise ModelError(f"{path}: model_type = {config.get('model_type')!r}: must be 'qwen3'")
    # transformers 5 writes rope_parameters.rope_theta, 4 wrote rope_theta.
    rope = {"rope_theta": config.get("rope_theta"), **(config.get("rope_parameters") or {})}
    values: dict[str, Any] = {field.name: config.get(field.name) for field in dataclasses.fields(ModelShape)}
    values["rope_theta"] = rope["rope_theta"]
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ModelError(f"{path}: does not say {', '.join(missing)}")
    try:
        return ModelShape(**values)
    except (JobError, TypeError) as error:
        raise ModelError(f"{path}: {error}") from error
