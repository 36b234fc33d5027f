"""The record of a cell: what cell.json says, and what reading it adds.

Every column's type, unit and meaning is here, once. scripts/make_schemas.py makes docs/results.md and
docs/schemas/cell.json from it.
"""

from __future__ import annotations

from typing import Annotated, Any, cast, get_args, get_origin

import pydantic

from harness.audit.verdict import SameJob
from harness.job.experiment import Track
from harness.job.job import Method

LARGEST = 2**63 - 1

Text = Annotated[str, pydantic.Field(strict=True)]
Count = Annotated[int, pydantic.Field(strict=True, ge=-LARGEST, le=LARGEST)]
Number = Annotated[float, pydantic.Field(strict=True)]
Truth = Annotated[bool, pydantic.Field(strict=True)]


def column(*, added: bool = False) -> Any:
    """A column that may be empty. `added`: no file has it; reading adds it."""
    return pydantic.Field(default=None, json_schema_extra={"added_by_reading": True} if added else None)


class CellRecord(pydantic.BaseModel):
    """One framework that trained one job once. A column is None if there is nothing to record."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    run: Text | None = column()
    """the run's name"""
    cell: Text
    """the cell's name, which is its folder's"""
    framework: Text
    """which framework trained"""
    framework_version: Text | None = column()
    """of the framework's package"""
    method: Method
    """lora, qlora or full"""
    precision: Text | None = column()
    """fp32 or bf16"""
    track: Track
    """parity (all knobs equal) or [tuned](tuned.md)"""
    repeat: Count
    """the round, from 1"""
    twin: Truth | None = column()
    """whether it is the second of an A/A pair"""
    outcome: Text
    """how it ended: see [method](method.md)"""
    reason: Text | None = column()
    """why it ended so, if not well"""
    same_job: SameJob | None = column(added=True)
    """the [audit](audit.md)'s verdict: yes, with deviations, no, not audited"""
    why_not_same_job: Text | None = column(added=True)
    """what differed"""
    deviations: Text | None = column()
    """what the framework did differently, as declared; once audited, as seen"""
    device: Text | None = column()
    """the GPU's name, or cpu"""
    node: Text | None = column()
    """which machine of its kind it was"""
    machine: Text | None = column(added=True)
    """the GPU's name, or the CPU's with its threads"""
    start: Text | None = column()
    """[how its process was started](warm-start.md): warm, cold or ahead"""
    tokens_per_second: Number | None = column()
    """of the steady steps; empty unless the outcome is ok"""
    end_to_end_tokens_per_second: Number | None = column()
    """over start and import, load and all steps"""
    median_step_seconds: Number | None = column()
    """of the steady steps"""
    median_step_cpu_seconds: Number | None = column()
    """CPU time of the process over the same steps, all threads"""
    peak_memory_bytes: Count | None = column()
    """the figure that stands for the cell"""
    peak_memory_kind: Text | None = column()
    """which figure that is"""
    model_flops_utilization: Number | None = column(added=True)
    """share of the operations per second that this machine reached in this run (`chip` in run.json)"""
    memory_bandwidth_share: Number | None = column(added=True)
    """share of the bytes per second that this machine reached in this run"""
    memory_floor_bytes: Number | None = column(added=True)
    """the least that training this job can hold: [method](method.md)"""
    peak_rss_bytes: Count | None = column()
    """resident set of the process tree"""
    peak_allocated_bytes: Count | None = column()
    """what torch's allocator had given out"""
    peak_reserved_bytes: Count | None = column()
    """what torch's allocator held"""
    load_peak_bytes: Count | None = column()
    """peak until training begins, of the kind that stands for the cell"""
    first_step_peak_bytes: Count | None = column()
    """peak in the first step, of the same kind"""
    steady_peak_bytes: Count | None = column()
    """peak in the steps after it, of the same kind"""
    gpu_process_peak_bytes: Count | None = column()
    """NVML: of the cell's processes"""
    gpu_used_peak_bytes: Count | None = column()
    """NVML: of the device, beyond what others held while the cell ran"""
    cuda_context_bytes: Count | None = column()
    """held outside torch's allocator"""
    allocation_retries: Count | None = column()
    """how often torch's allocator had to empty its cache"""
    mean_power_watts: Number | None = column()
    """over the steady steps"""
    energy_joules_per_1000_tokens: Number | None = column()
    """over the steady steps"""
    energy_source: Text | None = column()
    """the device's counter, or power over time"""
    median_sm_clock_mhz: Number | None = column()
    """over the steady steps"""
    median_memory_clock_mhz: Number | None = column()
    """over the steady steps"""
    peak_temperature_celsius: Number | None = column()
    """over the steady steps"""
    gpu_busy_share: Number | None = column()
    """share of the steady steps in which some kernel ran, as NVML samples it; else the GPU waited for the host"""
    clocks_lowered_share: Number | None = column()
    """share of the samples with lowered clocks"""
    clocks_lowered_by: Text | None = column()
    """why they were lowered"""
    other_gpu_processes: Count | None = column()
    """most that used the GPU at once beside the cell"""
    gpu_bytes_not_returned: Count | None = column()
    """memory of the device that was not back 20 s after the cell"""
    gpu_not_returned_since: Text | None = column()
    """the cell since which it was missing"""
    first_loss: Number | None = column()
    """of the first step, unrounded"""
    final_loss: Number | None = column()
    """of the last step, or of step `least_steps` where cells may end early; unrounded"""
    steps: Count | None = column()
    """optimizer steps"""
    warmup_steps: Count | None = column()
    """warm-up steps among them, as found in the data"""
    tokens_per_step: Count | None = column()
    """tokens of an optimizer step"""
    trainable_parameters: Count | None = column()
    """read back from the live model"""
    start_seconds: Number | None = column()
    """interpreter and import"""
    load_seconds: Number | None = column()
    """from the process's start to the beginning of training"""
    first_step_seconds: Number | None = column()
    """the first step"""
    training_seconds: Number | None = column()
    """all steps"""
    harness_seconds: Number | None = column()
    """time that this harness's code took during the steps"""
    clock_difference_seconds: Number | None = column()
    """difference between the host's and the device's time of the last step's end"""
    wall_seconds: Number | None = column()
    """the cell's process, after the import"""
    omp_num_threads: Count | None = column()
    """OMP_NUM_THREADS of the process"""
    other_cpu_cores: Number | None = column()
    """what other processes computed meanwhile, in cores"""
    swapped_bytes: Count | None = column()
    """what the machine swapped meanwhile"""
    throttled_share: Number | None = column()
    """share of the periods of a container's CPU quota in which it was used up; empty without a quota"""
    torch_version: Text | None = column()
    """of torch"""
    attention: Text | None = column()
    """read back from the live model"""
    optimizer: Text | None = column()
    """read back from the live optimizer"""
    model_source: Text | None = column()
    """where the model is from"""
    dataset_source: Text | None = column()
    """where the text is from"""
    model_sha256: Text | None = column()
    """of the weights"""
    blocks_sha256: Text | None = column()
    """of the token blocks"""
    job_sha256: Text | None = column()
    """of the job"""
    compared_sha256: Text | None = column()
    """of the job, in the tuned track without the knobs that may differ there: both sides of a ratio share it"""

    def as_recorded(self) -> dict[str, Any]:
        """Return the columns of cell.json."""
        return self.model_dump(exclude=set(ADDED_BY_READING))


COLUMNS = tuple(CellRecord.model_fields)
"""Columns of an exported record, in their order."""
ADDED_BY_READING = tuple(name for name, field in CellRecord.model_fields.items() if field.json_schema_extra)
RECORDED_COLUMNS = tuple(name for name in COLUMNS if name not in ADDED_BY_READING)
"""Columns of cell.json."""


def kind_of(name: str) -> type:
    """Return the type of a column's values: str, int, float or bool."""
    annotation: Any = CellRecord.model_fields[name].annotation
    for kind in (annotation, *get_args(annotation)):
        plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if plain in (str, int, float, bool):
            return cast("type", plain)
    return str
