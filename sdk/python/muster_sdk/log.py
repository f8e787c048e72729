"""Lines for the server's log; in tests, for standard error. Every plug-in may write them."""

import io
import sys

from muster_sdk.contract import log as _log


def _write(level: _log.LogLevel, text: object) -> None:
    try:
        _log.log(level, str(text))
    except NotImplementedError:
        print(f"{level.name.lower()}: {text}", file=sys.stderr)


def debug(text: object) -> None:
    _write(_log.LogLevel.DEBUG, text)


def info(text: object) -> None:
    _write(_log.LogLevel.INFO, text)


def warning(text: object) -> None:
    _write(_log.LogLevel.WARNING, text)


def error(text: object) -> None:
    _write(_log.LogLevel.ERROR, text)


class _Lines(io.TextIOBase):
    """What is printed, line by line: a component has no output, and printing would be a trap."""

    def __init__(self) -> None:
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            info(line)
        return len(text)


def instead_of_output() -> None:
    """Inside a component, sends what is printed to the log."""
    if sys.platform == "wasi":
        sys.stdout = sys.stderr = _Lines()
