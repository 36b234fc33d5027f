"""Every error that a user can cause or meet, and every exit status; the command line prints each in one place."""

from __future__ import annotations

from pathlib import Path

EXIT_NOT_OK = 1
"""A cell was not ok, or an environment could not be built; what could be written was written."""
EXIT_USER = 2
EXIT_NOT_TOLD = 3
"""What was asked for could not be found out."""
EXIT_OUT_OF_TIME = 75
"""As sysexits.h has it for what may be tried again."""
EXIT_INTERRUPTED = 130


class HarnessError(Exception):
    """Something the user can act on. The message says what, where, what is allowed, and what to do."""

    exit_status = EXIT_USER


class RecipeError(HarnessError):
    """A recipe, profile, job value or option that cannot be used."""

    def __init__(self, source: Path | str, key: str | None, problem: str) -> None:
        super().__init__(f"{source}: {key}: {problem}" if key else f"{source}: {problem}")
        self.key = key


class DatasetError(HarnessError):
    """A corpus that is missing, unreadable, empty or too short."""


class ModelError(HarnessError):
    """A model or tokenizer that is missing, incomplete or of another shape than the job says."""


class EnvironmentBuildError(HarnessError):
    """A framework's environment that could not be built; the reason is the last thing that uv said."""


class RunFolderError(HarnessError):
    """A results folder that is missing, belongs to another run, or cannot be read."""


class ReportError(HarnessError):
    """A report of which some part cannot be made."""


class GpuBusyError(HarnessError):
    """A GPU that something else uses."""


class BundleError(HarnessError):
    """A bundle for a machine without a network that cannot be made, read or installed."""


class AuditError(HarnessError):
    """What an audited process left cannot be judged."""


class OutOfTime(HarnessError):
    """A run whose time is over (--within); what was finished is on disk."""

    exit_status = EXIT_OUT_OF_TIME


class Interrupted(HarnessError):
    """The user stopped the run; what was finished is on disk."""

    exit_status = EXIT_INTERRUPTED
