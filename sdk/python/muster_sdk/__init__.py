"""What a management plug-in in Python is made with.

A plug-in is a module with `plugin = Plugin(…)`; each kind of task is a class made from `TaskType`.
`python -m muster_sdk build MODULE` makes a component of it.
"""

from muster_sdk import log
from muster_sdk.finding import Finding, Findings, Level, Place, pointer
from muster_sdk.outcome import (
    Event,
    Outcome,
    OutcomeStatus,
    Report,
    StepReport,
    by_ends,
    event,
    exit_status,
    failed,
    last_step,
    output_lines,
    succeeded,
    trouble,
    warning,
)
from muster_sdk.path import bare_path, check_path, is_within
from muster_sdk.plugin import (
    ApplicationState,
    CapabilityRequest,
    EventType,
    Limit,
    LimitRequest,
    Mark,
    Plugin,
    Settings,
    Severity,
    TaskKind,
    TaskType,
)
from muster_sdk.step import Meaning, Profile, ProgressRole, Step, Unsupported, run
from muster_sdk.text import cut, sentence

__all__ = [
    "ApplicationState",
    "CapabilityRequest",
    "Event",
    "EventType",
    "Finding",
    "Findings",
    "Level",
    "Limit",
    "LimitRequest",
    "Mark",
    "Meaning",
    "Outcome",
    "OutcomeStatus",
    "Place",
    "Plugin",
    "Profile",
    "ProgressRole",
    "Report",
    "Settings",
    "Severity",
    "Step",
    "StepReport",
    "TaskKind",
    "TaskType",
    "Unsupported",
    "bare_path",
    "by_ends",
    "check_path",
    "cut",
    "event",
    "exit_status",
    "failed",
    "is_within",
    "last_step",
    "log",
    "output_lines",
    "pointer",
    "run",
    "sentence",
    "succeeded",
    "trouble",
    "warning",
]
