"""Paths on devices, as settings hold them."""

from muster_sdk.finding import Findings, Place
from muster_sdk.text import has_control_character


def check_path(path: str, place: Place, findings: Findings) -> bool:
    """Finds what makes a path unusable, whatever it is for; true if it is usable.

    It is relative, holds `.` or `..` parts, or a control character. `place` says where it stands in
    the settings.

    >>> findings = Findings()
    >>> check_path("/srv", "/folder", findings), check_path("srv", "/folder", findings)
    (True, False)
    >>> findings.all[0].code
    'path-relative'
    """
    if not path.startswith("/"):
        findings.error(place, "path-relative", f'"{path}" is a relative path; write it from / on.', path=path)
    elif has_control_character(path):
        findings.error(
            place,
            "path-control-character",
            "The path holds a line break or another control character.",
            path=path,
        )
    elif any(part in (".", "..") for part in path.split("/")):
        findings.error(
            place,
            "path-not-plain",
            f'"{path}" holds . or .. parts; write where it leads.',
            path=path,
        )
    else:
        return True
    return False


def bare_path(path: str) -> str:
    """A path without the slashes at its end; empty for the root."""
    return path.rstrip("/")


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder`, or lies below it.

    >>> is_within("/srv/a", "/srv/"), is_within("/srv2", "/srv")
    (True, False)
    """
    inner, outer = bare_path(path), bare_path(folder)
    return inner == outer or inner.startswith(f"{outer}/")
