"""Where uv is, and how it is told what pip on this machine is told."""

from __future__ import annotations

import ast
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from harness.errors import EnvironmentBuildError

PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "build-constraint": "UV_BUILD_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
}
ABOUT_PIP_ITSELF = (
    "break-system-packages",
    "cache-dir",
    "config-file",
    "debug",
    "disable-pip-version-check",
    "exists-action",
    "log",
    "no-cache-dir",
    "no-color",
    "no-input",
    "no-python-version-warning",
    "no-warn-script-location",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "root-user-action",
    "verbose",
)
"""Settings that say nothing of what is installed, or from where."""
OFF = ("0", "false", "no", "off", "")
UV_SYNONYMS = {
    "UV_DEFAULT_INDEX": ("UV_INDEX_URL",),
    "UV_INDEX": ("UV_EXTRA_INDEX_URL",),
    "ALL_PROXY": ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "all_proxy"),
}


def uv_command() -> list[str]:
    """How to start uv. Raises EnvironmentBuildError if it is not there."""
    try:
        import uv

        return [uv.find_uv_bin()]
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise EnvironmentBuildError("uv is not installed in this environment; run: python -m pip install uv")
    return [found]


def uv_pip(command: str) -> list[str]:
    """How to start `uv pip COMMAND`. Where pip is told to ask no index, uv asks none either."""
    off = pip_settings().get("no-index", "").lower() in OFF
    return [*uv_command(), "pip", command, *([] if off else ["--no-index"])]


def uv_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The process environment for uv: pip's settings of this machine, wherever uv's own say nothing."""
    environment = dict(os.environ if base is None else base)
    for setting, value in pip_settings().items():
        variable = PIP_TO_UV.get(setting)
        if variable is None or any(environment.get(name) for name in (variable, *UV_SYNONYMS.get(variable, ()))):
            continue
        # uv takes several find-links with commas between them, several of all else with spaces.
        environment[variable] = value.replace(" ", ",") if variable == "UV_FIND_LINKS" else value
        if variable == "UV_INDEX":
            # pip looks for the best version on every index; uv by itself stops at the first that has the package.
            environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    # A virtual environment that is active has no say in which one is built.
    environment.pop("VIRTUAL_ENV", None)
    return environment


def settings_left_out() -> list[str]:
    """pip's settings of this machine that uv is not told, though they say what is installed or from where."""
    return sorted(set(pip_settings()) - {*PIP_TO_UV, "no-index", *ABOUT_PIP_ITSELF})


@functools.cache
def pip_settings() -> dict[str, str]:
    """What pip's config files and PIP_ variables say on this machine; the variables alone if there is no pip."""
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    # Asked to be quiet, pip would list nothing.
    loud = {name: value for name, value in os.environ.items() if name not in ("PIP_QUIET", "PIP_VERBOSE")}
    done = subprocess.run(command, env=loud, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return parse_pip_config(done.stdout)
    variables = {setting: os.environ.get("PIP_" + setting.upper().replace("-", "_")) for setting in PIP_TO_UV}
    return {setting: " ".join(value.split()) for setting, value in variables.items() if value}


def parse_pip_config(listing: str) -> dict[str, str]:
    """Settings out of `pip config list`. A variable wins over a file, [install] over [global], as in pip."""
    ranks = {"global": 0, "install": 1, ":env:": 2}
    settings: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        section, _, setting = name.partition(".")
        if not equals or section not in ranks:
            continue
        try:
            text = str(ast.literal_eval(value))
        except (ValueError, SyntaxError):
            continue
        known = settings.get(setting)
        if known is None or ranks[section] >= known[0]:
            settings[setting] = (ranks[section], " ".join(text.split()))
    return {setting: value for setting, (_, value) in settings.items()}
