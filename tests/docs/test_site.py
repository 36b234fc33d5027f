"""The pages: generated ones are what the code says, links lead somewhere, and the example workflow is one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.files.locations import SOURCE_ROOT
from scripts.build_site import build
from scripts.make_reference import cli_page, knobs_page

DOCS = SOURCE_ROOT / "docs"


def test_the_reference_pages_are_what_the_code_says() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == cli_page()
    assert (DOCS / "job-knobs.md").read_text(encoding="utf-8") == knobs_page()


def test_every_page_says_first_what_its_reader_can_do_then() -> None:
    for page in DOCS.glob("*.md"):
        title, _, first = page.read_text(encoding="utf-8").splitlines()[:3]
        assert title.startswith("# ")
        assert first.startswith(("After this page you ", "Start with ")), page.name


def test_no_page_has_a_bold_first_word_for_a_heading() -> None:
    for page in DOCS.glob("*.md"):
        bold = re.findall(r"^(?:- )?\*\*[^*]+\*\*.{40}", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert not bold, page.name


def test_the_site_builds_without_a_broken_link_and_asks_nobody(tmp_path: Path) -> None:
    build(tmp_path / "site")
    page = (tmp_path / "site" / "docs" / "first-comparison" / "index.html").read_text(encoding="utf-8")
    assert "A first comparison" in page
    requests = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page)
    assert requests == []


def test_the_example_workflow_is_one(tmp_path: Path) -> None:
    (workflow,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "ci.md").read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "speed.yml"
    path.write_text(workflow, encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("broken", ["on: [pull_request]", "runs-on"])
def test_a_broken_workflow_is_none(tmp_path: Path, broken: str) -> None:
    (workflow,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "ci.md").read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "speed.yml"
    path.write_text(workflow.replace(broken, "x" if broken == "runs-on" else ""), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
