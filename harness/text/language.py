"""The language of a document: its sentences from a catalogue, its lists and numbers as its readers write them.

The English sentence is the key. It has named gaps, so that a translation may put them in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import RecipeError


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """One language of documents."""

    code: str = "en"
    locale: str = "en_GB"
    """The locale of lists and numbers."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By the English text, the text in this language. English needs none."""

    def say(self, text: str, /, **gaps: str) -> str:
        """Return a text in this language, with its gaps filled."""
        return self.texts.get(text, text).format(**gaps)

    def listed(self, words: Sequence[str], *, any_of: bool = False) -> str:
        """Return words as a list in a sentence: "A, B and C", or "A, B or C" with `any_of`."""
        from babel.lists import format_list

        text: str = format_list(list(words), style="or" if any_of else "standard", locale=self.locale)
        return text


ENGLISH = Language()
CATALOGUES = Path(__file__).parent / "catalogues"
"""A file of gettext's kind for each other language. It is read as text."""


def language_named(code: str) -> Language:
    """Return a language by its code. Raises RecipeError if there is no catalogue of it."""
    if code == ENGLISH.code:
        return ENGLISH
    path = CATALOGUES / f"{code}.po"
    if not path.is_file():
        raise RecipeError("command line", "--language", f"{code!r}: there is {', '.join(languages())}")
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    texts = {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
    return Language(code=code, locale=code, texts=texts)


def languages() -> list[str]:
    """Return the codes of all languages."""
    return [ENGLISH.code, *sorted(path.stem for path in CATALOGUES.glob("*.po"))]
