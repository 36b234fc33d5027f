"""Every framework's result goes the whole way to llama.cpp, through the command line; and what cannot is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.environment.build import find_environment
from harness.files.locations import SOURCE_ROOT, cache_root
from harness.job.frameworks import FRAMEWORKS, LLAMA_CPP
from harness.job.job import METHODS
from harness.records.deployments import DeploymentFile, DeploymentRecord
from harness.studies.deploy.kept_files import KIND, kept_folder
from harness.studies.deploy.learned import learned_as_much
from harness.studies.probe.attempts import SMALL
from tests.conftest import harness, needs_a_compiler
from tests.studies.deploy.records import record_of

RUN = "results/mine"
SETTINGS = (*SMALL, "learning_rate=0.001")
FORMATS = ("f16", "q8_0", "q4_k_m")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a recorded run."""
    shutil.copytree(SOURCE_ROOT / "results" / "reference-cpu", tmp_path / RUN)
    (tmp_path / RUN / "deployment.json").unlink(missing_ok=True)
    return tmp_path


def deploy_options(*more: str) -> list[str]:
    return [RUN, "--profile", "cpu", *(word for setting in SETTINGS for word in ("--set", setting)), *more]


def results_in(place: Path) -> dict[tuple[str, str], DeploymentRecord]:
    return {record.question: record for record in DeploymentFile(place / RUN).read().results}


@pytest.mark.slow
@needs_a_compiler
def test_all_five_results_of_all_methods_go_the_whole_way_and_are_not_made_again(place: Path) -> None:
    done = harness("deploy", *deploy_options("--methods", "all", "--repeats", "1"), folder=place)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    results, references = results_in(place), DeploymentFile(place / RUN).read().references
    assert list(results) == [(framework, method) for method in METHODS for framework in FRAMEWORKS]
    for (framework, method), record in results.items():
        export = record.export
        assert export is not None, record.stopped
        assert [file.quantization for file in record.files] == list(FORMATS)
        # Axolotl 0.19 rounds every matrix to 4 bits when it merges a QLoRA adapter, the embedding too.
        is_rounded = (framework, method) == ("axolotl", "qlora")
        assert bool(export.faults) == is_rounded, export.faults
        # Unsloth's CPU backend merges in bf16, torchtune rounds to NF4 in its own way.
        assert learned_as_much(record, references[method]), record.trained_loss
        f16, q8_0, q4_k_m = record.files
        assert f16.logits_apart < 2e-3
        assert abs(f16.loss - export.loss) < 1e-3
        assert f16.kl_divergence < q8_0.kl_divergence < q4_k_m.kl_divergence
        assert f16.bytes > q8_0.bytes > q4_k_m.bytes
        for file in record.files:
            assert file.tokens_are_the_same
            assert all(rate > 0 for run in file.runs for rate in run.generation_tokens_per_second.values())
            assert sorted(file.context_rss_bytes) == [2048, 8192, 32768]
        assert record.modelfile_problems == ()
        own = [note for note in record.notes if "its own conversion to GGUF" in note]
        assert all("tensors are equal" in note for note in own), own
        assert bool(own) == (framework == "unsloth")
    assert not list((place / "results").rglob("*.gguf"))
    assert not list((place / "results").rglob("*.safetensors"))

    again = harness("deploy", *deploy_options("--methods", "all", "--repeats", "1"), folder=place)
    assert again.returncode == 0, again.stdout + again.stderr
    assert ": training" not in again.stdout
    report = harness("report", RUN, folder=place)
    assert report.returncode == 0, report.stderr
    text = (place / "reports" / "mine.md").read_text(encoding="utf-8")
    assert "## After training" in text
    assert "15 of 15 results went the whole way to llama.cpp" in text
    for record in results.values():
        shutil.rmtree(kept_folder(record, cache_root()))


@pytest.mark.slow
@needs_a_compiler
def test_a_result_is_measured_on_another_machine_and_taken_in(place: Path) -> None:
    options = deploy_options("--frameworks", "transformers", "--methods", "lora", "--repeats", "1")
    done = harness("deploy", *options, "--quantize", "q4_k_m", folder=place)
    assert done.returncode == 0, done.stdout + done.stderr
    written = harness("deploy", RUN, "--quantize", "q4_k_m", "--on-pi", "pi", folder=place)
    assert written.returncode == 0, written.stderr
    assert sorted(path.name for path in (place / "pi").iterdir()) == [
        "Modelfile",
        "expected.json",
        "measure.py",
        "model-q4_k_m.gguf",
    ]
    assert json.loads((place / "pi" / "expected.json").read_text())["model-q4_k_m.gguf"]["tokens_per_second"] > 0
    # This machine stands where a Pi would: the script and llama.cpp are the same.
    engine = find_environment(LLAMA_CPP, torch_backend="auto", cache=cache_root())
    assert engine is not None
    subprocess.run([engine.python, "measure.py"], cwd=place / "pi", check=True, timeout=300)
    taken = harness("deploy", RUN, "--measured", "pi/measured.json", folder=place)
    assert taken.returncode == 0, taken.stderr
    (measured,) = DeploymentFile(place / RUN).read().measured
    assert len(measured.generation_tokens_per_second) == 5
    assert harness("report", RUN, folder=place).returncode == 0
    assert "Measured on another machine" in (place / "reports" / "mine.md").read_text(encoding="utf-8")

    full = harness("deploy", RUN, "--quantize", "q4_k_m", "--on-pi", "pi", folder=place)
    assert (full.returncode, "is not empty" in full.stderr) == (2, True)
    (record,) = results_in(place).values()
    shutil.rmtree(kept_folder(record, cache_root()))
    lost = harness("deploy", RUN, "--quantize", "q4_k_m", "--on-pi", "other", folder=place)
    assert lost.returncode == 2
    assert "q4_k_m was not kept" in lost.stderr
    assert not (place / "other").exists()


@pytest.mark.slow
@needs_a_compiler
def test_an_interrupted_conversion_leaves_no_half_file_and_is_made_again(place: Path) -> None:
    options = deploy_options("--frameworks", "transformers", "--methods", "full", "--repeats", "1")
    options += ["--quantize", "q8_0", "--no-keep", "--set", "shape.tie_word_embeddings=false"]
    command = [sys.executable, "-m", "harness", "deploy", *options]
    process = subprocess.Popen(command, cwd=place, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("converting to GGUF" in line for line in process.stdout)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    made = cache_root() / KIND
    assert not list(made.glob(".*.making-*"))
    assert not results_in(place)

    again = harness("deploy", *options, folder=place)
    assert again.returncode == 0, again.stdout + again.stderr
    (record,) = results_in(place).values()
    (file,) = record.files
    # The embedding is not the head here: a token reads one row of it.
    assert file.bytes_per_token < file.bytes - 151936 * 256
    assert not kept_folder(record, cache_root()).exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--quantize", "q4_km"], "--quantize: 'q4_km' is not one of f16"),
        (["--threads", "4096"], "--threads: 4096: must be 1 to"),
        (["--threads", "0"], "--threads: 0: must be 1 to"),
        (["--frameworks", "unslot"], "did you mean unsloth?"),
        (["--set", "shape.hidden_size=1048576", "--set", "shape.num_hidden_layers=4096"], "GB are needed and"),
        (["--set", "shape.intermediate_size=1000", "--quantize", "q8_0"], "intermediate_size is 1000"),
        (["--measured", "nothing.json"], "nothing.json: no such file"),
        (["--on-pi", "pi", "--quantize", "q8_0"], "no such result was taken to q8_0; deployment.json has none"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(place: Path, options: list[str], words: str) -> None:
    done = harness("deploy", RUN, *options, folder=place)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (place / RUN / "deployment.json").exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"host": "another CPU, 64 threads"}, "was recorded on another CPU, 64 threads, and this is"),
        ({}, "holds results of another job (other dataset, "),
    ],
)
def test_machines_and_jobs_are_not_mixed_in_one_folder(place: Path, changed: dict[str, str], words: str) -> None:
    file = DeploymentFile(place / RUN)
    file.add(record_of())
    content = json.loads(file.path.read_text(encoding="utf-8"))
    file.path.write_text(json.dumps({**content, **changed}), encoding="utf-8")
    done = harness("deploy", RUN, folder=place)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())


def measurement(**changed: object) -> str:
    """What a board's script writes of one file."""
    figures = {"prompt_tokens_per_second": [1.0], "generation_tokens_per_second": [1.0], "first_token_seconds": 1.0}
    named = {"board": "Pi", "sha256": "sha of q4_k_m", "quantization": "q4_k_m", "threads": 4, "peak_rss_bytes": 1}
    return json.dumps([{**named, **figures, **changed}])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "Invalid JSON"),
        ("[]", "holds no measurement"),
        ('[{"board": "Pi"}]', "0.sha256: Field required"),
        (measurement(sha256="another"), "its q4_k_m is no file of this run"),
        (measurement(generation_tokens_per_second=[]), "0.generation_tokens_per_second"),
        (measurement(prompt_tokens_per_second=[0.0]), "0.prompt_tokens_per_second"),
    ],
)
def test_what_a_board_did_not_measure_is_refused(place: Path, text: str, words: str) -> None:
    file = DeploymentFile(place / RUN)
    file.add(record_of())
    before = file.path.read_bytes()
    (place / "measured.json").write_text(text, encoding="utf-8")
    done = harness("deploy", RUN, "--measured", "measured.json", folder=place)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert file.path.read_bytes() == before


def test_a_file_that_is_not_this_programs_is_named(place: Path) -> None:
    (place / RUN / "deployment.json").write_text('{"schema_version": 99}', encoding="utf-8")
    done = harness("deploy", RUN, folder=place)
    assert done.returncode == 2
    assert "schema_version = 99: this version reads 1" in done.stderr
