"""numba, which it imports for packed sequences and no job uses, is a stand-in module that compiles nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])


def njit(function: Function) -> Function:
    """Return the function unchanged."""
    return function
