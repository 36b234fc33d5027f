"""The page in a real browser: every figure is drawn, and nothing is complained of. Needs Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.locations import SOURCE_ROOT
from harness.record import RunFolder
from harness.report.content import report_of
from harness.report.html import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_every_figure_is_drawn_and_the_console_is_silent(tmp_path: Path) -> None:
    report = report_of(REFERENCE, drawn=True)
    page = tmp_path / "page.html"
    page.write_text(render_html(report), encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    pictures = done.stdout.count("<figcaption>")
    assert pictures == 6
    assert done.stdout.count('class="marks"') == pictures
    assert ">This figure could not be drawn" not in done.stdout
    assert "CONSOLE" not in done.stderr, done.stderr
