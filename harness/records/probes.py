"""capabilities.json in a run's folder: what was tried in which framework, how it ended, and what showed it."""

from __future__ import annotations

from pathlib import Path

import pydantic

from harness.files.json_files import Content, read_content, write_content
from harness.job.capabilities import Ending

FILENAME = "capabilities.json"
SCHEMA_VERSION = 1


class ProbeRecord(pydantic.BaseModel):
    """One attempt."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    framework: str
    framework_version: str
    environment: str
    device: str
    capability: str
    ending: Ending
    evidence: str
    """What showed it, or the error."""
    seconds: float
    figures: dict[str, float] = {}
    """What was counted or timed, of a survey or an installation."""
    run: str = pydantic.Field(default="", exclude=True)
    """The name of the folder that it was read from."""

    @property
    def question(self) -> tuple[str, ...]:
        """What was asked of whom; a file holds one answer to it."""
        return (self.framework, self.device, self.capability)

    @property
    def identity(self) -> tuple[str, ...]:
        """An attempt with the same one need not be made again."""
        return (self.framework, self.framework_version, self.environment, self.device, self.capability)


class _Content(Content):
    probes: list[ProbeRecord]


class ProbeFile:
    """The attempts of one folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILENAME

    def read(self) -> list[ProbeRecord]:
        """All attempts; none if there is no file. Raises RunFolderError if it is not this program's."""
        content = read_content(self.path, _Content, SCHEMA_VERSION)
        name = self.path.resolve().parent.name
        return [] if content is None else [probe.model_copy(update={"run": name}) for probe in content.probes]

    def add(self, record: ProbeRecord) -> None:
        """Put an attempt behind the others, in place of an earlier one by another version or environment."""
        others = [probe for probe in self.read() if probe.question != record.question]
        write_content(self.path, _Content(schema_version=SCHEMA_VERSION, probes=[*others, record]))
