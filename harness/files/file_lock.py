"""Files and folders that one process at a time may change. A lock ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EINVAL)
"""What file systems answer that know no locks, or none on folders (some of NFS, Lustre and object stores)."""


class Locked(Exception):
    """Another process holds it."""


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a file, made if need be, or a folder. Raises Locked if another process does and `wait` is false.

    Where the file system knows no locks, that is said and nothing held.
    """
    # Some network file systems lock only what may be written.
    flags = os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Locked(str(path)) from error
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            sys.stderr.write(f"{path}: its file system knows no locks; let no second process write there meanwhile\n")
        yield
    finally:
        os.close(descriptor)
