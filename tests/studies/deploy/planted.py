"""transformers, whose export is spoilt on the way. Imported in its environment."""

from __future__ import annotations

from pathlib import Path

from adapters.transformers.adapter import TransformersAdapter


class PlantedTransformers(TransformersAdapter):
    """Trains as transformers does. Its exporter is tests/studies/deploy/export.py."""

    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
