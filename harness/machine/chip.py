"""The measured ceilings of this machine's processor or GPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """Ceilings that a separate process measured; None where that failed."""

    matmul_flops_per_second: float | None = None
    copy_bytes_per_second: float | None = None
    matmul_dtype: str | None = None
    """Precision of the multiplied matrices: the job's."""
    launch_seconds: float | None = None
    """Seconds of the host for a kernel that does nothing."""
    reason: str = ""
    """Why there are no ceilings."""

    def in_words(self) -> list[str]:
        """Return each ceiling as people read it."""
        words = []
        if self.matmul_flops_per_second is not None and self.copy_bytes_per_second is not None:
            rate = self.matmul_flops_per_second / 1e12
            words.append(f"multiplies {self.matmul_dtype} matrices at {rate:.3g} TFLOP/s")
            words.append(f"copies at {self.copy_bytes_per_second / 1e9:.3g} GB/s")
        if self.launch_seconds:
            words.append(f"launches a kernel in {self.launch_seconds * 1e6:.1f} us")
        if self.reason:
            words.append(f"its ceilings could not be measured ({self.reason})")
        return words
