"""What a bundle says of itself: manifest.json, written last and checked before anything of it is installed."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import BundleError
from harness.files.cache import file_sha256

MANIFEST = "manifest.json"
TOKENIZER = "inputs/tokenizer.zip"
HARNESS = "harness"
"""The name of the overlay with the controller's own needs."""


class Overlaid(BaseModel):
    """One overlay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wheels: tuple[str, ...]
    """File names under wheels/."""
    builds_on: tuple[str, ...]
    """NAME==VERSION, or NAME with the versions that will do, that the node's interpreter must have."""
    assumed: tuple[str, ...] = ()
    """Of these, what was taken to serve without knowing its version; `setup --offline` looks."""
    does_without: tuple[str, ...]


class Manifest(BaseModel):
    """The whole bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    harness_version: str
    python_version: str
    machine: str
    glibc: int
    overlays: dict[str, Overlaid]
    """By framework, and HARNESS."""
    dataset: str
    """The token blocks, to be given to --dataset."""
    dataset_source: str
    slimmed_bytes: dict[str, int]
    """Saved by taking files out of a wheel, by its name."""
    sha256: dict[str, str]
    """Of every other file, by its path in the bundle."""


def read_manifest(bundle: Path) -> Manifest:
    """The manifest of a bundle whose files are all as it says. Raises BundleError."""
    path = bundle / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{bundle}: holds no {MANIFEST}; a bundle is made by: harness bundle") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{path}: {place}: {first['msg']}; make the bundle anew") from error
    for name, expected in manifest.sha256.items():
        file = bundle / name
        if not file.resolve().is_relative_to(bundle.resolve()) or not file.is_file():
            raise BundleError(f"{file}: is missing; copy the bundle again")
        if file_sha256(file) != expected:
            raise BundleError(f"{file}: is not as {MANIFEST} says (sha256); copy the bundle again")
    return manifest
