"""One result: train, export, convert, quantize and compare, into one folder of the cache, whole or not at all."""

from __future__ import annotations

import dataclasses
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.execute.tasks import TaskFailure, Tasks
from harness.files.cache import cached_folder, discard, file_sha256, folder_of
from harness.files.machine_paths import without_machine_paths
from harness.job.frameworks import BASELINE, LLAMA_CPP, load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.job.native import NativeConfig, Unsupported
from harness.prepare.held_out import HeldOut
from harness.prepare.tokenizer import DOCUMENT_END
from harness.records.deployments import DeploymentRecord, ExportRecord, GgufRecord
from harness.studies.deploy.export_findings import export_findings
from harness.studies.deploy.kept_files import KIND, OLLAMA_FILE, RECORD, gguf_name, is_unreadable, key_of
from harness.studies.deploy.modelfile import MODELFILE_CONTEXT, NOT_RUN, modelfile_of, modelfile_problems
from harness.studies.deploy.quantizations import F16, Quantization
from harness.studies.deploy.sample_texts import SAMPLE_TEXTS, ids_of

COMPARED_TOKENS = 64
"""Tokens of each held-out block whose logits are compared: each has a logit per entry of the vocabulary."""
TRAINING, LOADING = "instruments.exporting.export_task", "instruments.exporting.load_task"
"""Modules of adapters/ that run in the framework's environment and in that of plain transformers."""
EXPORT, TRAINED_LOGITS, EXPORTED_LOGITS = "export", "logits.safetensors", "logits.npy"
"""Names of what is on the way to a result."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A result that was made, or found in the cache."""

    record: DeploymentRecord
    folder: Path
    """Its files; gone if the record says why it was stopped."""
    was_there: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultMaker:
    """Makes results, in processes of their own."""

    tasks: Tasks
    cache: Path
    threads: int
    stage: Callable[[str], None]
    """Hears what begins."""
    engine_source: Path | None = None
    """A folder with llama.cpp's converter, for frameworks that convert by themselves."""

    def made(
        self,
        blank: DeploymentRecord,
        job: Job,
        inputs: Inputs,
        held_out: HeldOut,
        quantizations: Sequence[Quantization],
    ) -> Made:
        """Return a result with its files, and their folder in the cache. What failed is said in its record.

        A folder that is there already is used. An interruption leaves none.
        """
        key = key_of(blank, quantizations)
        if is_unreadable(folder_of(self.cache, KIND, key)):
            discard(folder_of(self.cache, KIND, key))
        was_there = folder_of(self.cache, KIND, key).is_dir()

        def make(folder: Path) -> None:
            record = _Making(self, folder, blank, job, inputs, held_out).record(quantizations)
            (folder / RECORD).write_text(record.model_dump_json(indent=1), encoding="utf-8")

        folder = cached_folder(self.cache, KIND, key, make)
        record = DeploymentRecord.model_validate_json((folder / RECORD).read_bytes())
        if record.stopped:
            # It is tried again when it is asked for again.
            discard(folder)
        # The folder may be of another command with other threads.
        return Made(record=record.model_copy(update={"threads": blank.threads}), folder=folder, was_there=was_there)


def training_task(
    config: NativeConfig, job: Job, inputs: Inputs, held_out: HeldOut, way: Path, *, engine_source: Path | None = None
) -> dict[str, Any]:
    """Return what the module TRAINING is asked. It writes to `way`: logits, and the export."""
    scratch = way / "scratch"
    scratch.mkdir()
    return {
        "native_config": dataclasses.asdict(config),
        "method": job.method,
        "steps": job.max_steps,
        "precision": job.precision,
        "lora_scale": job.lora_alpha / job.lora_rank,
        "model_path": inputs.model_path,
        "tokens_path": str(held_out.path),
        "compared_tokens": COMPARED_TOKENS,
        "logits_path": str(way / TRAINED_LOGITS),
        "export_path": str(way / EXPORT),
        "scratch": str(scratch),
        "engine_source": None if engine_source is None else str(engine_source),
    }


def loading_task(job: Job, inputs: Inputs, held_out: HeldOut, way: Path) -> dict[str, Any]:
    """Return what the module LOADING is asked, about what `training_task` left in `way`."""
    return {
        "export_path": str(way / EXPORT),
        "base_path": inputs.model_path if job.method == "qlora" else None,
        "tokens_path": str(held_out.path),
        "compared_tokens": COMPARED_TOKENS,
        "logits_path": str(way / TRAINED_LOGITS),
        "exported_logits_path": str(way / EXPORTED_LOGITS),
    }


def finite_loss(what: str, value: float) -> float:
    """Return a held-out loss. Raises TaskFailure if it is no number, as after a training that diverged."""
    if not math.isfinite(value):
        raise TaskFailure(f"its {what}, held out, is no number ({value})")
    return value


class _Making:
    """The making of one result in an empty folder."""

    def __init__(
        self, maker: ResultMaker, folder: Path, blank: DeploymentRecord, job: Job, inputs: Inputs, held_out: HeldOut
    ) -> None:
        self.maker = maker
        self.tasks = maker.tasks
        self.folder = folder
        self.blank = blank
        self.job = job
        self.inputs = inputs
        self.held_out = held_out
        self.way = folder / "way"
        """Files on the way to the result."""
        self.export = self.way / EXPORT

    def record(self, quantizations: Sequence[Quantization]) -> DeploymentRecord:
        """Make everything that can be made, and return its record."""
        self.way.mkdir()
        found = self.blank
        try:
            self.maker.stage(f"{found.title}: training")
            trained = self._trained()
            names = ("untrained_loss", "trained_loss")
            losses = {name: finite_loss(name.replace("_", " "), trained[name]) for name in names}
            found = found.model_copy(update=losses)
            if "exported_by" not in trained:
                return found
            self.maker.stage(f"{found.title}: loading its export in transformers")
            found = found.model_copy(update={"export": self._export(trained), "notes": self._notes(trained)})
            seconds = self._convert()
            if "own_gguf" in trained:
                note = self._beside_its_own(trained["own_gguf"])
                found = found.model_copy(update={"notes": (*found.notes, note)})
            for file in self._files(quantizations, seconds):
                found = found.model_copy(update={"files": (*found.files, file)})
            smallest = min(found.files, key=lambda file: file.bytes)
            text = modelfile_of(gguf_name(smallest.quantization), context=MODELFILE_CONTEXT, end=DOCUMENT_END)
            (self.folder / OLLAMA_FILE).write_text(text, encoding="utf-8")
            found = found.model_copy(update={"modelfile": text, "modelfile_problems": modelfile_problems(text)})
        except (TaskFailure, Unsupported) as why:
            return found.model_copy(update={"stopped": str(why)})
        finally:
            shutil.rmtree(self.way, ignore_errors=True)
        return found

    def _trained(self) -> dict[str, Any]:
        """Train and export, in the framework's environment."""
        adapter = load_adapter(self.blank.framework)

        def task(place: Path) -> dict[str, Any]:
            config = self.tasks.trainer.configure(adapter, self.job, self.inputs, place)
            source = self.maker.engine_source
            return training_task(config, self.job, self.inputs, self.held_out, self.way, engine_source=source)

        return self.tasks.run(self.blank.framework, TRAINING, task, steps=self.job.max_steps)

    def _export(self, trained: dict[str, Any]) -> ExportRecord:
        """Load the export in plain transformers, and judge it."""
        loaded = self.tasks.run(BASELINE, LOADING, loading_task(self.job, self.inputs, self.held_out, self.way))
        kept = trained["kept"]
        return ExportRecord(
            by=trained["exported_by"],
            seconds=round(trained["export_seconds"], 2),
            bytes=trained["export_bytes"],
            peak_rss_bytes=trained["export_peak_rss_bytes"],
            dtypes=tuple(kept["dtypes"]),
            base=kept["base"] if self.job.method == "qlora" else "",
            logits_apart=loaded["logits_apart"],
            loss=finite_loss("loss of the export", loaded["exported_loss"]),
            workarounds=tuple(trained["workarounds"]),
            findings=export_findings(self.job, kept, loaded, Path(self.inputs.model_path), self.export),
        )

    def _notes(self, trained: dict[str, Any]) -> tuple[str, ...]:
        """Return what is to be said about Ollama and the framework's own conversion."""
        notes = [NOT_RUN]
        if "own_gguf_failed" in trained:
            notes.append(
                f"its own conversion to GGUF was not compared: {without_machine_paths(trained['own_gguf_failed'])}"
            )
        own = self.export / OLLAMA_FILE
        if own.is_file():
            problems = modelfile_problems(own.read_text(encoding="utf-8"))
            notes.append(f"its export holds a Modelfile of its own: {'; '.join(problems) or 'the grammar allows it'}")
        return tuple(notes)

    def _convert(self) -> float:
        """Convert the export to GGUF in F16. Return the seconds."""
        self.maker.stage(f"{self.blank.title}: converting to GGUF")
        task = {
            "model_path": str(self.export),
            "gguf_path": str(self.folder / gguf_name(F16)),
            "name": self.blank.title,
        }
        began = time.monotonic()
        self.tasks.run(LLAMA_CPP, "llama_cpp.convert_task", task)
        seconds = time.monotonic() - began
        # Before the quantized files need the room.
        shutil.rmtree(self.export)
        return seconds

    def _files(self, quantizations: Sequence[Quantization], seconds: float) -> Iterator[GgufRecord]:
        """Quantize the F16 file, which took `seconds`, and compare each file with the export."""
        first = self.folder / gguf_name(F16)
        expected = ids_of(Path(self.inputs.model_path))
        for quantization in quantizations:
            path = self.folder / gguf_name(quantization.name)
            if quantization.name != F16:
                self.maker.stage(f"{self.blank.title}: quantizing to {quantization.name}")
                quantize = {
                    "gguf_path": str(first),
                    "quantized_path": str(path),
                    "type": quantization.name,
                    "threads": self.maker.threads,
                }
                began = time.monotonic()
                self.tasks.run(LLAMA_CPP, "llama_cpp.quantize_task", quantize)
                seconds = time.monotonic() - began
            self.maker.stage(f"{self.blank.title}: comparing {quantization.name} with the export")
            yield self._file(quantization, path, seconds, expected)
        if F16 not in [one.name for one in quantizations]:
            first.unlink()

    def _beside_its_own(self, own: str) -> str:
        """Compare our F16 file with the framework's own, in words."""
        task = {"gguf_path": str(self.folder / gguf_name(F16)), "other_path": own}
        try:
            found = self.tasks.run(LLAMA_CPP, "llama_cpp.same_tensors_task", task)
        except TaskFailure as why:
            return f"its own conversion to GGUF could not be compared: {why}"
        same, count, alone = found["same_tensors"], found["all_tensors"], found["in_one_only"]
        words = f"its own conversion to GGUF: {same} of {count} tensors are equal to ours to the bit"
        if alone:
            words += f"; in one file only: {', '.join(alone[:3])}"
        if found["apart"]:
            words += f"; the others differ by at most {found['apart']:.1e} of their largest"
        return words

    def _file(self, quantization: Quantization, path: Path, seconds: float, expected: list[list[int]]) -> GgufRecord:
        """Describe a file and compare it with the export."""
        describe = {"gguf_path": str(path), "texts": SAMPLE_TEXTS}
        described = self.tasks.run(LLAMA_CPP, "llama_cpp.describe_task", describe)
        compare = {
            "gguf_path": str(path),
            "tokens_path": str(self.held_out.path),
            "logits_path": str(self.way / EXPORTED_LOGITS),
            "threads": self.maker.threads,
        }
        compared = self.tasks.run(LLAMA_CPP, "llama_cpp.compare_task", compare)
        return GgufRecord(
            quantization=quantization.name,
            bytes=path.stat().st_size,
            sha256=file_sha256(path),
            seconds=round(seconds, 2),
            tensor_types=described["tensor_types"],
            bytes_per_token=described["bytes_per_token"],
            tokens_are_the_same=described["token_ids"] == expected,
            loss=finite_loss(f"loss of {quantization.name} by llama.cpp", compared["loss"]),
            kl_divergence=compared["kl_divergence"],
            same_top_token=compared["same_top_token"],
            logits_apart=compared["logits_apart"],
        )
