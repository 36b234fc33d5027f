"""The page in a real browser: drawn, silent, accessible, filtered, opened where a link leads. Needs Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import axe_core_python
import pytest

from harness.files.locations import SOURCE_ROOT
from harness.records.run_folder import RunFolder
from harness.report.pages.html import render_html
from harness.report.parts.report import report_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")
IS_REQUIRED = bool(os.environ.get("HARNESS_TESTS_NEED_CHROMIUM"))
"""True in CI, which installs Chromium: there these tests fail without one."""
pytestmark = pytest.mark.skipif(CHROMIUM is None and not IS_REQUIRED, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render_html(report_of(REFERENCE, drawn=True, cells=True)), encoding="utf-8")
    return path


def with_script(page: Path, name: str, script: str) -> Path:
    """A copy of the page that runs a script of the test's own at its end, which the policy would not let it."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    path = page.with_name(name)
    # The last one: the library that draws has another in a text of its own.
    before, _, after = text.rpartition("</body>")
    path.write_text(f"{before}<script>{script}</script></body>{after}", encoding="utf-8")
    return path


def browsed(page: Path, *options: str, fragment: str = "") -> tuple[str, str]:
    """The page as it stands after its scripts have run, and what the browser logged."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
    command += [f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run([*command, page.as_uri() + fragment], capture_output=True, text=True, timeout=240, check=True)
    return done.stdout, done.stderr


def answer_in(document: str) -> Any:
    """What a test's script left in the page."""
    found = re.search(r'<pre id="answer">(.*?)</pre>', document, re.DOTALL)
    assert found is not None
    return json.loads(unescape(found[1]))


def test_every_figure_is_drawn_and_the_console_is_silent(page: Path) -> None:
    document, log = browsed(page)
    pictures = document.count("<figcaption>")
    assert pictures == 7
    assert document.count('class="marks"') == pictures
    assert ">This figure could not be drawn" not in document
    assert "CONSOLE" not in log, log


TELL = """
  function tell(value) {
    const pre = document.createElement("pre");
    pre.id = "answer";
    pre.textContent = JSON.stringify(value);
    document.body.append(pre);
  }
"""
ASK_AXE = """
  addEventListener("load", () => setTimeout(async () => {
    const found = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "best-practice"] });
    const places = (one) => one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200));
    tell({
      dark: matchMedia("(prefers-color-scheme: dark)").matches,
      drawn: document.querySelectorAll("svg.marks").length,
      wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      passes: found.passes.length,
      violations: found.violations.map((one) => [one.id, places(one)]),
    });
  }, 3000));
"""
FILTER = """
  const count = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility()).length;
  const shown = () => [count("tr[data-framework=unsloth]"), count("tbody[data-method=full]")];
  addEventListener("load", () => setTimeout(() => {
    const before = shown();
    for (const box of document.querySelectorAll("input[value=unsloth], input[value=full]")) box.click();
    const others = count("tbody[data-method=lora] tr[data-framework=axolotl]");
    setTimeout(() => tell({ before, after: shown(), others }), 1000);
  }, 3000));
"""


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_object_to(page: Path, theme: str) -> None:
    axe = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    script = TELL + axe.replace("</script", "<\\/script") + ASK_AXE
    options = ["--blink-settings=preferredColorScheme=0"] if theme == "dark" else []
    document, _ = browsed(with_script(page, f"axe-{theme}.html", script), *options)
    found = answer_in(document)
    assert found["dark"] is (theme == "dark")
    assert (found["drawn"], found["wide"]) == (7, False)
    assert found["passes"] > 20
    assert found["violations"] == []


def test_a_filter_hides_what_is_about_others(page: Path) -> None:
    document, _ = browsed(with_script(page, "filtered.html", TELL + FILTER))
    found = answer_in(document)
    assert min(found["before"]) > 0
    assert found["after"] == [0, 0]
    assert found["others"] > 0


def test_a_link_to_a_cell_opens_it(page: Path) -> None:
    document, _ = browsed(page)
    (fragment,) = set(re.findall(r'<a href="(#fold-\d+)">unsloth-lora-parity-01</a>', document))
    closed = f'<details id="{fragment[1:]}">'
    assert closed in document
    opened, _ = browsed(page, fragment=fragment)
    assert closed not in opened
    assert f'<details id="{fragment[1:]}" open="">' in opened
