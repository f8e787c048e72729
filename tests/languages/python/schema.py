"""What the derive of the SDK of Rust makes of the settings in `../rust`."""

from typing import Any


def _setting(title: str, description: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "description": description, "type": kind, **more}


def _folders(title: str, description: str, **more: Any) -> dict[str, Any]:
    return _setting(title, description, "array", items={"type": "string"}, maxItems=100, **more)


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "paths": _folders("Paths", "Folders to look through.", minItems=1),
        "exclusions": _folders("Exclusions", "Folders in them that are passed over.", default=[]),
        "depth": _setting("Depth", "Levels of folders.", "integer", minimum=1, maximum=1000, default=100),
        "largest-file": _setting(
            "Largest file",
            "Bytes of the largest file that is read.",
            "integer",
            minimum=1,
            maximum=1_000_000_000_000,
            default=100_000_000,
        ),
        "archives": _setting("Archives", "Whether archives are opened.", "boolean", default=True),
        "mail": _setting("Mail", "Whether mail is opened.", "boolean", default=True),
        "threads": _setting("Threads", "Files that are read at once.", "integer", minimum=1, maximum=64, default=1),
        "heuristics": _setting(
            "Heuristics", "How much is guessed.", "string", enum=["off", "low", "high"], default="low"
        ),
        "on-detection": _setting(
            "On detection",
            "What becomes of a file that is detected.",
            "string",
            enum=["report", "quarantine"],
            default="report",
        ),
        "quarantine-folder": _setting("Quarantine folder", "Where detected files are moved to.", "string"),
    },
    "required": ["paths"],
    "additionalProperties": False,
}
