"""The model hub: what its client's cache holds, and whether it answers.

Whether it answers is asked once and quickly, since an offline lookup costs 26 s of DNS retries. A mirror that the user
named gets more time and must answer.
"""

from __future__ import annotations

import functools
import http.client
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType

from harness.errors import ModelError

PROBE_SECONDS = 2.0
MIRROR_SECONDS = 20.0
MIRROR = "HF_ENDPOINT"


def hub_errors() -> tuple[type[Exception], ...]:
    """Return the errors that the hub's client may raise when a conversation with the hub fails."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    # One of its bases is the error of the HTTP library below, which differs between versions of the hub's client.
    return (*HfHubHTTPError.__bases__, HFValidationError, LocalEntryNotFoundError, OSError)


@functools.cache
def hub_answers() -> bool:
    """True if the hub answers within two seconds and HF_HUB_OFFLINE is not set.

    Raises ModelError if HF_ENDPOINT names a mirror that does not answer within twenty.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        return False
    mirror = os.environ.get(MIRROR)
    refusal = _asked(_constants().ENDPOINT, MIRROR_SECONDS if mirror else PROBE_SECONDS)
    if refusal and mirror:
        raise ModelError(
            f"{MIRROR}={mirror}: {refusal}; unset it, or set HF_HUB_OFFLINE=1 to do with what is in the caches"
        )
    return not refusal


def _constants() -> ModuleType:
    """Return the constants of the hub's client, which reads its variables on import.

    Raises ModelError if a variable is invalid.
    """
    try:
        from huggingface_hub import constants
    except ValueError as error:
        raise ModelError(f"{MIRROR}={os.environ.get(MIRROR)}: is no address ({error})") from error
    return constants


def _asked(endpoint: str, seconds: float) -> str:
    """Return why an endpoint does not answer; empty if it does."""
    ended, refusals = threading.Event(), []

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=seconds).close()
        except urllib.error.HTTPError:
            pass
        except (OSError, ValueError, http.client.HTTPException) as error:
            refusals.append(f"does not answer ({error})")
        ended.set()

    # A thread, because name resolution ignores timeouts.
    threading.Thread(target=ask, daemon=True).start()
    if not ended.wait(seconds):
        return f"does not answer within {seconds:.0f} s"
    return "".join(refusals)


def snapshot_in_cache(repository: str, revision: str | None, *, kind: str) -> Path | None:
    """Return the folder of a repository at a revision in the client's cache; None if it is not there.

    `kind`: "model" or "dataset". The layout of the client's cache is documented. The client itself returns a snapshot
    only if every file of the repository is in it.
    """
    repository_folder = Path(_constants().HF_HUB_CACHE) / f"{kind}s--{repository.replace('/', '--')}"
    branch = repository_folder / "refs" / (revision or "main")
    commit = branch.read_text(encoding="utf-8").strip() if branch.is_file() else revision
    folder = repository_folder / "snapshots" / (commit or "")
    return folder if commit and folder.is_dir() else None
