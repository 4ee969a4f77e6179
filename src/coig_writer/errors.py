"""Everything the kit raises on purpose, and the one place where it meets a command line.

KitError                  one clear sentence for a person, with what to do next
├── InputError            a file, row or value breaks a rule
├── MissingInputError     a stage's input is not there; names the command that makes it
├── ConfigError           an unknown, removed or wrong configuration key
├── StatisticsError       the data cannot carry the estimate that was asked for
├── EndpointError         a language-model server refused, timed out or answered nonsense
├── DriftError            something that is locked or published no longer matches
└── PublicationError      the Hub refused, or a check before publication failed
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

STOPPED = 130  # the exit code after Ctrl-C
AGAIN_S = 0.05  # after which a Ctrl-C that Python dropped comes again
# What moves a cursor, rings, or turns a line around; tab and line ends are text.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class KitError(Exception):
    """A failure that a person can act on.

    Args:
        message: What is wrong, naming file, row and rule where there are any.
        remedy: What to do or type next; printed on a line of its own.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.remedy}" if self.remedy else self.message


class InputError(KitError):
    """A file, row or value breaks a rule."""


class MissingInputError(KitError):
    """The input of a stage does not exist yet."""


class ConfigError(KitError):
    """A configuration key is unknown, removed, or holds a wrong value."""


class StatisticsError(KitError):
    """The data cannot carry the estimate that was asked for."""


class EndpointError(KitError):
    """A language-model server refused, timed out or answered nonsense."""


class DriftError(KitError):
    """Something that is locked or published no longer matches what is there."""


class PublicationError(KitError):
    """The Hub refused, or a check before publication failed."""


# A folder that is read-only, a name that is too long, a file where a folder should be or the reverse.
_NOT_USABLE = frozenset(
    [
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
    ]
)


def run_command(main: Callable[[], int | None]) -> int:
    """Runs a command's main function and turns expected failures into a sentence and a code.

    Args:
        main: The command; returns its exit code, or None for success.

    Returns:
        0 on success, 1 on a ``KitError``, a full disk or a path that may not be used, 130 on Ctrl-C.
        Anything else is a bug and keeps its traceback.
    """
    _quiet()
    try:
        with _ctrl_c_heard():
            return main() or 0
    except KitError as error:
        return _fail(f"error: {error}", 1)
    except KeyboardInterrupt as stop:
        state = str(stop) or "nothing half-made was left behind; run the same command again."
        return _fail(f"stopped: {state}", STOPPED)
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.filename and (problem := _not_usable(error)):
            sentence = f"error: {error.filename}: {problem}"
            return _fail(f"{sentence}\n  → give a path that you may read and write", 1)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        return _fail(
            f"error: no space left on the device{where}\n  → free some space, then run the same command again",
            1,
        )


def _not_usable(error: OSError) -> str | None:
    """Says what is wrong with a path that may not be used; None where it may be a bug that found no file there."""
    if error.errno in _NOT_USABLE:
        return error.strerror
    if error.errno != errno.ENOENT:
        return None
    import tempfile

    folder = Path(str(error.filename)).parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except FileNotFoundError:  # /proc, for one
        return "nothing can be made in that folder" if folder.is_dir() else None
    except OSError:
        return None


@contextlib.contextmanager
def _ctrl_c_heard() -> Iterator[None]:
    """Lets Ctrl-C end a command where it is dropped, or made another error.

    Python ignores what a destructor or a weak reference's callback raises: then it comes again. A compiled
    module that is being loaded makes an ImportError of it.
    """
    before, over = sys.unraisablehook, threading.Event()

    def come_again() -> None:
        if not over.wait(AGAIN_S):
            os.kill(os.getpid(), signal.SIGINT)

    def told(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            threading.Thread(target=come_again, daemon=True).start()
        else:
            before(dropped)

    sys.unraisablehook = told
    try:
        yield
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise
    finally:
        over.set()
        sys.unraisablehook = before


def _quiet() -> None:
    """Keeps from a person what transformers tells its own developers: a later release renames a recipe's key."""
    warnings.filterwarnings("ignore", "`gradient_checkpointing` is deprecated", FutureWarning)


def shown(text: str) -> str:
    """Returns a text for a terminal: control characters as their escapes, half surrogates too."""
    text = CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return text.encode("utf-8", "backslashreplace").decode()


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(shown(sentence) + "\n")
    return code
