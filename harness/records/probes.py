"""capabilities.json in a run's folder: what was tried with which framework, how it ended, and the evidence."""

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
    """The evidence, or the error."""
    seconds: float
    figures: dict[str, float] = {}
    """What a survey or an installation counted or timed."""
    run: str = pydantic.Field(default="", exclude=True)
    """Name of the folder that it was read from."""

    @property
    def question(self) -> tuple[str, ...]:
        """What was tried with whom. A file holds one attempt per question."""
        return (self.framework, self.device, self.capability)

    @property
    def identity(self) -> tuple[str, ...]:
        """An attempt with the same identity need not be made again."""
        return (self.framework, self.framework_version, self.environment, self.device, self.capability)


class _ProbesContent(Content):
    probes: list[ProbeRecord]


class ProbeFile:
    """The attempts in one folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILENAME

    def read(self) -> list[ProbeRecord]:
        """Return all attempts; none if there is no file. Raises RunFolderError if it is not this program's."""
        content = read_content(self.path, _ProbesContent, SCHEMA_VERSION)
        name = self.path.resolve().parent.name
        return [] if content is None else [probe.model_copy(update={"run": name}) for probe in content.probes]

    def add(self, record: ProbeRecord) -> None:
        """Add an attempt at the end, in place of an earlier one by another version or environment."""
        others = [probe for probe in self.read() if probe.question != record.question]
        write_content(self.path, _ProbesContent(schema_version=SCHEMA_VERSION, probes=[*others, record]))
