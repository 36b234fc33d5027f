"""Draws in a process of its own: a Vega-Lite specification a line in, an SVG a line out, as JSON. Started by path."""

from __future__ import annotations

import json
import sys

import vl_convert

NOTHING = {"data": {"values": []}, "mark": "point"}


def main() -> None:
    """Draw nothing first: whatever is drawn first takes a second, which others can use."""
    vl_convert.vegalite_to_svg(json.dumps(NOTHING))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(vl_convert.vegalite_to_svg(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
