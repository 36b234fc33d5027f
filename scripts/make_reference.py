"""Write the reference pages from the code: `python scripts/make_reference.py`.

docs/cli.md has every command with its options, docs/job-knobs.md every knob of a job.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect

import typer
from typer.cli import get_docs_for_click

from harness.cli.app import app
from harness.files.locations import SOURCE_ROOT
from harness.job import job as job_module
from harness.job.job import Job, ModelShape
from harness.job.recipe import Choices, resolve

DOCS = SOURCE_ROOT / "docs"
CLI_HEAD = """# Commands

After this page you know every command and option. `harness COMMAND --help` says the same.
"""
KNOBS_HEAD = """# Knobs of the job

After this page you know every knob that `--set KEY=VALUE` and a recipe take. [Change the job](job.md) shows how.

The last two columns are the recipe's values for a GPU and for a CPU.
"""


def main() -> None:
    """Write both pages."""
    (DOCS / "cli.md").write_text(cli_page(), encoding="utf-8")
    (DOCS / "job-knobs.md").write_text(knobs_page(), encoding="utf-8")


def cli_page() -> str:
    """Return the page of commands, as typer describes them."""
    command = typer.main.get_command(app)
    text: str = get_docs_for_click(obj=command, ctx=typer.Context(command), name="harness")
    _, _, commands = text.partition("\n## ")
    return f"{CLI_HEAD}\n## {commands}".rstrip() + "\n"


def knobs_page() -> str:
    """Return the page of knobs: the name, the kind, what it is, and the recipe's values."""
    on_gpu, on_cpu = (_values(profile) for profile in ("gpu", "cpu"))
    rows = [
        f"| {name} | {kind} | {meaning} | {on_gpu[name]} | {on_cpu[name]} |"
        for name, kind, meaning in (*_fields(Job), *_fields(ModelShape, "shape."))
        if name not in ("method", "shape")
    ]
    head = ["| knob | kind | meaning | GPU | CPU |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([KNOBS_HEAD, *head, *rows, ""])


def _values(profile: str) -> dict[str, str]:
    experiment = resolve(Choices(profile=profile), gpu_present=profile == "gpu")
    job = next(iter(experiment.jobs.values()))
    shape = {f"shape.{field.name}": getattr(job.shape, field.name) for field in dataclasses.fields(job.shape)}
    flat = {field.name: getattr(job, field.name) for field in dataclasses.fields(job)} | shape
    return {name: "-" if value is None else _in_short(value) for name, value in flat.items()}


def _in_short(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fields(kind: type, prefix: str = "") -> list[tuple[str, str, str]]:
    """Return name, kind and docstring of each field of a dataclass, from its source."""
    tree = ast.parse(inspect.getsource(job_module))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    found = []
    for index, node in enumerate(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            after = body[index + 1] if index + 1 < len(body) else None
            said = after.value if isinstance(after, ast.Expr) else None
            text = str(said.value) if isinstance(said, ast.Constant) else ""
            found.append((f"{prefix}{node.target.id}", _kind(ast.unparse(node.annotation)), " ".join(text.split())))
    return found


def _kind(annotation: str) -> str:
    """Return a type in words; of a choice, its values."""
    choices = {"Precision", "LrSchedule", "Attention", "Method"}
    if annotation in choices:
        annotation = str(getattr(job_module, annotation))
    if "Literal[" in annotation:
        values = annotation.partition("Literal[")[2].rstrip("]")
        return values.replace("'", "").replace('"', "")
    words = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    parts = [part.strip() for part in annotation.split("|") if part.strip() != "None"]
    return "list of texts" if parts[0].startswith("tuple") else words.get(parts[0], parts[0])


if __name__ == "__main__":
    main()
