"""The manifest of a bundle: manifest.json, written last, and checked before anything is installed."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import BundleError
from harness.files.cache import file_sha256

MANIFEST = "manifest.json"
TOKENIZER = "inputs/tokenizer.zip"
HARNESS = "harness"
"""Name of the overlay with the controller's packages."""


class Overlaid(BaseModel):
    """One overlay of a bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wheels: tuple[str, ...]
    """File names under wheels/."""
    builds_on: tuple[str, ...]
    """NAME==VERSION, or NAME with versions that will do, of packages that the node's interpreter must have."""
    assumed: tuple[str, ...] = ()
    """Those of them that were assumed to serve without a known version. `setup --offline` checks them."""
    does_without: tuple[str, ...]


class Manifest(BaseModel):
    """Everything that manifest.json says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    harness_version: str
    python_version: str
    machine: str
    glibc: int
    overlays: dict[str, Overlaid]
    """Overlays by framework, and HARNESS."""
    dataset: str
    """The token blocks, for --dataset."""
    dataset_source: str
    slimmed_bytes: dict[str, int]
    """Bytes saved by taking files out of a wheel, by its name."""
    sha256: dict[str, str]
    """sha256 of every other file, by its path in the bundle."""


def read_manifest(bundle: Path) -> Manifest:
    """Return the manifest of a bundle whose files all match it. Raises BundleError."""
    path = bundle / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{bundle}: holds no {MANIFEST}; a bundle is made by: harness bundle") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{path}: {place}: {first['msg']}; make the bundle again") from error
    for name, expected in manifest.sha256.items():
        file = bundle / name
        if not file.resolve().is_relative_to(bundle.resolve()) or not file.is_file():
            raise BundleError(f"{file}: is missing; copy the bundle again")
        if file_sha256(file) != expected:
            raise BundleError(f"{file}: is not as {MANIFEST} says (sha256); copy the bundle again")
    return manifest
