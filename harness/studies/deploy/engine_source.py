"""llama.cpp's converter, for frameworks that would fetch it themselves: from the source that uv compiled."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from harness.environment.environment import Environment
from harness.environment.locks import lock_of, pinned_version
from harness.environment.uv import uv_command, uv_environment
from harness.files.cache import cached_folder
from harness.files.locations import ADAPTERS
from harness.job.frameworks import LLAMA_CPP

PACKAGE = "llama-cpp-python"
CONVERTER = ("convert_hf_to_gguf.py", "convert_lora_to_gguf.py", "conversion", "gguf-py")
MARKS_OF_A_CHECKOUT = ("src", "ggml", "common")
"""Folders by which Unsloth knows a checkout of llama.cpp. Nothing is read from them."""
QUANTIZE = "llama-quantize"


def engine_source(engine: Environment, cache: Path) -> Path | None:
    """Return a folder with llama.cpp's converter and a llama-quantize; None if uv no longer has the source."""
    found = subprocess.run(
        [*uv_command(), "cache", "dir"], env=uv_environment(), capture_output=True, text=True, check=False
    )
    version = pinned_version(lock_of(LLAMA_CPP, ADAPTERS), PACKAGE)
    pattern = f"sdists-*/*/{PACKAGE}/{version}/*/src/vendor/llama.cpp"
    sources = sorted(Path(found.stdout.strip()).glob(pattern)) if found.returncode == 0 else []
    whole = [source for source in sources if all((source / name).exists() for name in CONVERTER)]
    if not whole:
        return None

    def make(folder: Path) -> None:
        for name in CONVERTER:
            copy = shutil.copytree if (whole[0] / name).is_dir() else shutil.copyfile
            copy(whole[0] / name, folder / name)
        for name in MARKS_OF_A_CHECKOUT:
            (folder / name).mkdir()
        script = folder / QUANTIZE
        command = ADAPTERS / "llama_cpp" / "quantize_command.py"
        script.write_text(f'#!/bin/sh\nexec "{engine.python}" "{command}" "$@"\n', encoding="utf-8")
        script.chmod(0o755)

    key = {"version": version, "environment": engine.path.name, "adapters": str(ADAPTERS), "format": 1}
    return cached_folder(cache, "llama.cpp", key, make)
