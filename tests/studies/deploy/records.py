"""A recorded result for tests that only read it, with figures that were measured on the shape of Qwen3-0.6B."""

from __future__ import annotations

from harness.audit.findings import judged
from harness.job.job import Job, Method
from harness.job.recipe import Choices, resolve
from harness.records.deployments import DeploymentRecord, ExportRecord, GgufRecord, TimedRun

BANDWIDTHS = {1: 12e9, 2: 20e9}
BYTES = {"f16": 1_198_181_920, "q8_0": 639_446_560, "q4_k_m": 396_704_288}


def full_shape_job(method: Method = "qlora") -> Job:
    choices = Choices(profile="cpu-0.6b", methods=method)
    return resolve(choices, gpu_present=False).jobs[method]


def file_of(name: str, rates: tuple[float, ...] = (30.0, 31.0, 32.0)) -> GgufRecord:
    runs = tuple(
        TimedRun(
            repeat=repeat,
            first_token_seconds=1.0,
            prompt_tokens_per_second=100.0,
            generation_tokens_per_second={1: rate / 2, 2: rate},
            peak_rss_bytes=800_000_000,
        )
        for repeat, rate in enumerate(rates, start=1)
    )
    return GgufRecord(
        quantization=name,
        bytes=BYTES[name],
        sha256=f"sha of {name}",
        seconds=20.0,
        tensor_types={"f16": 198, "f32": 113},
        bytes_per_token=BYTES[name] - 5_900_000,
        tokens_are_the_same=True,
        loss=3.0,
        kl_divergence=1e-3,
        same_top_token=0.97,
        logits_apart=1e-2,
        context_rss_bytes={2048: BYTES[name] + 235_000_000, 8192: BYTES[name] + 940_000_000, 32768: 4_500_000_000},
        runs=runs,
    )


def record_of(
    framework: str = "unsloth",
    method: Method = "qlora",
    *,
    files: tuple[str, ...] = ("f16", "q8_0", "q4_k_m"),
    source: str = "random weights, 596.0 M parameters, seed 0",
    fault: str = "",
    workaround: str = "",
    losses: tuple[float, float] = (12.0, 11.5),
) -> DeploymentRecord:
    export = ExportRecord(
        by="its export",
        seconds=9.0,
        bytes=2_400_000_000,
        peak_rss_bytes=5_000_000_000,
        dtypes=("F32",),
        base="as loaded" if method == "qlora" else "",
        logits_apart=1e-6,
        loss=losses[1],
        workarounds=(workaround,) if workaround else (),
        findings=(judged("logits", "the same", fault or "the same", same=not fault),),
    )
    return DeploymentRecord(
        framework=framework,
        framework_version="1.0",
        environment=f"{framework}-1",
        engine_environment="llama_cpp-1",
        engine_version="0.3.36",
        method=method,
        device="cpu",
        job=full_shape_job(method).as_dict(),
        model_source=source,
        dataset_source="local file text.txt",
        model_sha256="sha",
        blocks_sha256="sha",
        held_out_sha256="sha",
        held_out_tokens=512,
        threads=2,
        untrained_loss=losses[0],
        trained_loss=losses[1],
        export=None if framework == "reference" else export,
        files=tuple(file_of(name) for name in files) if framework != "reference" else (),
        modelfile="FROM ./model-q4_k_m.gguf\n",
    )
