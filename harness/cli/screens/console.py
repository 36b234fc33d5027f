"""The console that a command prints to."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.markup import escape

from harness.text.printable import printable


def plain(text: str) -> str:
    """Return text without markup, and without anything that a terminal would obey."""
    return escape(printable(text))


def say(console: Console, text: str, style: str = "") -> None:
    """Print markup. Lines break between words on a terminal, and nowhere in a pipe."""
    console.print(text, style=style or None, soft_wrap=not console.is_terminal, highlight=False)


def lines_on(console: Console) -> Callable[[str], None]:
    """Return a function that prints each text unchanged, in one line of any length."""

    def print_line(text: str) -> None:
        console.print(text, soft_wrap=True, highlight=False, markup=False)

    return print_line


def open_console() -> Console:
    """Open standard output. A pipe has no width, and rich's 80 columns would break lines that a program reads."""
    console = Console()
    return console if console.is_terminal else Console(width=160)
