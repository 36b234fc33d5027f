"""A machine with a GPU that does not exist: a real libnvidia-ml.so.1, compiled here, that tells what a file says."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

Result = TypeVar("Result")
SOURCE = Path(__file__).with_name("nvml_stand_in.c")


@dataclass(frozen=True, kw_only=True)
class StandInGpu:
    """What NVML tells of the machine's GPUs; each process that is started with `variables` sees them."""

    library: Path
    state: Path

    @property
    def variables(self) -> dict[str, str]:
        """Of a process that sees the stand-in."""
        return {"LD_LIBRARY_PATH": str(self.library.parent), "NVML_STAND_IN": str(self.state)}

    def tell(
        self,
        figures: Mapping[str, int],
        processes: Mapping[int, int] | None = None,
        living: Mapping[int, int] | None = None,
    ) -> None:
        """What the device tells from now on; `processes` are bytes by process id, `living` those while each lives."""
        lines = [f"{name} {value}" for name, value in figures.items()]
        lines += [f"process {pid} {held}" for pid, held in (processes or {}).items()]
        lines += [f"living {pid} {held}" for pid, held in (living or {}).items()]
        new = self.state.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n", encoding="ascii")
        new.replace(self.state)

    def in_new_process(self, function: Callable[..., Result], *arguments: object) -> Result:
        """What a function returns in an interpreter that sees the stand-in: the loader reads the path at its start."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            with multiprocessing.get_context("spawn").Pool(1) as seeing:
                return seeing.apply(function, arguments)


def compile_stand_in(folder: Path) -> Path:
    """The library in `folder`. Skips the test where there is no C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("there is no C compiler to make the stand-in for NVML")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
    return library
