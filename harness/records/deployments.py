"""deployment.json in a run's folder: what became of each framework's result after training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import pydantic

from harness.audit.findings import Finding
from harness.errors import RunFolderError
from harness.files.json_files import Content, read_content, write_content
from harness.job.frameworks import FRAMEWORKS, REFERENCE
from harness.job.job import METHODS, Job, Method

FILENAME = "deployment.json"
KnownFramework = Annotated[str, pydantic.Field(pattern=f"^({'|'.join((*FRAMEWORKS, REFERENCE))})$")]
Positive = Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]
SCHEMA_VERSION = 1
BASES = {"as loaded": "the checkpoint's weights", "as quantized": "the 4-bit weights"}
"""What a QLoRA adapter was merged into."""


class _Record(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ExportRecord(_Record):
    """A result as a folder that transformers loads."""

    by: str
    """What the framework's user calls."""
    seconds: float
    """From the last optimizer step until the folder is whole."""
    bytes: int
    peak_rss_bytes: int
    """Peak of its largest process: the one that trained, with the model still loaded, or the framework's command."""
    dtypes: tuple[str, ...]
    base: str
    """What a QLoRA adapter was merged into; see BASES."""
    logits_apart: float
    """Largest difference to the trained model's logits, as a share of the largest logit."""
    loss: float
    """Held-out loss of the export in plain transformers, in nats per token."""
    workarounds: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return what is not as it was trained."""
        return tuple(finding for finding in self.findings if finding.result != "same")


class TimedRun(_Record):
    """One run of a GGUF file in a fresh process."""

    repeat: int
    first_token_seconds: float
    """From opening the file to the first token; the file is in the page cache."""
    prompt_tokens_per_second: float
    generation_tokens_per_second: dict[int, float]
    """By the number of threads."""
    peak_rss_bytes: int


class GgufRecord(_Record):
    """One GGUF file."""

    quantization: str
    bytes: int
    sha256: str
    seconds: float
    """Of converting to F16, or of quantizing the F16 file."""
    tensor_types: dict[str, int]
    """Count of tensors by type."""
    bytes_per_token: int
    """Weights that each generated token reads."""
    tokens_are_the_same: bool
    """True if llama.cpp splits the sample texts as the model's tokenizer does."""
    loss: float
    """Held-out loss by llama.cpp, in nats per token."""
    kl_divergence: float
    """Mean over tokens, in nats, from the unquantized export in transformers to this file."""
    same_top_token: float
    """Share of tokens after which both name the same next token as the likeliest."""
    logits_apart: float
    """Largest difference of a logit, as a share of the largest logit."""
    context_rss_bytes: dict[int, int] = {}
    """Peak resident memory by the size of the context."""
    runs: tuple[TimedRun, ...] = ()


class DeploymentRecord(_Record):
    """What became of one framework's result with one method."""

    framework: KnownFramework
    """One of FRAMEWORKS, or "reference", whose result is only evaluated."""
    framework_version: str
    environment: str
    engine_environment: str
    """llama.cpp's environment."""
    engine_version: str
    """Of llama-cpp-python, which brings llama.cpp."""
    method: Method
    device: str
    """Where it was trained."""
    job: dict[str, Any]
    model_source: str
    dataset_source: str
    model_sha256: str
    """Of the weights before training."""
    blocks_sha256: str
    """Of the token blocks that were trained on."""
    held_out_sha256: str
    held_out_tokens: int
    threads: int
    """Threads of llama.cpp."""
    untrained_loss: float | None = None
    """Held-out loss before the first step, in the framework."""
    trained_loss: float | None = None
    """Held-out loss after the last step, in the framework."""
    export: ExportRecord | None = None
    files: tuple[GgufRecord, ...] = ()
    modelfile: str = ""
    """For Ollama, of the smallest file."""
    modelfile_problems: tuple[str, ...] = ()
    """What the documented grammar does not allow."""
    notes: tuple[str, ...] = ()
    """What was not done, and why."""
    stopped: str = ""
    """Why it went no further."""

    @property
    def identity(self) -> dict[str, Any]:
        """Records with the same identity are of the same result."""
        names = ("framework", "framework_version", "environment", "engine_environment", "method", "device", "job")
        hashes = ("model_sha256", "blocks_sha256", "held_out_sha256")
        return {name: getattr(self, name) for name in (*names, *hashes)}

    @property
    def question(self) -> tuple[str, str]:
        """The result that it is about. A folder holds one record for each."""
        return (self.framework, self.method)

    @property
    def title(self) -> str:
        """The result's name for people."""
        return f"{self.framework} {self.method}"

    @property
    def is_pretrained(self) -> bool:
        """True if training began from weights that somebody trained, not from random ones."""
        return not self.model_source.startswith("random weights")

    def file(self, quantization: str) -> GgufRecord | None:
        """Return the file of a quantization; None if there is none."""
        return next((file for file in self.files if file.quantization == quantization), None)


class BoardMeasurement(_Record):
    """What the script of `deploy --on-pi` measured on another machine."""

    board: str
    """As the machine names itself."""
    sha256: str
    """Of the file that ran."""
    quantization: str
    threads: int
    first_token_seconds: Positive
    prompt_tokens_per_second: tuple[Positive, ...] = pydantic.Field(min_length=1)
    generation_tokens_per_second: tuple[Positive, ...] = pydantic.Field(min_length=1)
    """One per repeat."""
    peak_rss_bytes: int = pydantic.Field(gt=0)


class DeploymentsContent(Content):
    host: str = ""
    read_bytes_per_second: dict[int, float] = {}
    deployments: list[DeploymentRecord] = []
    measured: list[BoardMeasurement] = []


class DeploymentFile:
    """Everything about deployment in one folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILENAME

    def read(self) -> Deployments:
        """Return all of it; nothing if there is no file. Raises RunFolderError if it is not this program's."""
        content = read_content(self.path, DeploymentsContent, SCHEMA_VERSION)
        return Deployments(content)

    def check(self, host: str, jobs: Iterable[Job]) -> None:
        """Refuse to mix machines, or jobs that differ in more than the method, in one file. Raises RunFolderError."""
        found = self.read()
        if found.host not in ("", host):
            problem = f"was recorded on {found.host}, and this is {host}"
            raise RunFolderError(f"{self.path}: {problem}; take another run's folder, or remove the file")
        asked = [{**job.as_dict(), "method": ""} for job in jobs]
        for record in found.content.deployments:
            recorded = {**record.job, "method": ""}
            if differing := sorted({name for job in asked for name in job if job[name] != recorded.get(name)}):
                problem = f"holds results of another job (other {', '.join(differing)})"
                raise RunFolderError(f"{self.path}: {problem}; take another run's folder, or remove the file")

    def add(self, record: DeploymentRecord) -> None:
        """Write a result in place of an earlier record of it, or at the end."""
        content = self.read().content
        others = [one for one in content.deployments if one.question != record.question]
        self._write(content.model_copy(update={"deployments": [*others, record]}))

    def set_machine(self, host: str, read_bytes_per_second: dict[int, float]) -> None:
        """Write what runs the files, and how fast it reads memory by thread count, beside what is known of it."""
        content = self.read().content
        known = {**content.read_bytes_per_second, **read_bytes_per_second}
        self._write(content.model_copy(update={"host": host, "read_bytes_per_second": known}))

    def add_measured(self, measured: Sequence[BoardMeasurement]) -> None:
        """Write measurements of another machine in place of earlier ones of the same file there."""
        content = self.read().content
        new = {(one.board, one.sha256, one.threads): one for one in (*content.measured, *measured)}
        self._write(content.model_copy(update={"measured": list(new.values())}))

    def _write(self, content: DeploymentsContent) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_content(self.path, content)


class Deployments:
    """The content of a deployment.json."""

    def __init__(self, content: DeploymentsContent | None = None) -> None:
        self.content = content or DeploymentsContent(schema_version=SCHEMA_VERSION)

    @property
    def host(self) -> str:
        """The machine that ran the files."""
        return self.content.host

    @property
    def read_bytes_per_second(self) -> dict[int, float]:
        """How fast that machine reads memory, by thread count."""
        return self.content.read_bytes_per_second

    @property
    def results(self) -> list[DeploymentRecord]:
        """Frameworks' results, by method and framework in the order of every report."""
        found = [one for one in self.content.deployments if one.framework != REFERENCE]
        return sorted(found, key=lambda one: (METHODS.index(one.method), FRAMEWORKS.index(one.framework)))

    @property
    def references(self) -> dict[str, DeploymentRecord]:
        """The reference's result, by method."""
        return {one.method: one for one in self.content.deployments if one.framework == REFERENCE}

    @property
    def measured(self) -> list[BoardMeasurement]:
        """What was measured on another machine, of the files that are recorded."""
        known = {file.sha256 for record in self.results for file in record.files}
        return [one for one in self.content.measured if one.sha256 in known]

    def found(self, new: DeploymentRecord) -> DeploymentRecord | None:
        """Return the record of the same result; None if there is none."""
        return next((one for one in self.content.deployments if one.identity == new.identity), None)
