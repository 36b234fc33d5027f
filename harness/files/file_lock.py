"""Locks on files and folders, one process at a time. A lock ends with its process, however the process ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EINVAL)
"""Errors of file systems without locks, or without locks on folders (some of NFS, Lustre and object stores)."""


class Locked(Exception):
    """Another process holds it."""


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock on a file, made if necessary, or on a folder. Raises Locked if it is held and `wait` is false.

    On a file system without locks this warns and holds nothing.
    """
    # Some network file systems lock only files that may be written.
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
