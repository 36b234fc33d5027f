"""Measure the GGUF files beside this script: python3 -m pip install llama-cpp-python && python3 measure.py."""

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

REPEATS, PROMPT_TOKENS, GENERATED_TOKENS = 5, 128, 32


def run(path: str) -> list[float]:
    """Return seconds to the first token, prompt and generation tokens per second, and peak memory in bytes."""
    import llama_cpp

    began = time.monotonic()
    model = llama_cpp.Llama(path, n_ctx=256, n_threads=os.cpu_count(), verbose=False)
    model.eval([1000])
    marks = [time.monotonic()]
    model.reset()
    model.eval(list(range(1000, 1000 + PROMPT_TOKENS)))
    marks.append(time.monotonic())
    for _ in range(GENERATED_TOKENS):
        model.eval([model.sample(temp=0.0)])
    marks.append(time.monotonic())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return [marks[0] - began, PROMPT_TOKENS / (marks[1] - marks[0]), GENERATED_TOKENS / (marks[2] - marks[1]), peak]


def main() -> None:
    """Run each file in fresh processes, and write measured.json for `harness deploy --measured`."""
    if len(sys.argv) > 1:
        print(json.dumps(run(sys.argv[1])))
        return
    model = Path("/proc/device-tree/model")
    found = []
    for path in sorted(Path(__file__).parent.glob("*.gguf")):
        command = [sys.executable, __file__, str(path)]
        outputs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(REPEATS)]
        firsts, prompts, rates, peaks = zip(*(json.loads(output.splitlines()[-1]) for output in outputs), strict=True)
        print(f"{path.name}: {sorted(rates)[REPEATS // 2]:.1f} tokens/s")
        found.append(
            {
                "board": model.read_text().strip("\0\n") if model.exists() else os.uname().machine,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "quantization": path.stem.removeprefix("model-"),
                "threads": os.cpu_count(),
                "first_token_seconds": sorted(firsts)[REPEATS // 2],
                "prompt_tokens_per_second": prompts,
                "generation_tokens_per_second": rates,
                "peak_rss_bytes": int(max(peaks)),
            }
        )
    Path("measured.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
