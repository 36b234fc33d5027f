"""The controller's end of a worker: a process per framework that has imported it and starts cells."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.files.locations import PACKAGE

Start = Literal["warm", "cold", "ahead"]
Device = Literal["cpu", "cuda"]

STOP_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerFacts:
    """What a worker reports once its framework is imported."""

    import_seconds: float
    """Seconds of the import alone, in a fresh interpreter."""
    start_seconds: float
    """Seconds from the interpreter's start until the framework is imported."""
    versions: Mapping[str, str]
    stand_ins: tuple[str, ...]
    """A sentence about each module that an adapter's stand-in replaced."""
    omp_num_threads: int
    fork_refused: str
    """Why this worker starts no forked cells; empty if it does."""


class WorkerFailure(Exception):
    """The framework could not be imported. The message says why."""


class WorkerProcess:
    """One framework's worker process. A warm one forks a process per cell; any other becomes the one cell it starts."""

    def __init__(
        self, framework: str, command: list[str], environment: Mapping[str, str], *, folder: Path, start: Start
    ) -> None:
        self.framework = framework
        self.facts: WorkerFacts | None = None
        self.socket, theirs = socket.socketpair()
        self._unread = b""
        self._started = time.monotonic()
        with theirs, tempfile.NamedTemporaryFile(dir=folder, prefix=f"{framework}-import-", delete=False) as log:
            self._log_path = Path(log.name)
            self.process = subprocess.Popen(
                [*command, "--socket", str(theirs.fileno()), "--start", "warm" if start == "warm" else "cold"],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def wait_until_ready(self, timeout_seconds: float) -> WorkerFacts:
        """Return what the worker reports after its import. Raises WorkerFailure if it dies, fails or takes too long."""
        if self.facts is not None:
            return self.facts
        message = self.receive(timeout_seconds)
        if message is None or message["message"] == "failed":
            status = self.process.poll()
            self.stop()
            reason = message["reason"] if message else f"no answer within {timeout_seconds:.0f} s"
            if message is None and status is not None:
                reason = f"its process ended with status {status}; {self.last_words()}"
            raise WorkerFailure(f"{self.framework} could not be imported: {reason}")
        self.facts = WorkerFacts(
            import_seconds=message["import_seconds"],
            start_seconds=message["time"] - self._started,
            versions=message["versions"],
            stand_ins=tuple(message["stand_ins"]),
            omp_num_threads=message["omp_num_threads"],
            fork_refused=message["fork_refused"],
        )
        return self.facts

    def request_cell(self, request: Path, event_pipe: int, log: int) -> int:
        """Start a cell and return its process id. Raises WorkerFailure if the worker has died."""
        try:
            socket.send_fds(self.socket, [json.dumps({"request": str(request)}).encode()], [event_pipe, log])
        except OSError as error:
            raise WorkerFailure(f"{self.framework}'s worker has died: {self.last_words()}") from error
        while message := self.receive(STOP_SECONDS * 4):
            # The end of an earlier cell is still unread if the watch over it was broken off.
            if message["message"] == "started":
                return int(message["pid"])
        # The worker lives but does nothing, for example because somebody stopped it. The next cell gets another one.
        why = self.how_it_ended() or f"{self.framework}'s worker did not answer and was ended"
        self.stop()
        raise WorkerFailure(f"{why}: {self.last_words()}")

    def how_it_ended(self) -> str:
        """Return that the worker has ended, and how; empty while it lives."""
        status = self.process.poll()
        if status is None:
            return ""
        by = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"its worker {by}, and a cell ends with it"

    def wait_for_end(self, timeout_seconds: float) -> int | None:
        """Return the exit status of the cell's process (negative: the signal that ended it); None if unknown."""
        if self.facts is not None and self.facts.fork_refused:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(timeout_seconds)
            return None
        message = self.receive(timeout_seconds)
        return None if message is None else int(message["status"])

    def receive(self, timeout_seconds: float) -> dict[str, Any] | None:
        """Return the next message; None if the worker closed its end or the time is over. Sleeps while it waits."""
        deadline = time.monotonic() + timeout_seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                try:
                    received = self.socket.recv(65536)
                except OSError:
                    received = b""
                if not received:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self.process.wait(STOP_SECONDS)
                    return None
                self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def last_words(self) -> str:
        """Return the last line that the worker printed outside any cell."""
        with contextlib.suppress(OSError):
            lines = self._log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if lines:
                return lines[-1][-300:]
        return "it printed nothing"

    def stop(self) -> None:
        """Close the socket, which ends an idle worker, and make sure that it has ended."""
        self.socket.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def worker_command(python: Path, framework: str) -> list[str]:
    """Return the command that starts a framework's worker: by path, so that no other package here is importable."""
    return [str(python), "-P", str(PACKAGE / "worker" / "worker.py"), "--framework", framework]
