"""A process that draws: a Vega-Lite specification per line in, an SVG per line out, as JSON. Started by path."""

from __future__ import annotations

import json
import sys

import vl_convert

NOTHING = {"data": {"values": []}, "mark": "point"}


def main() -> None:
    """Read and draw until the end. The first drawing takes a second, so an empty one comes first, while others work."""
    vl_convert.vegalite_to_svg(json.dumps(NOTHING))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(vl_convert.vegalite_to_svg(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
