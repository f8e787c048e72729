"""Cases: settings, profiles and reports in files, and what the plug-in must answer to them.

Each folder below `cases/` is a case, and a new folder is a new test. The files are those of every
SDK, so a case can be moved from one language to another:

| file | what it holds |
|---|---|
| `task.json` | `task-type`, `settings`, and a `profile` where it matters |
| `verdict.json` | what `validate` answers |
| `command.json` | what `translate` answers for the profile |
| `report.json` | a device's report; where it is missing, `interpret` is not asked |
| `outcome.json` | what `interpret` answers to the report |

With the environment variable `UPDATE_CASES=1` answers are written instead of compared; look at the
difference before you keep it.
"""

import json
import os
import unittest
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from muster_sdk.contract import Err, Ok, interpret, translate
from muster_sdk.guest import exports
from muster_sdk.plugin import Plugin


def cases(plugin: Plugin, folder: Path) -> type[unittest.TestCase]:
    """A test for each case, and one for the examples: `class Cases(cases(plugin, folder)): pass`."""
    functions = exports(plugin)

    class Cases(unittest.TestCase):
        maxDiff = None

        def test_examples_are_valid(self) -> None:
            for task_type in functions.Describe().describe().task_types:
                for example in task_type.examples:
                    with self.subTest(task_type=task_type.id, example=example.title):
                        verdict = functions.Validate().validate(task_type.id, example.settings)
                        self.assertEqual(verdict.findings, [])

    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        name = "test_" + case.name.replace("-", "_")
        setattr(Cases, name, lambda self, case=case: _one(self, functions, plugin, case))
    return Cases


def _one(test: unittest.TestCase, functions: Any, plugin: Plugin, folder: Path) -> None:
    task = _read(folder / "task.json")
    task_type, settings = task["task-type"], json.dumps(task["settings"])
    profile = _profile(task.get("profile", {}))
    answers = {
        "verdict.json": _refusable(lambda: functions.Validate().validate(task_type, settings).findings),
        "command.json": _refused(functions.Translate().translate(task_type, settings, [profile])[0]),
    }
    report = _read(folder / "report.json")
    if report is not None and plugin.has("interpret"):
        [outcome] = functions.Interpret().interpret(task_type, settings, [_report(report)])
        answers["outcome.json"] = _readable(written(outcome))
    for name, answer in answers.items():
        file = folder / name
        if os.environ.get("UPDATE_CASES"):
            file.write_text(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
        test.assertEqual(answer, _read(file), f"{file} says otherwise")


def _refusable(act: Callable[[], Any]) -> Any:
    try:
        return written(act())
    except Err as failure:
        return {"refused": written(failure.value)}


def _refused(answer: Any) -> Any:
    return written(answer.value) if isinstance(answer, Ok) else {"refused": written(answer.value)}


def _readable(outcome: Any) -> Any:
    # Fields of events are JSON text; in a file they are easier to read as JSON.
    for event in outcome["events"]:
        event["fields"] = json.loads(event["fields"])
    return outcome


def _read(file: Path) -> Any:
    return json.loads(file.read_text()) if file.exists() else None


def written(value: Any) -> Any:
    """A value of the contract as it is written in files.

    There names have hyphens, an absent value is null, and a variant is `"name"` or `{"name": value}`.
    """
    if isinstance(value, Enum):
        return value.name.lower().replace("_", "-")
    if isinstance(value, (list, tuple)):
        return [written(one) for one in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    variant = _variant(type(value))
    if variant is not None:
        return {variant: written(getattr(value, "value"))} if fields(value) else variant
    return {one.name.replace("_", "-"): written(getattr(value, one.name)) for one in fields(value)}


def _variant(kind: type) -> str | None:
    _, underscore, name = kind.__name__.partition("_")
    if not underscore:
        return None
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _profile(file: dict[str, Any]) -> translate.Profile:
    return translate.Profile(
        platform=file.get("platform", "linux"),
        architecture=file.get("architecture", "x86_64"),
        application_version=file.get("application-version"),
        facts=[(name, value) for name, value in file.get("facts", [])],
        devices=file.get("devices", 1),
    )


def _report(file: dict[str, Any]) -> interpret.Report:
    steps = [
        interpret.StepReport(
            program=step["program"],
            end=_end(step["end"]),
            duration=step["duration"],
            head=step["head"],
            tail=step["tail"],
            lines=step["lines"],
            lines_left_out=step["lines-left-out"],
        )
        for step in file["steps"]
    ]
    return interpret.Report(steps, [(name, value) for name, value in file.get("more", [])])


def _end(file: Any) -> interpret.StepEnd:
    match file:
        case "timed-out":
            return interpret.StepEnd_TimedOut()
        case "stopped":
            return interpret.StepEnd_Stopped()
        case {"exited": status}:
            return interpret.StepEnd_Exited(status)
        case {"signalled": signal}:
            return interpret.StepEnd_Signalled(signal)
        case {"not-started": why}:
            return interpret.StepEnd_NotStarted(why)
        case _:
            raise ValueError(f"no end of a step: {file}")
