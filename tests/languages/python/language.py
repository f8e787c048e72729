"""The same plug-in as in `../rust` and `../javascript`, by the SDK of Python."""

import json
from typing import Any

from schema import SCHEMA
from muster_sdk import Findings, Plugin, Profile, Settings, Step, TaskType, Unsupported, check_path, is_within, run


class Scan(TaskType):
    """Looks through folders."""

    id = "scan"
    title = "Scan"
    summary = "Looks through folders."
    settings = SCHEMA
    examples = (("Home folders", {"paths": ["/home"]}),)
    time_limit = 600

    def validate(self, settings: Settings, findings: Findings) -> None:
        """What the settings mean together."""
        paths = settings.get("paths", [])
        # For the test that an exception is an answer.
        if "/throw" in paths:
            print("It is asked to raise.")
            raise TypeError("It was asked to.")
        for at, path in enumerate(paths):
            if not check_path(path, ["paths", at], findings):
                continue
            others = (other for place, other in enumerate(paths) if place != at)
            around = next((other for other in others if is_within(path, other)), None)
            if around is not None:
                findings.warning(["paths", at], "paths-overlap", f"{path} lies in {around}.")
        for at, path in enumerate(settings.get("exclusions", [])):
            if check_path(path, ["exclusions", at], findings) and not any(is_within(path, folder) for folder in paths):
                findings.notice(["exclusions", at], "exclusion-elsewhere", f"{path} is not scanned anyway.")
        quarantine = settings.get("quarantine-folder")
        if quarantine is not None:
            check_path(quarantine, ["quarantine-folder"], findings)
        elif settings.get("on-detection") == "quarantine":
            findings.error(["quarantine-folder"], "quarantine-missing", "There is no folder for the quarantine.")

    def translate(self, settings: Settings, profile: Profile) -> Step:
        """A command of some arguments."""
        if profile.platform != "linux":
            raise Unsupported(f"{profile.platform} is not known.")
        step = run(
            "scanner",
            f"--depth={settings.get('depth', 100)}",
            f"--largest-file={settings.get('largest-file', 100000000)}",
            f"--archives={_word(settings.get('archives', True))}",
            f"--mail={_word(settings.get('mail', True))}",
            f"--threads={settings.get('threads', 1)}",
            f"--heuristics={settings.get('heuristics', 'low')}",
        )
        if settings.get("on-detection") == "quarantine":
            step.args(f"--quarantine={settings['quarantine-folder']}")
        return step.args(*(f"--exclude={path}" for path in settings.get("exclusions", [])), *settings["paths"])


def _word(value: Any) -> str:
    return json.dumps(value)


plugin = Plugin("org.example.language", "Language", "Example", "1.0.0", "*", [Scan()])
