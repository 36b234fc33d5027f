"""Let standard output and error take any text, and outlive their readers.

A character that their encoding lacks is drawn in ASCII, or escaped.
"""

from __future__ import annotations

import codecs
import errno
import io
import select
import sys
from typing import Any

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
"""The characters of tables, bars and curves, in ASCII."""
HANDLER = "harness-drawn"


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    drawn = [
        DRAWN.get(character) or character.encode("ascii", "backslashreplace").decode("ascii") for character in text
    ]
    return "".join(drawn), error.end


codecs.register_error(HANDLER, _in_ascii)


class _Enduring(io.FileIO):
    """A file that drops what nobody reads any more. A closed pipe or a lost terminal ends no command."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._gone = (errno.EPIPE, errno.EIO) if self.isatty() else (errno.EPIPE,)

    def write(self, data: Any) -> int:
        try:
            while (written := super().write(data)) is None:
                # The pipe is full and does not block.
                select.select([], [self], [])
        except OSError as error:
            if error.errno not in self._gone:
                raise
            return memoryview(data).nbytes
        return written


def open_streams() -> None:
    """Let both streams take any text, whatever the locale is, and outlive their readers."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            enduring = io.BufferedWriter(_Enduring(stream.fileno()))
            lines = stream.line_buffering or name == "stderr"
            setattr(sys, name, io.TextIOWrapper(enduring, stream.encoding, HANDLER, line_buffering=lines))
