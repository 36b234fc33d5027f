"""llama-quantize's command line over the same library: llama-cpp-python brings the library without the command.

Run by its path with llama.cpp's environment: quantize_command.py MODEL.gguf OUT.gguf TYPE [THREADS].
"""

from __future__ import annotations

import sys

import llama_cpp

USAGE = "usage: llama-quantize MODEL.gguf OUT.gguf TYPE [THREADS], with a TYPE like f16 or q4_k_m"


def main(arguments: list[str]) -> int:
    """Quantize a file. Return the exit status."""
    if len(arguments) not in (3, 4):
        print(USAGE)
        return 0 if "--help" in arguments else 2
    source, target, kind, *threads = arguments
    return quantize(source, target, kind, int(threads[0]) if threads else 0)


def quantize(source: str, target: str, kind: str, threads: int) -> int:
    """Write a GGUF file in another format, like q4_k_m, by llama.cpp. Return its status; 0 is success.

    `threads`: 0 for as many as there are.
    """
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind.upper()}")
    options.nthread = threads
    return int(llama_cpp.llama_model_quantize(source.encode(), target.encode(), options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
