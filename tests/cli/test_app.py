from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from harness.cli.app import app
from tests.conftest import harness

COMMANDS: dict[str, Any] = vars(typer.main.get_command(app))["commands"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--frameworks", "unslot"], "did you mean unsloth?"),
        (["run", "--methods", "dora"], "lora, qlora, full"),
        (["run", "--profile", "tpu"], "is not a profile"),
        (["run", "--profile", "gpu"], "needs an NVIDIA GPU"),
        (["run", "--recipe", "none.yaml"], "no such recipe"),
        (["run", "--set", "sequence_lenght=2"], "did you mean sequence_length?"),
        (["run", "--set", "sequence_length=many"], "sequence_length"),
        (["run", "--repeats", "0"], "above 0"),
        (["run", "--repeats", "two"], "--repeats"),
        (["run", "--dataset", "none.txt"], "no such file"),
        (["run", "--set", "model=./none"], "no such folder"),
        (["run", "--resume"], "holds no run yet"),
        (["run", "--resume", "--output", "results/none"], "has no run.json"),
        (["report", "none"], "no such run"),
        (["report"], "holds no run yet"),
        (["export", "none"], "no such run"),
        (["show", "--framework", "jax"], "'jax'"),
        (["show", "--framework", "torchtune", "--set", "attention=eager", "--profile", "cpu"], "unsupported"),
        (["setup", "--frameworks", "x"], "'x' is not one of"),
        (["run", "--set", "model=models/missing"], "is no folder here, and the hub does not answer"),
        (["run", "--set", "dataset=data/missing"], "is no file here, and the hub does not answer"),
        (["run", "--output", "/dev/null"], "is a file"),
        (["show", "--framework", "all"], "must name one of each"),
        (["sing"], "No such command"),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_status_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = harness(*arguments, folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_output_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    done = harness("run", "--output", str(tmp_path), folder=tmp_path)
    assert done.returncode == 2
    assert "is not empty and holds no run" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("content", ["", "{", '{"schema_version": 99}', "[]"])
def test_a_run_that_cannot_be_read_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "results" / "r").mkdir(parents=True)
    (tmp_path / "results" / "r" / "run.json").write_text(content, encoding="utf-8")
    for command in ("report", "export"):
        done = harness(command, "r", folder=tmp_path)
        assert done.returncode == 2
        assert "run.json" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself_with_an_example(command: str, tmp_path: Path) -> None:
    done = harness(command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "Example:" in done.stdout


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_says_how_it_may_exit(command: str) -> None:
    epilog = str(COMMANDS[command].epilog)
    assert epilog.startswith("Exit status: 0 ")
    assert epilog.endswith("; 2 a mistake in what was asked; 130 interrupted.")
    assert ("; 75 " in epilog) == (command == "run")
    assert ("; 3 " in epilog) == (command == "compare")


def test_list_names_frameworks_recipes_and_runs(tmp_path: Path) -> None:
    done = harness("list", folder=tmp_path)
    assert done.returncode == 0
    for words in ("torchtune", "0.6.1", "qwen3-0.6b-fineweb-edu", "gpu, gpu-80gb, cpu"):
        assert words in done.stdout


def test_doctor_says_what_can_run(tmp_path: Path) -> None:
    done = harness("doctor", folder=tmp_path, COLUMNS="200")
    assert done.returncode == 0, done.stdout
    for words in ("Python", "uv", "GPU", "free disk", "model hub", "llamafactory"):
        assert words in done.stdout
