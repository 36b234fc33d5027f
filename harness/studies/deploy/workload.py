"""What every timed run of a GGUF file does."""

from __future__ import annotations

CONTEXT_SIZES = (2048, 8192, 32768)
"""Contexts whose memory is measured, in tokens."""
PROMPT_TOKENS, GENERATED_TOKENS = 128, 32
"""Tokens of a run's prompt, or as many as a held-out block has; and those that it generates with each thread count."""
