"""Whether a run's folder may be written: new, resumed, or refused because its earlier cells differ."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness import __version__
from harness.analysis.adaptive import is_needed
from harness.errors import RunFolderError
from harness.execute.worker_process import Start
from harness.files.file_lock import Locked, locked
from harness.job.experiment import Experiment
from harness.job.inputs import Inputs
from harness.job.job import Method
from harness.job.plan import plan
from harness.machine.clock import now
from harness.machine.host import describe_host, source_commit, training_threads
from harness.machine.node import this_node
from harness.records.cell_record import CellRecord
from harness.records.run_folder import EDITED, RunFolder
from harness.records.run_record import Contents, InputsRecord, RunRecord

PATHS = ("model_path", "blocks_path", "adapter_path")
"""Fields of the inputs that are paths on this machine. They are not recorded."""


def open_run(experiment: Experiment, folder: RunFolder, *, command: str, resume: bool) -> RunRecord:
    """Return run.json of a new run, not yet written, or of a resumed one. Raises RunFolderError."""
    host = describe_host()
    if not folder.exists():
        if folder.path.exists() and any(folder.path.iterdir()):
            raise RunFolderError(f"{folder.path}: is not empty and holds no run; choose another --output")
        return RunRecord(
            name=folder.name,
            status="running",
            created=now(),
            harness_version=__version__,
            source_commit=source_commit(),
            host=host,
            nodes=[this_node()],
            omp_num_threads=training_threads(),
            start=None,
            command=command,
            experiment=experiment,
            inputs={},
            frameworks={},
        )
    if not resume:
        raise RunFolderError(f"{folder.path}: belongs to another run; --resume finishes it, or choose another --output")
    run = folder.read_run()
    if not run.is_sealed:
        raise RunFolderError(f"{folder.path}: run.json is {EDITED}, so nothing can be added to it")
    if run.experiment != experiment:
        raise RunFolderError(f"{folder.path}: belongs to a run with other options; choose another --output")
    for name in ("cpu", "cpu_threads", "gpu", "gpu_driver"):
        before, found = getattr(run.host, name), getattr(host, name)
        if before != found:
            raise RunFolderError(
                f"{folder.path}: was begun on another kind of machine ({name} = {before}, here "
                f"{found}); figures of two kinds are never mixed, so choose another --output"
            )
    if run.omp_num_threads != training_threads():
        raise RunFolderError(f"{folder.path}: was begun with OMP_NUM_THREADS={run.omp_num_threads}; set it again")
    here = this_node()
    known = [node for node in run.nodes if node.node == here.node]
    run.status = "running"
    run.nodes = [*(node for node in run.nodes if node.node != here.node), *(known or [here])]
    run.contents = _still_there(run.contents, folder)
    return run


def begun_elsewhere(run: RunRecord, experiment: Experiment, records: Sequence[CellRecord]) -> dict[int, list[str]]:
    """Return the cells of each round that another machine began and did not end. They run again here.

    A round is compared as a whole, on one machine. Cells on another machine would have nothing to be compared with.
    """
    here = run.nodes[-1].node
    due: defaultdict[int, set[str]] = defaultdict(set)
    for cell in plan(experiment):
        if is_needed(cell, experiment, records):
            due[cell.repeat].add(cell.name)
    rounds: defaultdict[int, list[CellRecord]] = defaultdict(list)
    for record in records:
        rounds[record.repeat].append(record)
    return {
        repeat: [record.cell for record in records]
        for repeat, records in sorted(rounds.items())
        if any(record.node not in (None, here) for record in records)
        and not due[repeat] <= {record.cell for record in records}
    }


def set_aside(repeat: int, cells: Sequence[str], run: RunRecord, folder: RunFolder) -> str:
    """Move a round's cells to where nothing reads them, as the round begins again. Return what to say about it."""
    for name in cells:
        folder.set_aside(name)
    run.contents = _still_there(run.contents, folder)
    return (
        f"Round {repeat} was begun on another machine and did not end there: its {len(cells)} cells are kept in "
        f"{folder.aside.name}/ and run again here."
    )


def sealed_contents(run: RunRecord, folder: RunFolder) -> Contents:
    """Return the seals of everything in a run's folder. What was there when the run resumed keeps its earlier seal."""
    return {kind: {**found, **run.contents.get(kind, {})} for kind, found in folder.contents().items()}


def _still_there(contents: Contents, folder: RunFolder) -> Contents:
    """Return the earlier seals without those of removed files, which are recorded again."""
    found = folder.contents()
    return {
        kind: {name: seal for name, seal in seals.items() if name in found[kind]} for kind, seals in contents.items()
    }


def record_inputs(run: RunRecord, inputs: Mapping[Method, Inputs], folder: RunFolder) -> None:
    """Write the inputs without their paths. Refuse to go on with other inputs."""
    described = {
        method: InputsRecord(**{name: value for name, value in prepared.as_dict().items() if name not in PATHS})
        for method, prepared in inputs.items()
    }
    if run.inputs and run.inputs != described:
        raise RunFolderError(f"{folder.path}: was begun with another model or corpus; choose another --output")
    run.inputs = described
    folder.write_run(run)


def agreed_start(run: RunRecord, start: Start, folder: RunFolder) -> Start:
    """Return the way of starting cells that the whole run shares. Raises RunFolderError."""
    if run.start not in (None, start):
        raise RunFolderError(
            f"{folder.path}: was begun with --start {run.start}, which now is {start}; "
            "the two are never mixed in one comparison, so choose another --output"
        )
    return start


def check_environments(run: RunRecord, environments: Mapping[str, str], folder: RunFolder) -> None:
    """Refuse to go on with other environments, by name, than the run began with. Raises RunFolderError."""
    for name, found in environments.items():
        before = (run.frameworks[name].environment if name in run.frameworks else None) or found
        if before != found:
            raise RunFolderError(
                f"{folder.path}: was begun with environment {before}, which now is {found}; "
                "versions are never mixed in one comparison, so choose another --output"
            )


@contextlib.contextmanager
def only_writer(folder: RunFolder) -> Iterator[None]:
    """Hold the run's folder against a second run. It is made if necessary, and removed again if it stays empty."""
    path = folder.path
    if path.exists() and not path.is_dir():
        raise RunFolderError(f"{path}: is a file; choose another --output")
    made = [parent for parent in (path, *path.parents) if not parent.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        with locked(path, wait=False):
            yield
    except Locked as error:
        raise RunFolderError(f"{path}: another process is writing this run") from error
    finally:
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
