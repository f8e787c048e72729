"""From a plug-in to the functions that the server calls."""

import json
import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from muster_sdk import log
from muster_sdk.contract import Err, Ok, Result, describe, interpret, translate, types, validate
from muster_sdk.finding import Findings
from muster_sdk.outcome import bounded, by_ends
from muster_sdk.plugin import Plugin, Settings, TaskType
from muster_sdk.step import Unsupported


_T = TypeVar("_T")

_MOST_LEVELS = 128
"""No server reads JSON that nests deeper."""
_BRACKET = re.compile(r"[\[\]{}]")
# One that is not closed goes on to its end.
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"?', re.DOTALL)


class Exports(NamedTuple):
    """The classes that componentize-py looks for in a component's first module."""

    Describe: type
    Validate: type
    Translate: type
    Interpret: type
    Migrate: type


class _Refused(Exception):
    def __init__(self, failure: types.Failure) -> None:
        self.failure = failure


def exports(plugin: Plugin) -> Exports:
    """The functions of the contract. A world takes those that it has."""
    log.instead_of_output()
    task_types = {task_type.id: task_type for task_type in plugin.task_types}
    # Made once, when the component is built; each call starts from that state.
    description = plugin.description()

    def chosen(task_type: str) -> TaskType:
        found = task_types.get(task_type)
        if found is None:
            raise _Refused(types.Failure_UnknownTaskType())
        return found

    class Describe:
        def describe(self) -> describe.Description:
            return description

    class Validate:
        def validate(self, task_type: str, settings: str) -> validate.Verdict:
            return _or_failure(lambda: validate.Verdict(_check(chosen(task_type), _settings(settings)).all))

    class Translate:
        def translate(
            self, task_type: str, settings: str, profiles: list[translate.Profile]
        ) -> list[Result[translate.Command, translate.Refusal]]:
            try:
                one, read = chosen(task_type), _settings(settings)
                findings = _check(one, read)
                if findings.any_error:
                    raise _Refused(types.Failure_Invalid(findings.all))
            except Exception as cause:
                refusal = _refusal(cause)
                return [Err(refusal) for _ in profiles]
            return [_command(one, read, profile) for profile in profiles]

    class Interpret:
        def interpret(
            self, task_type: str, settings: str, reports: list[interpret.Report]
        ) -> list[interpret.Outcome]:
            one, read = task_types.get(task_type), json.loads(settings, parse_float=_number)
            try:
                return [_outcome(one, read, report, len(reports)) for report in reports]
            except Exception as cause:
                # The contract has no failure here; a trap is the answer, and the log says why.
                log.error(_told(cause))
                raise

    class Migrate:
        def migrate(self, task_type: str, from_version: int, settings: str) -> str:
            return _or_failure(lambda: _migrated(chosen(task_type), _settings(settings), from_version))

    return Exports(Describe, Validate, Translate, Interpret, Migrate)


def _settings(text: str) -> Settings:
    findings = Findings()
    try:
        if _levels(text) > _MOST_LEVELS:
            raise ValueError(f"they nest deeper than {_MOST_LEVELS} levels")
        settings = json.loads(text, parse_float=_number)
    except (ValueError, RecursionError) as cause:
        findings.error("", "not-json", f"The settings are not JSON: {cause}.")
        raise _Refused(types.Failure_Invalid(findings.all)) from None
    if not isinstance(settings, dict):
        findings.error("", "not-an-object", "The settings are not a JSON object.")
        raise _Refused(types.Failure_Invalid(findings.all))
    return settings


def _levels(text: str) -> int:
    """How deep a JSON text nests. Reading one that is too deep would be a trap, which no exception tells."""
    deepest = level = 0
    # Counting is quick, and settings that are in earnest end here.
    if text.count("[") + text.count("{") <= _MOST_LEVELS:
        return 0
    for bracket in _BRACKET.findall(_TEXT.sub("", text)):
        level += 1 if bracket in "[{" else -1
        deepest = max(deepest, level)
    return deepest


def _number(text: str) -> int | float:
    """To a JSON Schema 4.0 is an integer; so it is one for whoever asked for an integer."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**63 else number


def _check(task_type: TaskType, settings: Settings) -> Findings:
    findings = Findings()
    task_type.validate(settings, findings)
    return findings.bounded()


def _command(
    task_type: TaskType, settings: Settings, profile: translate.Profile
) -> Result[translate.Command, translate.Refusal]:
    try:
        steps = task_type.translate(settings, profile)
    except Exception as cause:
        return Err(_refusal(cause))
    return Ok(translate.Command(list(steps) if isinstance(steps, list) else [steps], []))


def _refusal(cause: Exception) -> translate.Refusal:
    if isinstance(cause, Unsupported):
        return translate.Refusal_Unsupported(str(cause))
    match _failure(cause):
        case types.Failure_UnknownTaskType():
            return translate.Refusal_UnknownTaskType()
        case types.Failure_Invalid(findings):
            return translate.Refusal_Invalid(findings)
        case types.Failure_Internal(text):
            return translate.Refusal_Internal(text)


def _outcome(
    task_type: TaskType | None, settings: Settings, report: interpret.Report, outcomes: int
) -> interpret.Outcome:
    if task_type is None or not task_type.has("interpret"):
        return by_ends(report)
    return bounded(task_type.interpret(settings, report), outcomes)


def _migrated(task_type: TaskType, settings: Settings, from_version: int) -> str:
    if task_type.has("migrate"):
        settings = task_type.migrate(settings, from_version)
    return json.dumps(settings)


# An exception inside a component is a trap without a word. So it becomes an answer with one.
def _or_failure(act: Callable[[], _T]) -> _T:
    try:
        return act()
    except Exception as cause:
        raise Err(_failure(cause)) from None


def _failure(cause: Exception) -> types.Failure:
    if isinstance(cause, _Refused):
        return cause.failure
    log.error(_told(cause))
    return types.Failure_Internal(f"The plug-in failed: {cause!r}")


def _told(cause: BaseException) -> str:
    """The exception with where it came from. `traceback` would open the sources, which are not there."""
    lines = [repr(cause)]
    at = cause.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        lines.append(f"  {code.co_filename}:{at.tb_lineno} in {code.co_qualname}")
        at = at.tb_next
    return "\n".join(lines)
