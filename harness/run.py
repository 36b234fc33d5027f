"""A whole run: environments, inputs, hosts, then every cell that is not on disk yet, each recorded as it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from adapters.base import NativeConfig, Unsupported, Workspace
from harness import __version__
from harness.environment.build import Progress, build_environments
from harness.errors import Interrupted, RunFolderError
from harness.execute.host import HostFailure, Start
from harness.execute.hosts import Hosts
from harness.execute.watch import Ended, Event, Limits, run_cell
from harness.frameworks import load_adapter
from harness.inputs import Inputs
from harness.job import Method
from harness.locations import SCRATCH_PREFIX, without_machine_paths
from harness.measure.host import describe_host, source_commit, training_threads
from harness.measure.steps import Step
from harness.plan import Cell, plan
from harness.prepare import prepare
from harness.recipe import Experiment
from harness.record import CellFiles, RunFolder, log_tail
from harness.rows import cell_record, unstarted_record

LOG_LINES_IN_REASON = 3


class Observer(Protocol):
    """Who is told how the run goes."""

    def stage(self, text: str) -> None:
        """Something that takes a while begins."""

    def environment(self, progress: Progress) -> None:
        """A framework's environment was found, built or failed; may be called from several threads."""

    def planned(self, cells: tuple[Cell, ...], recorded: frozenset[str]) -> None:
        """All cells of the run, and the names of those that are on disk already."""

    def cell_begins(self, cell: Cell) -> None:
        """A cell's process is about to start."""

    def cell_event(self, cell: Cell, event: Event) -> None:
        """A cell told something."""

    def cell_ended(self, cell: Cell, record: Mapping[str, Any]) -> None:
        """A cell is on disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a run needs to know besides the experiment."""

    cache: Path
    torch_backend: str
    start: Start
    resume: bool
    command: str
    """What a reader types to ask for the same experiment."""


def execute(experiment: Experiment, folder: RunFolder, settings: Settings, observer: Observer) -> None:
    """Run what is missing of the experiment. Raises Interrupted with what was finished on disk."""
    with _only_writer(folder, settings.cache):
        _execute_alone(experiment, folder, settings, observer)


def _execute_alone(experiment: Experiment, folder: RunFolder, settings: Settings, observer: Observer) -> None:
    run = _open_run(experiment, folder, settings)
    try:
        _execute(experiment, folder, settings, observer, run)
    except KeyboardInterrupt as interrupt:
        if not folder.exists():
            raise Interrupted("stopped before anything was recorded") from interrupt
        done = len(folder.recorded_cells())
        folder.write_run({**run, "status": "interrupted"})
        raise Interrupted(
            f"stopped; {done} of {len(plan(experiment))} cells are in {folder.path}; "
            f"go on with: python -m harness run --resume --output {folder.path}"
        ) from interrupt
    folder.write_run({**run, "status": "complete", "finished": _now()})


def _execute(
    experiment: Experiment, folder: RunFolder, settings: Settings, observer: Observer, run: dict[str, Any]
) -> None:
    cells = plan(experiment)
    recorded = folder.recorded_cells()
    missing = [cell for cell in cells if cell.name not in recorded]
    if not missing:
        observer.planned(cells, recorded)
        return
    observer.stage("Preparing model, tokenizer and token blocks")
    inputs = {method: prepare(job, settings.cache) for method, job in experiment.jobs.items()}
    _record_inputs(run, inputs, folder)
    observer.stage("Setting up one environment per framework")
    frameworks = sorted({cell.framework for cell in missing})
    environments = build_environments(
        frameworks, torch_backend=settings.torch_backend, cache=settings.cache, progress=observer.environment
    )
    with (
        _scratch_folder() as scratch,
        Hosts(experiment.device, environments, run["start"] or settings.start, scratch) as hosts,
    ):
        observer.stage("Importing the frameworks")
        hosts.start_all()
        run["start"] = _agreed_start(run, hosts.start, folder)
        _check_environments(run, {name: hosts.describe(name) for name in frameworks}, folder)
        run["frameworks"] |= {name: hosts.describe(name) for name in frameworks}
        folder.write_run(run)
        observer.planned(cells, recorded)
        for cell in missing:
            observer.cell_begins(cell)
            files = _run_one(cell, experiment, inputs[cell.method], hosts, folder, observer)
            folder.write_cell(cell.name, files)
            observer.cell_ended(cell, files.record)
        # A framework imported only now, for its first cold cell, has told its versions only now.
        run["frameworks"] |= {name: hosts.describe(name) for name in frameworks}


def _run_one(
    cell: Cell, experiment: Experiment, inputs: Inputs, hosts: Hosts, folder: RunFolder, observer: Observer
) -> CellFiles:
    """Run one cell and say everything that is to be recorded about it."""
    run_name = folder.path.name
    with tempfile.TemporaryDirectory(dir=hosts.scratch, prefix=f"{cell.name}-", ignore_cleanup_errors=True) as place:
        workspace = Workspace(device=experiment.device, output_path=str(Path(place) / "output"))
        Path(workspace.output_path).mkdir()
        log = Path(place) / "log.txt"
        config: NativeConfig | None = None
        try:
            config = load_adapter(cell.framework).configure(cell.job, inputs, workspace)
            host = hosts.for_cell(cell.framework)
            facts = hosts.facts[cell.framework]
            request = Path(place) / "request.json"
            content = {
                "workspace": workspace.output_path,
                "start": hosts.start,
                "max_steps": cell.job.max_steps,
                "native_config": dataclasses.asdict(config),
            }
            request.write_text(json.dumps(content), encoding="utf-8")
            limits = Limits(timeout_seconds=experiment.timeout_seconds, silence_seconds=experiment.silence_seconds)
            ended = run_cell(host, request, log, limits, lambda event: observer.cell_event(cell, event))
            hosts.release(cell.framework)
        except Unsupported as reason:
            record = unstarted_record(cell, run_name, inputs, "unsupported", str(reason))
            return _files(cell, record, config)
        except HostFailure as failure:
            record = unstarted_record(cell, run_name, inputs, "unavailable", without_machine_paths(str(failure)))
            return _files(cell, record, config)
        ended = _with_last_words(ended, log)
        steps, record = cell_record(cell, run_name, inputs, config, ended, facts, hosts.start)
        return _files(cell, record, config, steps, log_tail(log))


def _files(
    cell: Cell, record: Mapping[str, Any], config: NativeConfig | None, steps: tuple[Step, ...] = (), log: str = ""
) -> CellFiles:
    native = None if config is None else dataclasses.asdict(config)
    return CellFiles(record=record, job=cell.job.as_dict(), native_config=native, steps=steps, log=log)


def _with_last_words(ended: Ended, log: Path) -> Ended:
    """A cell that crashed, was killed or fell silent tells more with the end of its log."""
    reason = without_machine_paths(ended.reason)
    if ended.outcome in {"crashed", "killed", "timeout"} and (lines := log_tail(log).split("\n")):
        words = [line.strip() for line in lines if line.strip()][-LOG_LINES_IN_REASON:]
        reason = f"{reason}; its log ends: {' / '.join(words)}" if words else reason
    return dataclasses.replace(ended, reason=reason)


def _open_run(experiment: Experiment, folder: RunFolder, settings: Settings) -> dict[str, Any]:
    """run.json of a new run, not written yet, or of the one that is resumed. Raises RunFolderError."""
    host = describe_host()
    if folder.path.exists() and not folder.path.is_dir():
        raise RunFolderError(f"{folder.path}: is a file; choose another --output")
    if not folder.exists():
        if folder.path.exists() and any(folder.path.iterdir()):
            raise RunFolderError(f"{folder.path}: is not empty and holds no run; choose another --output")
        run: dict[str, Any] = {
            "name": folder.path.name,
            "status": "running",
            "created": _now(),
            "harness_version": __version__,
            "source_commit": source_commit(),
            "host": host,
            "omp_num_threads": training_threads(),
            "start": None,
            "command": settings.command,
            "experiment": experiment.as_dict(),
            "inputs": {},
            "frameworks": {},
        }
        return run
    if not settings.resume:
        raise RunFolderError(f"{folder.path}: belongs to another run; --resume finishes it, or choose another --output")
    run = folder.read_run()
    if run["experiment"] != json.loads(json.dumps(experiment.as_dict())):
        raise RunFolderError(f"{folder.path}: belongs to a run with other options; choose another --output")
    for name in ("cpu", "cpu_threads", "gpu"):
        if run["host"][name] != host[name]:
            raise RunFolderError(
                f"{folder.path}: was begun on another machine ({name} = {run['host'][name]}, here {host[name]}); "
                "figures of two machines are never mixed, so choose another --output"
            )
    if run["omp_num_threads"] != training_threads():
        raise RunFolderError(f"{folder.path}: was begun with OMP_NUM_THREADS={run['omp_num_threads']}; set it again")
    return {**run, "status": "running"}


def _record_inputs(run: dict[str, Any], inputs: Mapping[Method, Inputs], folder: RunFolder) -> None:
    """Write what the inputs are, without where they lie; refuse to go on with other ones."""
    paths = {"model_path", "blocks_path", "adapter_path"}
    described = {
        method: {key: value for key, value in one.as_dict().items() if key not in paths}
        for method, one in inputs.items()
    }
    described = json.loads(json.dumps(described))
    if run["inputs"] and run["inputs"] != described:
        raise RunFolderError(f"{folder.path}: was begun with another model or corpus; choose another --output")
    run["inputs"] = described
    folder.write_run(run)


def _agreed_start(run: Mapping[str, Any], start: Start, folder: RunFolder) -> Start:
    if run["start"] not in (None, start):
        raise RunFolderError(
            f"{folder.path}: was begun with --start {run['start']}, which now is {start}; "
            "the two are never mixed in one comparison, so choose another --output"
        )
    return start


def _check_environments(run: Mapping[str, Any], described: Mapping[str, Any], folder: RunFolder) -> None:
    for name, now in described.items():
        before = run["frameworks"].get(name, {}).get("environment", now["environment"])
        if before and now["environment"] and before != now["environment"]:
            raise RunFolderError(
                f"{folder.path}: was begun with environment {before}, which now is {now['environment']}; "
                "versions are never mixed in one comparison, so choose another --output"
            )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def _only_writer(folder: RunFolder, cache: Path) -> Iterator[None]:
    """Hold the run's folder against a second run. The lock lies in the cache: nothing is left in the results."""
    name = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:24]
    (cache / "locks").mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(cache / "locks" / f"{name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise RunFolderError(f"{folder.path}: another process is writing this run") from error


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """A folder for what frameworks write, removed at the end whatever happens."""
    path = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
