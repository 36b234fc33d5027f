"""Whether the model hub answers; asked once and quickly, since an offline lookup costs 26 s of DNS retries."""

from __future__ import annotations

import functools
import os
import threading
import urllib.error
import urllib.request

PROBE_SECONDS = 2.0


def hub_errors() -> tuple[type[Exception], ...]:
    """What a talk with the hub may raise when it answers but cannot be heard out."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    # Of its bases one is the error of the HTTP library below, which differs between versions of the hub's client.
    return (*HfHubHTTPError.__bases__, HFValidationError, LocalEntryNotFoundError, OSError)


@functools.cache
def hub_answers() -> bool:
    """True if the hub (HF_ENDPOINT, or the default one) answers within two seconds and HF_HUB_OFFLINE is not set."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        return False
    from huggingface_hub import constants

    answered = threading.Event()

    def ask() -> None:
        try:
            request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
            urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
        except urllib.error.HTTPError:
            pass
        except (OSError, ValueError):
            return
        answered.set()

    # A thread, because name resolution heeds no timeout.
    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(PROBE_SECONDS)
