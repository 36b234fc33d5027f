"""The command that asks for the same experiment again, on any machine."""

from __future__ import annotations

import enum
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.cli.asked import choices_of

if TYPE_CHECKING:
    from harness.job.recipe import Choices


class StartOption(enum.StrEnum):
    """How a cell's process starts."""

    WARM = "warm"
    COLD = "cold"
    AHEAD = "ahead"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the user asked `run` for."""

    choices: Choices
    """The choices as typed, without those that a claim makes."""
    profile: str | None = None
    """The profile that this machine chose, if the user typed none."""
    claim: str | None = None
    start: StartOption = StartOption.WARM
    audit: bool = True
    allow_busy: bool = False
    stand_ins: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Asked:
        """Return what the options of `run` ask for."""
        choices = choices_of(options)
        named = {name: options[name] for name in ("claim", "audit", "allow_busy", "stand_ins")}
        return cls(choices=choices, start=StartOption(options["start"]), **named)

    def command(self, omp_num_threads: int) -> str:
        """Return the command as a shell takes it."""
        words = ["python", "-m", "harness", "run", *self._selection()]
        for option, value in self._options().items():
            if value is not None:
                words += [option, str(value)]
        words += [flag for flag, is_given in self._flags().items() if is_given]
        for setting in self.choices.settings:
            words += ["--set", setting]
        return f"OMP_NUM_THREADS={omp_num_threads} {shlex.join(words)}"

    def _selection(self) -> list[str]:
        """Return the options that select cells. A claim selects its cells itself."""
        return ["--claim", self.claim] if self.claim is not None else ["--frameworks", self.choices.frameworks]

    def _options(self) -> dict[str, object]:
        choices = self.choices
        return {
            "--profile": choices.profile or self.profile,
            "--recipe": choices.recipe,
            "--methods": choices.methods,
            "--track": choices.track if choices.track != "parity" else None,
            "--repeats": choices.repeats,
            "--until": choices.until,
            "--max-repeats": choices.max_repeats,
            "--smallest-effect": choices.smallest_effect,
            "--seed": choices.seed,
            "--dataset": choices.dataset,
            "--text-column": choices.text_column,
            "--timeout": choices.timeout_seconds,
            "--silence": choices.silence_seconds,
            "--start": self.start.value if self.start is not StartOption.WARM else None,
        }

    def _flags(self) -> dict[str, bool]:
        """Return the flags that are not at their defaults."""
        return {
            "--ceiling": self.choices.ceiling,
            "--aa": self.choices.aa,
            "--no-audit": not self.audit,
            "--allow-busy": self.allow_busy,
            "--no-stand-ins": not self.stand_ins,
        }
