"""Findings: what is wrong, or worth a word, in settings."""

from collections.abc import Sequence

from muster_sdk.contract import types
from muster_sdk.text import cut, plain, whole

Finding = types.Finding
Level = types.Level

_MOST = 1000
"""Findings that a server takes in one answer."""
_LONGEST = 3990
"""Bytes of a text, or of a param, that a server takes, less a little."""

Place = str | Sequence[str | int]
"""A place in the settings: a JSON Pointer, or its steps, such as `["paths", 3]`."""


def pointer(*steps: str | int) -> str:
    """A JSON Pointer (RFC 6901) from the steps to a place.

    >>> pointer("paths", 3)
    '/paths/3'
    >>> pointer("a/b", "m~n")
    '/a~1b/m~0n'
    """
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


class Findings:
    """All that was found in the settings of one task.

    `code` is stable, lower-case with hyphens; `text` is one sentence that says what is wrong and
    what would be right; `params` are the values that it speaks of, so that it can be translated.

    >>> findings = Findings()
    >>> findings.error(["paths", 0], "path-relative", "The path is relative.", path="srv")
    >>> findings.any_error, findings.all[0].pointer
    (True, '/paths/0')
    """

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def error(self, place: Place, code: str, text: str, **params: object) -> None:
        """The settings cannot be used."""
        self._add(Level.ERROR, place, code, text, params)

    def warning(self, place: Place, code: str, text: str, **params: object) -> None:
        """They can be used, and the administrator is told."""
        self._add(Level.WARNING, place, code, text, params)

    def notice(self, place: Place, code: str, text: str, **params: object) -> None:
        """For information only."""
        self._add(Level.NOTICE, place, code, text, params)

    @property
    def any_error(self) -> bool:
        """Whether one of them refuses the settings."""
        return any(finding.level == Level.ERROR for finding in self.all)

    def _add(self, level: Level, place: Place, code: str, text: str, params: dict[str, object]) -> None:
        where = place if isinstance(place, str) else pointer(*place)
        told = [(name, cut(whole(str(value)), _LONGEST)) for name, value in params.items()]
        # A sentence may quote a setting, which can be long and hold anything.
        self.all.append(Finding(level, where, code, plain(text, _LONGEST + 3), told))

    def bounded(self) -> "Findings":
        """As many as a server takes, errors before others; the last one tells how many are left out."""
        if len(self.all) <= _MOST:
            return self
        kept = Findings()
        ordered = sorted(self.all, key=lambda finding: finding.level != Level.ERROR)
        kept.all = ordered[: _MOST - 1]
        kept.notice("", "findings-left-out", f"{len(self.all) - (_MOST - 1)} more findings are left out.")
        return kept
