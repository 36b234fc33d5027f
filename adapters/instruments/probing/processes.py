"""Probes that start processes: two that train together, the framework's command, a published example."""

from __future__ import annotations

import dataclasses
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.files.locations import PACKAGE, cache_root, importable_source

from ...base import deep_merge
from ..command import ran
from .context import Probe, ProbeContext


def in_two_processes(
    name: str, change: Mapping[str, Any] | None = None, variables: Mapping[str, str] | None = None
) -> Probe:
    """Return a probe that trains in two processes under torchrun, by the framework's path, on gloo or nccl."""

    def trained(context: ProbeContext) -> str:
        config = dataclasses.replace(context.configs[name], options=deep_merge(context.options(name), change or {}))
        path = context.folder / "ranks.json"
        path.write_text(json.dumps(dataclasses.asdict(config)), encoding="utf-8")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        command += [str(Path(__file__).parent / "rank.py"), str(PACKAGE / "worker" / "worker.py")]
        command += [context.adapter.name, str(path)]
        # Otherwise the script's folder would be importable, which holds a package of each framework's name.
        printed = ran(command, context.folder, {"ACCELERATE_USE_CPU": "true", "PYTHONSAFEPATH": "1"})
        ranks = [json.loads(line) for line in printed.splitlines() if line.startswith('{"rank"')]
        worlds = {rank["world_size"] for rank in ranks}
        if len(ranks) != 2 or worlds != {2}:
            raise ValueError(f"two processes did not train together: {ranks or printed[-500:]}")
        return (
            f"2 processes in one group ({ranks[0]['backend']}), {ranks[0]['steps']} steps, loss {ranks[0]['loss']:.4f}"
        )

    return trained


def own_command(context: ProbeContext, name: str) -> str:
    """Return a probe that runs the framework's command with a config file, without this harness."""
    config = context.configs[name]
    path = context.folder / config.filename
    if path.suffix == ".json":
        path.write_text(json.dumps(dict(config.options)), encoding="utf-8")
    else:
        import yaml

        path.write_text(yaml.safe_dump(dict(config.options), sort_keys=False), encoding="utf-8")
    command = config.command.replace("$BIN", str(Path(sys.executable).parent))
    command = command.replace("$SOURCE", str(importable_source(cache_root())))
    ran(["/bin/sh", "-c", command], context.folder)
    shown = config.command.replace("$BIN/", "").replace("$SOURCE/", "")
    return f"`{shown}` trained and ended with status 0"


def example(attempts: Sequence[tuple[str, Callable[[], str]]]) -> str:
    """Run a published example as it is written, and then with one change after another, until it works.

    Raises ValueError, with the changes that it needs, if it does not work as written.
    """
    errors: list[str] = []
    for change, attempt in attempts:
        try:
            evidence = attempt()
        except Exception as error:
            traceback.print_exc()
            errors.append(f"{change}: {type(error).__name__}: {' '.join(str(error).split())[:250]}")
        else:
            if errors:
                raise ValueError(f"{'; '.join(errors)}; works {change}: {evidence}")
            return f"works {change}: {evidence}"
    raise ValueError("; ".join(errors))
