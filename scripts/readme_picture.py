"""Draw the answer of a run as the README's picture: `python scripts/readme_picture.py results/NAME docs/NAME.svg`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from harness.record import RunFolder
from harness.results import read_checked
from harness.terminal.tables import results_table

WIDTH = 128


def main(run: Path, picture: Path) -> None:
    """Write the first method's table as an SVG that fetches nothing."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(results_table(read_checked(RunFolder(run))))
    svg = console.export_svg(title="python -m harness run --frameworks all", unique_id="harness")
    # The fonts that rich names would be fetched from elsewhere; any monospaced one does.
    picture.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
