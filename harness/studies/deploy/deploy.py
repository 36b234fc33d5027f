"""Take every framework's result the whole way: train, export, GGUF, llama.cpp. Each is recorded before the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.environment.environment import Environment
from harness.errors import EnvironmentBuildError
from harness.execute.tasks import TaskFailure, Tasks
from harness.execute.training import Trainer
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.files.cache import discard
from harness.job.experiment import Experiment
from harness.job.frameworks import BASELINE, LLAMA_CPP, REFERENCE
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.machine.host import describe_host
from harness.prepare.held_out import HeldOut, held_out_blocks
from harness.records.deployments import DeploymentFile, DeploymentRecord
from harness.run.observer import Observer
from harness.run.run_settings import RunSettings, prepared
from harness.run.study_workers import study_workers
from harness.studies.deploy.engine_source import engine_source
from harness.studies.deploy.kept_files import kept_folder
from harness.studies.deploy.quantizations import ALL, Quantization
from harness.studies.deploy.result import ResultMaker
from harness.studies.deploy.timed_runs import other_thread_counts, timed

HELD_OUT_BLOCKS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploySettings:
    """How results are taken to llama.cpp."""

    quantizations: tuple[Quantization, ...]
    threads: int
    repeats: int
    keep: bool
    """True if the GGUF files stay in the cache."""
    timeout_seconds: float
    """Longest time of one process."""


def deploy_all(
    experiment: Experiment,
    asked: DeploySettings,
    file: DeploymentFile,
    settings: RunSettings,
    observer: Observer,
    say: Callable[[str], None],
) -> list[DeploymentRecord]:
    """Make, run and record every result that is not recorded yet. Return what this call made.

    Raises EnvironmentBuildError if there is no llama.cpp.
    """
    jobs = experiment.jobs
    inputs = prepared(experiment, settings, observer)
    held_out = {
        method: held_out_blocks(job, inputs[method], settings.cache, HELD_OUT_BLOCKS) for method, job in jobs.items()
    }
    observer.stage("llama.cpp is compiled the first time: 4 to 9 minutes on two cores")
    made: list[DeploymentRecord] = []
    names = (*experiment.frameworks, BASELINE, REFERENCE, LLAMA_CPP)
    with study_workers(experiment, names, settings, observer) as (gate, workers):
        engine = _engine(workers)
        limits = Limits(timeout_seconds=asked.timeout_seconds, silence_seconds=asked.timeout_seconds)
        tasks = Tasks(trainer=Trainer(workers=workers, limits=limits))
        _measure_machine(file, tasks, asked, observer)
        maker = ResultMaker(
            tasks=tasks,
            cache=settings.cache,
            threads=asked.threads,
            stage=observer.stage,
            engine_source=engine_source(engine, settings.cache),
        )
        for method, job in jobs.items():
            for framework in (REFERENCE, *experiment.frameworks):
                blank = _blank(workers, framework, job, inputs[method], held_out[method], asked)
                found = file.read().found(blank)
                if found is not None and _is_done(found, asked, settings.cache):
                    continue
                turn = gate.before_cell(framework)
                record = _result(blank, found, maker, job, held_out[method], inputs[method], asked)
                gate.after_cell(turn)
                made.append(record)
                if found is None or found.stopped or not record.stopped:
                    file.add(record)
                if framework != REFERENCE or record.stopped:
                    say(summary(record))
    return made


def summary(record: DeploymentRecord) -> str:
    """Return one line on a result."""
    if record.stopped:
        return f"{record.title}: went no further: {record.stopped}"
    faults = record.export.faults if record.export is not None else ()
    sizes = ", ".join(f"{file.quantization} {file.bytes / 1e6:,.0f} MB" for file in record.files)
    if faults:
        return f"{record.title}: {sizes}; not as trained: {', '.join(fault.subject for fault in faults)}"
    return f"{record.title}: exported as trained, {sizes}"


def _engine(workers: WorkerPool) -> Environment:
    """Return llama.cpp's environment. Raises EnvironmentBuildError: without one, all would be trained for nothing."""
    engine = workers.environments[LLAMA_CPP]
    if why := workers.failures.get(LLAMA_CPP, ""):
        raise EnvironmentBuildError(f"{why}; llama.cpp is compiled, which needs a C++ compiler")
    assert isinstance(engine, Environment)
    return engine


def _result(
    blank: DeploymentRecord,
    found: DeploymentRecord | None,
    maker: ResultMaker,
    job: Job,
    held_out: HeldOut,
    inputs: Inputs,
    asked: DeploySettings,
) -> DeploymentRecord:
    """Make a result, with the formats that are recorded already too, run its files, and return its record."""
    names = {one.name for one in asked.quantizations} | {one.quantization for one in (found.files if found else ())}
    made = maker.made(blank, job, inputs, held_out, [one for one in ALL if one.name in names])
    record = made.record
    try:
        if record.files and not record.stopped:
            record = timed(record, made.folder, job, held_out, asked.repeats, maker.tasks, maker.stage)
    except TaskFailure as why:
        record = record.model_copy(update={"stopped": str(why)})
    finally:
        if not asked.keep and not made.was_there:
            discard(made.folder)
    return record


def _measure_machine(file: DeploymentFile, tasks: Tasks, asked: DeploySettings, observer: Observer) -> None:
    """Measure how fast this machine reads memory, unless it is recorded. A failure leaves it unmeasured."""
    counts = sorted({asked.threads, *other_thread_counts(asked.threads)})
    host = describe_host().processor
    file.set_machine(host, {})
    if set(counts) <= file.read().read_bytes_per_second.keys():
        return
    observer.stage("Measuring how fast this machine reads memory")
    try:
        facts = tasks.run(LLAMA_CPP, "llama_cpp.bandwidth_task", {"thread_counts": counts})
    except TaskFailure as why:
        observer.warning(f"How fast this machine reads memory is not known: {why}")
        return
    file.set_machine(host, {int(count): rate for count, rate in facts["read_bytes_per_second"].items()})


def _blank(
    workers: WorkerPool, framework: str, job: Job, inputs: Inputs, held_out: HeldOut, asked: DeploySettings
) -> DeploymentRecord:
    """Return the record of a result that is not made yet."""
    described, engine = workers.describe(framework), workers.describe(LLAMA_CPP)
    return DeploymentRecord(
        framework=framework,
        framework_version=described.version or "",
        environment=described.environment or "",
        engine_environment=engine.environment or "",
        engine_version=engine.version or "",
        method=job.method,
        device=workers.device,
        job=job.as_dict(),
        model_source=inputs.model_source,
        dataset_source=inputs.dataset_source,
        model_sha256=inputs.model_sha256,
        blocks_sha256=inputs.blocks_sha256,
        held_out_sha256=held_out.sha256,
        held_out_tokens=held_out.blocks * held_out.tokens_per_block,
        threads=asked.threads,
    )


def _is_done(found: DeploymentRecord, asked: DeploySettings, cache: Path) -> bool:
    """True if a recorded result has every format, as many runs with as many threads, and its files if they are kept."""
    if found.stopped:
        return False
    if found.framework == REFERENCE:
        return True
    files = [found.file(one.name) for one in asked.quantizations]
    is_run = found.threads == asked.threads and all(file and len(file.runs) >= asked.repeats for file in files)
    return is_run and (not asked.keep or kept_folder(found, cache).is_dir())
