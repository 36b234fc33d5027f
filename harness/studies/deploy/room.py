"""What can be refused before anything starts: too many threads, a shape that a format cannot hold, a full disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import RecipeError
from harness.job.experiment import Experiment
from harness.job.job import Job
from harness.machine.host import usable_threads
from harness.measure.limits import BYTES
from harness.records.deployments import Deployments
from harness.studies.deploy.kept_files import kept_folder
from harness.studies.deploy.quantizations import F16, QUANTIZATIONS, Quantization, file_bytes, why_not_quantizable


def check_threads(threads: int) -> None:
    """Refuse a thread count that this machine does not have. Raises RecipeError."""
    has = usable_threads()
    if not 1 <= threads <= has:
        raise RecipeError("command line", "--threads", f"{threads}: must be 1 to {has}, which this machine has")


def check_shapes(experiment: Experiment, quantizations: Sequence[Quantization]) -> None:
    """Refuse a format that cannot hold a job's model. Raises RecipeError."""
    for job in experiment.jobs.values():
        for quantization in quantizations:
            if why := why_not_quantizable(job.shape, quantization):
                raise RecipeError("command line", "--quantize", why)


def check_room(
    experiment: Experiment, quantizations: Sequence[Quantization], cache: Path, known: Deployments, *, keep: bool
) -> None:
    """Refuse a disk without room for what will be written at most at one time. Raises RecipeError.

    `known`: what is recorded already.
    """
    advice = "take fewer --frameworks, --methods or --quantize" + (", or keep no file with --no-keep" if keep else "")
    in_cache = bytes_needed(experiment, quantizations, cache, known, keep=keep)
    # What a framework writes itself, before it is exported.
    in_scratch = max(map(_checkpoint_bytes, experiment.jobs.values()))
    scratch = Path(tempfile.gettempdir())
    if _there(cache).stat().st_dev == _there(scratch).stat().st_dev:
        in_cache, in_scratch = in_cache + in_scratch, 0
    for place, needed, variable in ((cache, in_cache, "HARNESS_CACHE"), (scratch, in_scratch, "TMPDIR")):
        free = shutil.disk_usage(_there(place)).free
        if needed > free:
            problem = f"{needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free"
            raise RecipeError(place, None, f"{problem}; {advice}, or choose another disk with {variable}=DIR")


def bytes_needed(
    experiment: Experiment, quantizations: Sequence[Quantization], cache: Path, known: Deployments, *, keep: bool
) -> int:
    """Return the most bytes that are written to the cache: kept files, and what one result needs on its way."""
    jobs = list(experiment.jobs.values())
    kept = {record.question for record in known.results if kept_folder(record, cache).is_dir()}
    missing = [job for job in jobs for name in experiment.frameworks if (name, job.method) not in kept]
    return (sum(_kept(job, quantizations) for job in missing) if keep else 0) + max(
        _on_the_way(job, quantizations) for job in jobs
    )


def _there(place: Path) -> Path:
    """Return the nearest folder that exists."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _kept(job: Job, quantizations: Sequence[Quantization]) -> int:
    return sum(file_bytes(job.shape, one) for one in quantizations)


def _on_the_way(job: Job, quantizations: Sequence[Quantization]) -> int:
    """Return the export, a framework's own merged copy and GGUF file, our F16 file, and the formats."""
    f16 = file_bytes(job.shape, QUANTIZATIONS[F16])
    return 2 * _checkpoint_bytes(job) + 2 * f16 + _kept(job, quantizations)


def _checkpoint_bytes(job: Job) -> int:
    return job.shape.parameters * BYTES[job.precision]
