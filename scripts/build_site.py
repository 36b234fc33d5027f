"""Build the documentation site: `python scripts/build_site.py SITE`. Needs the extra `docs`.

The pages link to reports, to the README and to files beside the code, as they lie in the checkout. So the site is
built from a copy of just these, in the same places. A broken link is an error.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.files.locations import SOURCE_ROOT

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs", "reports")
BESIDE_CODE = "adapters/**/README.md"
CONFIG = SOURCE_ROOT / "mkdocs.yml"


def build(site: Path) -> None:
    """Build the site into a folder. Raises CalledProcessError if a link is broken."""
    with tempfile.TemporaryDirectory() as staging:
        gather(Path(staging))
        config = Path(staging).with_suffix(".yml")
        text = CONFIG.read_text(encoding="utf-8")
        config.write_text(f"{text}\ndocs_dir: {staging}\nsite_dir: {site.resolve()}\n", encoding="utf-8")
        try:
            command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(config)]
            subprocess.run(command, check=True, cwd=SOURCE_ROOT)
        finally:
            config.unlink()


def gather(folder: Path) -> None:
    """Copy the pages, and what they show, to the same places below a folder."""
    for name in PAGES:
        source = SOURCE_ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.html"))
        elif source.exists():
            shutil.copy(source, folder / name)
    for path in SOURCE_ROOT.glob(BESIDE_CODE):
        target = folder / path.relative_to(SOURCE_ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
