"""Inside a framework's environment: import it once, then train one cell per fresh process. Standard library only.

Started by path, not by `-m`, with the framework's interpreter. It speaks with the controller over one socket. Each
message is a line of JSON, and a request for a cell brings two file descriptors: the cell's event pipe and its log.
Events (a line of JSON each) go only to that pipe; whatever the framework prints goes to the log.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import faulthandler
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "transformers",
    "unsloth",
    "unsloth_zoo",
    "axolotl",
    "torchtune",
    "llamafactory",
    "peft",
    "trl",
    "accelerate",
    "datasets",
    "tokenizers",
    "bitsandbytes",
    "torchao",
    "triton",
    "liger-kernel",
    "llama_cpp_python",
    "gguf",
)
"""Packages whose versions a result must name."""
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Import the framework, report that, then serve requests until the controller closes the socket."""
    parser = argparse.ArgumentParser(description="Run by the harness inside a framework's environment.")
    parser.add_argument("--framework", required=True)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--start", choices=["warm", "cold"], required=True)
    arguments = parser.parse_args()
    die_with_parent()
    controller = socket.socket(fileno=arguments.socket)
    try:
        adapter = import_adapter(arguments.framework)
        seconds = import_framework(adapter)
    except BaseException as error:
        send(controller, {"message": "failed", "reason": describe(error)})
        raise
    unsound = "cold start asked for"
    if arguments.start == "warm":
        unsound = importlib.import_module("harness.worker.fork_safety").why_fork_is_unsound()
    send(
        controller,
        {
            "message": "ready",
            "import_seconds": seconds,
            "versions": versions(),
            "stand_ins": stand_ins(adapter),
            "fork_refused": unsound,
            "time": time.monotonic(),
            "omp_num_threads": int(os.environ["OMP_NUM_THREADS"]),
        },
    )
    gc.collect()
    gc.freeze()
    serve(controller, adapter, forks=not unsound)


def serve(controller: socket.socket, adapter: Any, *, forks: bool) -> None:
    """Start a cell for each request: in a fork of this process, or in this process, which then ends."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(controller, 65536, 2)
        if not message:
            return
        request_path = json.loads(message)["request"]
        pipe, log = descriptors
        if not forks:
            send(controller, {"message": "started", "pid": os.getpid()})
            controller.close()
            run_cell(adapter, Path(request_path), pipe, log)
        pid = os.fork()
        if pid == 0:
            controller.close()
            os.setsid()
            die_with_parent()
            run_cell(adapter, Path(request_path), pipe, log)
        os.close(pipe)
        os.close(log)
        send(controller, {"message": "started", "pid": pid})
        _, status = os.waitpid(pid, 0)
        send(controller, {"message": "ended", "status": os.waitstatus_to_exitcode(status)})


def import_adapter(framework: str) -> Any:
    """Return the framework's adapter; of this source only `harness` and `adapters` become importable.

    Not by sys.path: torchtune has a package `recipes`, a registry package is called `adapters`, and a framework's
    environment must see nothing of the controller's.
    """
    import_by_path("harness", Path(__file__).resolve().parent.parent)
    locations = importlib.import_module("harness.files.locations")
    if not locations.INSTALLED:
        import_by_path(locations.ADAPTERS_PACKAGE, locations.ADAPTERS)
    return importlib.import_module("harness.job.frameworks").load_adapter(framework)


def import_by_path(name: str, folder: Path) -> None:
    """Import the package in `folder` under a name that sys.path does not need to know."""
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def stand_in_folder(adapter: Any) -> str | None:
    """Return the folder of the adapter's stand-ins; None if it has none."""
    folder: str | None = adapter.stand_in_folder(importlib.import_module("harness.files.locations").ADAPTERS)
    return folder


def import_framework(adapter: Any) -> float:
    """Import the adapter's modules. Return the seconds that it took."""
    started = time.monotonic()
    if folder := stand_in_folder(adapter):
        sys.path.append(folder)
    for module in adapter.modules:
        importlib.import_module(module)
    return time.monotonic() - started


def stand_ins(adapter: Any) -> list[str]:
    """Return what each stand-in that replaced a missing module says of itself."""
    folder = stand_in_folder(adapter)
    if folder is None:
        return []
    files = [(module.__doc__, getattr(module, "__file__", None)) for module in list(sys.modules.values())]
    said = [doc for doc, file in files if doc and file and str(file).startswith(folder + os.sep)]
    return sorted(doc.strip().splitlines()[0].rstrip(".") for doc in said)


def run_cell(adapter: Any, request_path: Path, pipe: int, log: int) -> None:
    """Train one cell in this process, then end it without the framework's exit handlers."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    faulthandler.enable()
    request = json.loads(request_path.read_text(encoding="utf-8"))
    recording = importlib.import_module("harness.worker.recorder")
    # Here, and not below: an import may fail once memory has run out.
    out_of_memory = importlib.import_module("harness.worker.out_of_memory")
    recorder = recording.EventRecorder(pipe, request["steps"], request["enough"])
    status = 0
    try:
        native = importlib.import_module("harness.job.native")
        frameworks = importlib.import_module("harness.job.frameworks")
        os.chdir(request["workspace"])
        recorder.emit("started", time=time.monotonic(), pid=os.getpid(), start=request["start"])
        importlib.import_module("harness.worker.gpu_memory_limit").limit_gpu_memory(request["memory_limit_bytes"])
        if request["task_module"]:
            frameworks.load_task(request["task_module"]).run(adapter, recorder, request["task"])
        elif request["trace"] is not None:
            train_before_a_witness(adapter, native.NativeConfig(**request["native_config"]), recorder, request)
        else:
            with contextlib.suppress(recording.MeasuredEnough):
                adapter.train(native.NativeConfig(**request["native_config"]), recorder)
        recorder.emit("ended", time=time.monotonic(), cpu_seconds=time.process_time(), outcome="ok", reason="")
    except BaseException as error:
        traceback.print_exc()
        outcome = "oom" if out_of_memory.is_out_of_memory(error) else "crashed"
        if type(error).__name__ in {"Unsupported", "Listed"}:
            outcome = "unsupported"
        recorder.emit("ended", time=time.monotonic(), outcome=outcome, reason=describe(error))
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def train_before_a_witness(adapter: Any, config: Any, recorder: Any, request: dict[str, Any]) -> None:
    """Train with the audit's hooks and write their trace. The audit may end before the job does."""
    module = importlib.import_module("harness.job.frameworks").load_instrument("witness.witness")
    witness = module.Witness(recorder, request["steps"])
    with contextlib.suppress(module.SeenEnough):
        adapter.train(config, witness)
    witness.write(Path(request["trace"]))


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, so that a killed controller leaves no process."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that a result must name."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def describe(error: BaseException) -> str:
    """Return kind and first lines of an error."""
    return f"{type(error).__name__}: {error}"[:1000].strip()


def send(controller: socket.socket, message: dict[str, Any]) -> None:
    """Send one line of JSON to the controller."""
    controller.sendall((json.dumps(message) + "\n").encode())


if __name__ == "__main__":
    main()
