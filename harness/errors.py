"""Every error that a user can cause or meet, and every exit status. The command line prints each in one place."""

from __future__ import annotations

from pathlib import Path

EXIT_NOT_OK = 1
"""A cell was not ok, or an environment could not be built. What could be written was written."""
EXIT_USER = 2
EXIT_NOT_TOLD = 3
"""The answer that was asked for could not be found."""
EXIT_OUT_OF_TIME = 75
"""The status of sysexits.h for what may be tried again."""
EXIT_INTERRUPTED = 130


class HarnessError(Exception):
    """An error that the user can act on. The message says what, where, what is allowed, and what to do."""

    exit_status = EXIT_USER


class RecipeError(HarnessError):
    """A recipe, profile, job value or option that cannot be used."""

    def __init__(self, source: Path | str, key: str | None, problem: str) -> None:
        super().__init__(f"{source}: {key}: {problem}" if key else f"{source}: {problem}")
        self.key = key


class DatasetError(HarnessError):
    """A corpus that is missing, unreadable, empty or too short."""


class ModelError(HarnessError):
    """A model or tokenizer that is missing, incomplete or not of the job's shape."""


class EnvironmentBuildError(HarnessError):
    """A framework's environment that could not be built. The reason is the last thing that uv said."""


class RunFolderError(HarnessError):
    """A results folder that is missing, belongs to another run, or cannot be read."""


class ReportError(HarnessError):
    """A report that cannot be made in part."""


class GpuBusyError(HarnessError):
    """A GPU that something else uses."""


class BundleError(HarnessError):
    """A bundle for a machine without a network that cannot be made, read or installed."""


class AuditError(HarnessError):
    """The audit has no usable trace."""


class OutOfTime(HarnessError):
    """The run's time is over (--within). What was finished is on disk."""

    exit_status = EXIT_OUT_OF_TIME


class Interrupted(HarnessError):
    """The user stopped the run. What was finished is on disk."""

    exit_status = EXIT_INTERRUPTED
