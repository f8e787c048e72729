"""Outcomes: what a device's report means."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Self

from muster_sdk.contract import interpret
from muster_sdk.text import cut, sentence

Event = interpret.Event
OutcomeStatus = interpret.OutcomeStatus
Report = interpret.Report
StepReport = interpret.StepReport

_MOST_EVENTS = 10_000
# An answer may have 4 MiB; something is left for what surrounds the events.
_MOST_BYTES = 3 * 1024 * 1024


class Outcome(interpret.Outcome):
    """What came of one delivery; its fields are those of the contract."""

    def __init__(self, status: OutcomeStatus, summary: str) -> None:
        super().__init__(status=status, needs_restart=False, summary=sentence(summary), events=[], more=[])

    def with_events(self, events: Iterable[Event]) -> Self:
        """The same with events."""
        self.events.extend(events)
        return self

    def and_restart(self) -> Self:
        """The same, and the device has to be restarted."""
        self.needs_restart = True
        return self


def succeeded(summary: str) -> Outcome:
    """It was done. The summary is cut to the contract's length, here and below."""
    return Outcome(OutcomeStatus.SUCCEEDED, summary)


def warning(summary: str) -> Outcome:
    """It was done, and somebody should look."""
    return Outcome(OutcomeStatus.WARNING, summary)


def failed(summary: str) -> Outcome:
    """It was not done."""
    return Outcome(OutcomeStatus.FAILED, summary)


def event(event_type: str, text: str, fields: Mapping[str, Any] | None = None) -> Event:
    """An event of one of the task type's event types.

    >>> event("found", "A file was found.", {"file": "/srv/a"}).fields
    '{"file": "/srv/a"}'
    """
    return Event(event_type, sentence(text), json.dumps(dict(fields or {})))


def by_ends(report: Report) -> Outcome:
    """What the ends of the steps say by themselves: 0 succeeded, anything else did not."""
    why = trouble(report)
    if why is not None:
        return failed(why)
    last = report.steps[-1]
    status = exit_status(last)
    return succeeded("Done.") if status == 0 else failed(f"{last.program} ended with status {status}.")


def last_step(report: Report, program: str) -> StepReport | None:
    """The last step of a program in a report."""
    return next((step for step in reversed(report.steps) if step.program == program), None)


def exit_status(step: StepReport) -> int | None:
    """The exit status of a step, if it ended by itself."""
    return step.end.value if isinstance(step.end, interpret.StepEnd_Exited) else None


def trouble(report: Report) -> str | None:
    """Why the command did not run to its end, if a step ended in any other way than by itself."""
    if not report.steps:
        return "The device reported no step."
    return next((why for why in map(_step_trouble, report.steps) if why is not None), None)


def _step_trouble(step: StepReport) -> str | None:
    name = cut(step.program, 64)
    match step.end:
        case interpret.StepEnd_Exited():
            return None
        case interpret.StepEnd_Signalled(signal):
            return f"{name} was ended by signal {signal}."
        case interpret.StepEnd_TimedOut():
            return f"{name} was stopped at its time limit."
        case interpret.StepEnd_Stopped():
            return f"{name} was stopped."
        case interpret.StepEnd_NotStarted(why):
            return f"{name} could not be started: {why}."


def output_lines(step: StepReport) -> list[str]:
    """The lines that were kept from start and end of a step's output, without empty ones."""
    return [line for text in (step.head, step.tail) for line in text.splitlines() if line]


def bounded(outcome: Outcome, outcomes: int) -> Outcome:
    """Leaves out the last events until an answer with so many outcomes keeps its bounds, and says so."""
    budget = _MOST_BYTES // max(1, outcomes)
    used = kept = 0
    for one in outcome.events[:_MOST_EVENTS]:
        used += len(one.text.encode()) + len(one.fields.encode()) + len(one.event_type) + 64
        if used > budget:
            break
        kept += 1
    every = len(outcome.events)
    if kept < every:
        del outcome.events[kept:]
        told = f"{cut(outcome.summary, 900)} (Only the first {kept} of {every} events are told.)"
        outcome.summary = sentence(told)
    return outcome
