"""Write recipes/registry-facts.yaml: when and how often each framework was released, as the package registry knows it.

    python scripts/registry_facts.py

The rubric's community criterion reads the file; nothing looks these facts up while the harness runs. A release's day is
found by asking uv which version it would have taken on one day or another.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

import yaml

from harness.environment.uv import uv_command
from harness.job.frameworks import FRAMEWORKS, load_adapter

OUT = Path(__file__).resolve().parent.parent / "recipes" / "registry-facts.yaml"
PYTHON = "3.13"
YEAR = datetime.timedelta(days=365)
LONGEST = 1200
"""Days back in which the last release is searched."""


def main() -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    facts = {}
    for framework in FRAMEWORKS:
        package = load_adapter(framework).package
        newest = newest_on(package, today)
        versions = listed_versions(package)
        a_year_ago = newest_on(package, today - YEAR)
        facts[framework] = {
            "package": package,
            "newest": newest,
            "released": first_day_of(package, str(newest), today),
            "releases_in_a_year": versions.index(str(a_year_ago)) if a_year_ago in versions else len(versions),
        }
        print(framework, facts[framework])
    content = {"asked": today, "frameworks": facts}
    header = "# What the package registry knew on the day `asked`; written by scripts/registry_facts.py.\n"
    OUT.write_text(header + yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def newest_on(package: str, day: datetime.date) -> str | None:
    """Return the version that an installation on a day would have taken; None if there was none."""
    end = (day + datetime.timedelta(days=1)).isoformat()
    command = [
        *uv_command(),
        "pip",
        "compile",
        "--no-deps",
        "--no-build",
        "--python-version",
        PYTHON,
        "--exclude-newer",
        end,
        "-",
    ]
    done = subprocess.run(command, input=package, capture_output=True, text=True, check=False)
    found = re.search(rf"^{re.escape(package)}==(\S+)", done.stdout, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else None


def listed_versions(package: str) -> list[str]:
    """Return all released versions, newest first."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "index",
        "versions",
        package,
        "--python-version",
        PYTHON,
        "--only-binary=:all:",
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    listed = next(line for line in text.splitlines() if line.startswith("Available versions:"))
    return [version.strip() for version in listed.partition(":")[2].split(",")]


def first_day_of(package: str, version: str, today: datetime.date) -> datetime.date:
    """Return the first day on which a version was the newest, by bisection."""
    early, late = today - datetime.timedelta(days=LONGEST), today
    while (late - early).days > 1:
        middle = early + (late - early) // 2
        if newest_on(package, middle) == version:
            late = middle
        else:
            early = middle
    return late


if __name__ == "__main__":
    main()
