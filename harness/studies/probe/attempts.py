"""Try each capability of each framework in a short job in a fresh process, and record how it ended."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.environment.install_time import install_seconds
from harness.errors import EnvironmentBuildError
from harness.execute.events import facts_of
from harness.execute.training import Request, Trainer, working_folder
from harness.execute.watch_cell import Ended, Limits
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFailure
from harness.files.machine_paths import without_machine_paths
from harness.job.capabilities import INSTALLATION, NEEDS_A_GPU, Ending, capabilities_of
from harness.job.experiment import Experiment
from harness.job.frameworks import BASELINE, load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Job, Method
from harness.job.native import Unsupported, Workspace
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare
from harness.prepare.corpus import python_topics
from harness.records.probes import ProbeFile, ProbeRecord
from harness.run.observer import Observer
from harness.run.run_settings import RunSettings
from harness.run.study_workers import study_workers
from harness.studies.probe.endings import ending_of
from harness.text import units

if TYPE_CHECKING:
    from adapters.base import Adapter

SMALL = (
    "shape.num_hidden_layers=2",
    "sequence_length=64",
    "micro_batch_size=1",
    "gradient_accumulation_steps=1",
    "max_steps=3",
    "warmup_steps=1",
)
LIMITS = Limits(timeout_seconds=300.0, silence_seconds=300.0)
VARIANTS: dict[str, dict[str, Any]] = {
    "full": {"method": "full"},
    "lora": {"method": "lora"},
    "qlora": {"method": "qlora"},
    "gradient_checkpointing": {"method": "lora", "gradient_checkpointing": True},
    "compile": {"method": "lora", "compile": True},
}
"""The short jobs whose native configs a probe receives. Each is a capability itself."""
PROBE = "instruments.probing.context"
DOCUMENTS, DOCUMENT_CHARACTERS = 40, 300


def short_experiment(frameworks: str, *, gpu_present: bool) -> Experiment:
    """Return the short job of every probe, for this machine. Raises RecipeError."""
    precision = "bf16" if gpu_present else "fp32"
    choices = Choices(profile="cpu", frameworks=frameworks, methods="all", settings=(*SMALL, f"precision={precision}"))
    experiment = resolve(choices, gpu_present=gpu_present)
    return dataclasses.replace(experiment, device="cuda") if gpu_present else experiment


def probe_all(
    experiment: Experiment,
    capabilities: Sequence[str],
    file: ProbeFile,
    settings: RunSettings,
    observer: Observer,
    say: Callable[[str], None],
) -> None:
    """Try what is not yet recorded. Each attempt is on disk before the next begins."""
    frameworks = list(experiment.frameworks)
    needed = [*frameworks, *([BASELINE] if "export" in capabilities else [])]
    with study_workers(experiment, needed, settings, observer) as (gate, workers):
        inputs = ProbeInputs(experiment, workers, settings.cache)
        for framework in frameworks:
            for capability in capabilities_of(framework, tuple(capabilities)):
                blank = _blank(workers, framework, capability)
                if blank.identity in {probe.identity for probe in file.read()}:
                    continue
                observer.stage(f"{framework}: {capability}")
                turn = gate.before_cell(framework)
                record = _attempted(blank, inputs)
                gate.after_cell(turn)
                file.add(record)
                say(f"{framework}: {capability}: {record.ending}: {record.evidence}")


def _blank(workers: WorkerPool, framework: str, capability: str) -> ProbeRecord:
    """Return the record of an attempt that has not begun."""
    described = workers.describe(framework)
    return ProbeRecord(
        framework=framework,
        framework_version=described.version or "",
        environment=described.environment or "",
        device=workers.device,
        capability=capability,
        ending="fails",
        evidence="",
        seconds=0.0,
    )


def _attempted(blank: ProbeRecord, inputs: ProbeInputs) -> ProbeRecord:
    """Make an attempt and return its record."""
    began = time.monotonic()
    ending, evidence = inputs.tried(blank.framework, blank.capability)
    return blank.model_copy(
        update={
            "ending": ending,
            "evidence": without_machine_paths(evidence),
            "seconds": round(time.monotonic() - began, 1),
            "figures": inputs.figures,
        }
    )


class ProbeInputs:
    """The inputs that all attempts share."""

    def __init__(self, experiment: Experiment, workers: WorkerPool, cache: Path) -> None:
        self.workers = workers
        self.figures: dict[str, float] = {}
        """What the last attempt counted."""
        self.jobs = experiment.jobs
        self.inputs: dict[Method, Inputs] = {method: prepare(job, cache) for method, job in experiment.jobs.items()}
        self.text_path, self.preferences_path = workers.scratch / "text.jsonl", workers.scratch / "preferences.jsonl"
        documents = [text[:DOCUMENT_CHARACTERS] for text in itertools.islice(python_topics(), DOCUMENTS)]
        _write_lines(self.text_path, [{"text": text} for text in documents])
        _write_lines(self.preferences_path, [_preference(text) for text in documents[:8]])

    def tried(self, framework: str, capability: str) -> tuple[Ending, str]:
        """Return how an attempt ended, and the evidence."""
        if capability == INSTALLATION:
            return self._installed(framework)
        adapter = load_adapter(framework)
        on_gpu = self.workers.device == "cuda"
        with working_folder(self.workers, f"probe-{framework}") as place:
            try:
                configs = self._configs(adapter, capability, Path(place) / "output")
                ended = self._process(framework, capability, configs, Path(place), "output")
                ending, evidence = ending_of(ended, on_gpu=on_gpu)
                if capability == "export" and ending == "works":
                    loaded = self._process(BASELINE, "load_export", {}, Path(place), "loading")
                    ending, of_loading = ending_of(loaded, on_gpu=on_gpu)
                    evidence = f"{evidence}; {of_loading}"
            except Unsupported as reason:
                return NEEDS_A_GPU if NEEDS_A_GPU in str(reason) else "absent", str(reason)
            except WorkerFailure as failure:
                return "fails", str(failure)
        return ending, evidence

    def _installed(self, framework: str) -> tuple[Ending, str]:
        """Try the installation, which this program does itself."""
        environment = self.workers.environments[framework]
        if isinstance(environment, EnvironmentBuildError) or environment.overlay:
            return "fails", "there is no environment that uv built, whose installation could be timed"
        try:
            self.figures = {"install_seconds": round(install_seconds(environment), 2)}
        except EnvironmentBuildError as error:
            return "fails", str(error)
        return "works", f"in {units.seconds(self.figures['install_seconds'])} from packages that are downloaded"

    def _configs(self, adapter: Adapter, capability: str, output: Path) -> dict[str, Any]:
        """Return the native configs of the variants that the framework can do.

        Raises Unsupported for the capability's own variant.
        """
        workspace = Workspace(device=self.workers.device, output_path=str(output))
        configs = {}
        for name, changed in VARIANTS.items():
            job: Job = dataclasses.replace(self.jobs[changed["method"]], **changed)
            try:
                configs[name] = dataclasses.asdict(adapter.configure(job, self.inputs[job.method], workspace))
            except Unsupported:
                if name == capability:
                    raise
        return configs

    def _process(self, framework: str, capability: str, configs: dict[str, Any], place: Path, output: str) -> Ended:
        lora = self.inputs["lora"]
        request = {
            "capability": capability,
            "configs": configs,
            "folder": str(place / output),
            "model_path": lora.model_path,
            "adapter_path": lora.adapter_path,
            "text_path": str(self.text_path),
            "preferences_path": str(self.preferences_path),
        }
        trainer = Trainer(workers=self.workers, limits=LIMITS)
        ended, _ = trainer.run(framework, Request(steps=0, task_module=PROBE, task=request), place, output=output)
        self.figures = facts_of(ended.events).get("figures", {})
        return ended


def _preference(text: str) -> dict[str, str]:
    """Return a question with a better and a worse answer, cut from a text."""
    words = text.split()
    return {"prompt": " ".join(words[:8]), "chosen": " ".join(words[8:16]), "rejected": " ".join(reversed(words[8:16]))}


def _write_lines(path: Path, values: Sequence[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
