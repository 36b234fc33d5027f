"""How people write the frameworks, the methods and the sections of a run."""

from __future__ import annotations

from harness.job.frameworks import TITLES
from harness.text.language import ENGLISH, Language

METHOD_TITLES = {"lora": "LoRA", "qlora": "QLoRA", "full": "full fine-tuning"}


def framework_title(framework: str) -> str:
    """Return a framework's name, as sentences write it."""
    return TITLES.get(framework, framework)


def method_title(section: str, language: Language = ENGLISH) -> str:
    """Return the method of a section, as sentences write it. The sentence itself says the track."""
    return language.say(METHOD_TITLES[section.partition(", ")[0]])


def section_title(section: str) -> str:
    """Return a section as a heading, like "LoRA, tuned"."""
    method, comma, track = section.partition(", ")
    title = METHOD_TITLES[method]
    return f"{title[0].upper()}{title[1:]}{comma} {track}".rstrip()
