"""Inside a cell's process: whether an error says that memory ran out."""

from __future__ import annotations

OUT_OF_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """True if the error says that the host or the device ran out of memory."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError | OSError) and any(word in str(error).lower() for word in OUT_OF_MEMORY_WORDS)
