"""capabilities.json in a run's folder: what was tried in which framework, how it ended, and what showed it."""

from __future__ import annotations

from pathlib import Path

import pydantic

from harness.atomic import write_atomically
from harness.errors import RunFolderError
from harness.probe.capabilities import Ending

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
    """Of a survey: what was counted."""
    run: str = pydantic.Field(default="", exclude=True)
    """The name of the folder that it was read from."""

    @property
    def identity(self) -> tuple[str, ...]:
        """An attempt with the same one need not be made again."""
        return (self.framework, self.framework_version, self.environment, self.device, self.capability)


class _Content(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    schema_version: int
    probes: list[ProbeRecord]


class ProbeFile:
    """The attempts of one folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILENAME

    def read(self) -> list[ProbeRecord]:
        """All attempts; none if there is no file. Raises RunFolderError if it is not this program's."""
        try:
            content = _Content.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, pydantic.ValidationError) as error:
            raise RunFolderError(f"{self.path}: cannot be read ({' '.join(str(error).split())[:200]})") from error
        if content.schema_version != SCHEMA_VERSION:
            raise RunFolderError(
                f"{self.path}: schema_version = {content.schema_version}: this version reads {SCHEMA_VERSION}"
            )
        name = self.path.resolve().parent.name
        return [one.model_copy(update={"run": name}) for one in content.probes]

    def add(self, record: ProbeRecord) -> None:
        """Put an attempt behind the others."""
        content = _Content(schema_version=SCHEMA_VERSION, probes=[*self.read(), record])
        write_atomically(self.path, content.model_dump_json(indent=1) + "\n")
