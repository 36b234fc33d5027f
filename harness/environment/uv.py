"""Find uv, and pass on to it what pip on this machine is configured to do."""

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
"""Settings that do not say what is installed, or from where."""
OFF = ("0", "false", "no", "off", "")
UV_SYNONYMS = {
    "UV_DEFAULT_INDEX": ("UV_INDEX_URL",),
    "UV_INDEX": ("UV_EXTRA_INDEX_URL",),
    "ALL_PROXY": ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "all_proxy"),
}


def uv_command() -> list[str]:
    """Return the command that starts uv. Raises EnvironmentBuildError if uv is missing."""
    try:
        import uv

        return [uv.find_uv_bin()]
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise EnvironmentBuildError("uv is not installed in this environment; run: python -m pip install uv")
    return [found]


def uv_pip(command: str) -> list[str]:
    """Return the command `uv pip COMMAND`. If pip is configured to use no index, uv uses none either."""
    off = pip_settings().get("no-index", "").lower() in OFF
    return [*uv_command(), "pip", command, *([] if off else ["--no-index"])]


def uv_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return environment variables for uv: this machine's settings of pip, where uv has no setting."""
    environment = dict(os.environ if base is None else base)
    for setting, value in pip_settings().items():
        variable = PIP_TO_UV.get(setting)
        if variable is None or any(environment.get(name) for name in (variable, *UV_SYNONYMS.get(variable, ()))):
            continue
        # uv separates several find-links by commas, and several of everything else by spaces.
        environment[variable] = value.replace(" ", ",") if variable == "UV_FIND_LINKS" else value
        if variable == "UV_INDEX":
            # pip searches every index for the best version. By default uv stops at the first index that has the
            # package.
            environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    # An active virtual environment must not decide which one is built.
    environment.pop("VIRTUAL_ENV", None)
    return environment


def settings_left_out() -> list[str]:
    """Return pip's settings that uv does not get, though they affect what is installed or from where."""
    return sorted(set(pip_settings()) - {*PIP_TO_UV, "no-index", *ABOUT_PIP_ITSELF})


@functools.cache
def pip_settings() -> dict[str, str]:
    """Return what pip's config files and PIP_ variables say on this machine; the variables alone without pip."""
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    # With PIP_QUIET pip would list nothing.
    loud = {name: value for name, value in os.environ.items() if name not in ("PIP_QUIET", "PIP_VERBOSE")}
    done = subprocess.run(command, env=loud, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return parse_pip_config(done.stdout)
    variables = {setting: os.environ.get("PIP_" + setting.upper().replace("-", "_")) for setting in PIP_TO_UV}
    return {setting: " ".join(value.split()) for setting, value in variables.items() if value}


def parse_pip_config(listing: str) -> dict[str, str]:
    """Return the settings in `pip config list`. A variable wins over a file, [install] over [global], as in pip."""
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
