"""The job as a framework's user would write it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from harness.environment.build import build_environments
from harness.environment.environment import Environment
from harness.errors import EnvironmentBuildError, RecipeError
from harness.files.locations import ADAPTERS, cache_root, importable_source
from harness.job.experiment import Experiment
from harness.job.frameworks import load_adapter
from harness.job.native import Unsupported, Workspace, deep_merge
from harness.job.plan import entries
from harness.prepare import prepare

if TYPE_CHECKING:
    from adapters.base import Adapter


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownConfig:
    """A native config with real paths, and the command for it."""

    filename: str
    options: dict[str, Any]
    command: str
    environment_path: Path


def native_config(experiment: Experiment, *, output_path: str) -> ShownConfig:
    """Return the config of the experiment's only entry. Raises RecipeError if the framework cannot do it."""
    found = entries(experiment)
    if len(found) != 1:
        raise RecipeError("command line", "--framework, --method, --track", "must name one of each")
    (entry,) = found
    framework, job = entry.framework, entry.job
    workspace = Workspace(device=experiment.device, output_path=str(Path(output_path).resolve()))
    adapter = load_adapter(framework)
    try:
        config = adapter.configure(job, prepare(job, cache_root()), workspace)
    except Unsupported as reason:
        raise RecipeError(framework, entry.method, f"unsupported: {reason}") from reason
    built = build_environments([framework], torch_backend="auto", cache=cache_root(), progress=lambda _: None)[
        framework
    ]
    if isinstance(built, EnvironmentBuildError):
        raise built
    return ShownConfig(
        filename=config.filename,
        options=deep_merge(config.options, entry.native),
        command=_command_in(built, config.command, adapter),
        environment_path=built.path,
    )


def _command_in(environment: Environment, command: str, adapter: Adapter) -> str:
    """Return the command with real paths. An overlay comes before the interpreter's packages, stand-ins after them."""
    command = command.replace("$SOURCE", str(importable_source(cache_root())))
    if environment.overlay is None:
        return command.replace("$BIN", str(environment.python.parent))
    places = [str(environment.overlay), *filter(None, [adapter.stand_in_folder(ADAPTERS)])]
    if "PYTHONPATH=" in command:
        command = command.replace("PYTHONPATH=", f"PYTHONPATH={places[0]}:")
    else:
        command = f"PYTHONPATH={':'.join(places)} {command}"
    return command.replace("$BIN/python", str(environment.python)).replace("$BIN", str(environment.overlay / "bin"))


def render(config: ShownConfig) -> str:
    """Return the text of the config file."""
    if config.filename.endswith(".json"):
        return json.dumps(config.options, indent=2) + "\n"
    return yaml.safe_dump(config.options, sort_keys=False, width=110)
