"""Texts that any change of a tokenizer shows in, and whether two tokenizers agree on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.audit.findings import Finding, judged
from harness.errors import ModelError

SAMPLE_TEXTS = (
    "The mitochondrion makes most of a cell's chemical energy.",
    "In 1687, 3.14159 was known to 35 digits; it's 2026-11-27 now.",
    "def area(r):\n    return 3.14 * r ** 2  # a circle\n\n\n",
    "Ünïcödé, naïve façade, \u6570\u5b66\u306f\u697d\u3057\u3044, \u0645\u0631\u062d\u0628\u0627, \U0001f331\U0001f30d",
    "  two  spaces\tand a tab, then the end<|endoftext|>and a start<|im_start|>user\n",
)
CONFIG, TEMPLATE = "tokenizer_config.json", "chat_template"
SPECIAL = ("bos_token", "eos_token", "pad_token")
"""Settings of tokenizer_config.json that change what a user gets, beside the chat template."""


def ids_of(folder: Path) -> list[list[int]]:
    """Return the ids of every sample text by the tokenizer in a folder. Raises ModelError if it cannot be read."""
    from tokenizers import Tokenizer

    try:
        encoder = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # The library raises nothing narrower.
        raise ModelError(f"{folder / 'tokenizer.json'}: cannot be read ({error})") from error
    return [encoder.encode(text, add_special_tokens=False).ids for text in SAMPLE_TEXTS]


def tokenizer_finding(before: Path, after: Path) -> Finding:
    """Return whether an export's tokenizer is the one of the model before training."""
    subject, asked = "tokenizer", "as before training"
    if not (after / "tokenizer.json").is_file():
        return judged(subject, asked, "none was saved", same=False)
    try:
        changed = [
            f"splits {text[:24]!r} differently"
            for text, old, new in zip(SAMPLE_TEXTS, ids_of(before), ids_of(after), strict=True)
            if old != new
        ]
    except ModelError:
        return judged(subject, asked, "tokenizer.json cannot be read", same=False)
    try:
        if _vocabulary(before) != _vocabulary(after):
            changed.append("has other entries")
        changed += _changed_settings(before, after)
    except (ValueError, KeyError, TypeError, AttributeError):
        return judged(subject, asked, "its files cannot be understood", same=False)
    return judged(subject, asked, "; ".join(changed) or asked, same=not changed)


def _changed_settings(before: Path, after: Path) -> list[str]:
    """Return which special tokens are others, and whether the chat template is."""
    if not (before / CONFIG).is_file():
        # Every framework then writes one, from what tokenizer.json says.
        return []
    old, new = _settings(before), _settings(after)
    changed = [f"{name} was {old[name]} and is {new[name]}" for name in SPECIAL if old[name] != new[name]]
    return [*changed, *(["has another chat template"] if old[TEMPLATE] != new[TEMPLATE] else [])]


def _vocabulary(folder: Path) -> dict[str, int]:
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    added = {token["content"]: token["id"] for token in content["added_tokens"]}
    return {**content["model"]["vocab"], **added}


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    values = {name: found.get(name) for name in (*SPECIAL, TEMPLATE)}
    values |= {name: value["content"] for name, value in values.items() if isinstance(value, dict)}
    template = folder / "chat_template.jinja"
    if template.is_file():
        values[TEMPLATE] = template.read_text(encoding="utf-8")
    return values
