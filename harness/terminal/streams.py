"""Standard output and error that take any text: what their encoding lacks is drawn in ASCII, or escaped."""

from __future__ import annotations

import codecs
import io
import sys

DRAWN = {
    **dict.fromkeys("█▉▊▋▌▇▆▅", "#"),
    **dict.fromkeys("▍▎▏▄▃▂▁", "."),
    **dict.fromkeys("─━═╌┄", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┡┩┳┻╇╋┠┨┯┷┿╈╉╊", "+"),
    "→": "->",
    "…": "...",
    "–": "-",
    "•": "*",
}
"""What tables, bars and curves are made of."""
HANDLER = "harness.drawn"


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    drawn = [DRAWN.get(one) or one.encode("ascii", "backslashreplace").decode("ascii") for one in text]
    return "".join(drawn), error.end


codecs.register_error(HANDLER, _in_ascii)


def take_any_text() -> None:
    """Let both streams write what is printed, whatever the locale is."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)
