"""What a plug-in says of itself, and the kinds of task that it has."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from muster_sdk.contract import describe
from muster_sdk.finding import Findings
from muster_sdk.outcome import Outcome, Report
from muster_sdk.step import Profile, Step

ApplicationState = describe.ApplicationState
CapabilityRequest = describe.CapabilityRequest
Limit = describe.Limit
LimitRequest = describe.LimitRequest
Mark = describe.Mark
Severity = describe.Severity
TaskKind = describe.TaskKind

Settings = dict[str, Any]
"""The settings of a task: a JSON object."""


@dataclass
class EventType:
    """An event that `interpret` may raise."""

    id: str
    """Lower-case with hyphens, unique in the task type, and stable."""
    title: str
    severity: Severity
    fields: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    """The JSON Schema of its fields."""


class TaskType:
    """One kind of task, such as `scan`: a class with these attributes and functions."""

    id: ClassVar[str]
    """Lower-case with hyphens; unique in the plug-in, and stable."""
    title: ClassVar[str]
    summary: ClassVar[str]
    """One or two sentences: what a task of this type does."""
    kinds: ClassVar[Sequence[TaskKind]] = (TaskKind.LOCAL, TaskKind.GROUP, TaskKind.GLOBAL)
    settings: ClassVar[dict[str, Any]]
    """The JSON Schema of its settings. Give each property a title, a description and a default."""
    schema_version: ClassVar[int] = 1
    """Counts up when older settings need `migrate`."""
    examples: ClassVar[Sequence[tuple[str, Settings]]]
    """Titles and settings that are valid; at least one."""
    facts: ClassVar[Sequence[str]] = ()
    """Names of the device facts that `translate` reads, such as `os.id`."""
    needs: ClassVar[ApplicationState] = ApplicationState.RUNNING
    """What the application must be on a device before a task starts there."""
    marks: ClassVar[Sequence[Mark]] = ()
    time_limit: ClassVar[int]
    """Seconds after which a device stops a task of this type."""
    event_types: ClassVar[Sequence[EventType]] = ()
    more: ClassVar[Sequence[tuple[str, str]]] = ()

    def validate(self, settings: Settings, findings: Findings) -> None:
        """What the schema cannot say. Report all that is wrong at once.

        The server checks the schema first, but a call may come without: read settings with defaults.
        """

    def translate(self, settings: Settings, profile: Profile) -> Step | list[Step]:
        """The steps for a device of this profile. Settings with errors do not come here.

        Raise `Unsupported` where the application cannot do it.
        """
        raise NotImplementedError

    def interpret(self, settings: Settings, report: Report) -> Outcome:
        """What a report means. Without it, `by_ends` says it. Treat a report's text as hostile."""
        raise NotImplementedError

    def migrate(self, settings: Settings, from_version: int) -> Settings:
        """Settings of an older schema version, brought to this one."""
        raise NotImplementedError

    def has(self, function: str) -> bool:
        """Whether the task type has a function of its own, such as `interpret`."""
        return getattr(type(self), function) is not getattr(TaskType, function)


@dataclass
class Plugin:
    """Who the plug-in is, and which tasks its application knows."""

    application: str
    """Reverse domain name of the application, such as `net.clamav.clamav`. It names it for good."""
    name: str
    vendor: str
    version: str
    """This plug-in's own version, by Semantic Versioning 2."""
    manages: str
    """The application's versions that it manages, such as `>=1.0, <2`. `*` manages all."""
    task_types: Sequence[TaskType]
    capabilities: Sequence[CapabilityRequest] = ()
    """Capabilities that it asks for, each with a reason that an administrator reads."""
    limits: Sequence[LimitRequest] = ()
    """Limits that it asks to have raised, each with a reason."""
    more: Sequence[tuple[str, str]] = ()

    def has(self, function: str) -> bool:
        """Whether a task type has a function of its own, such as `interpret`."""
        return any(task_type.has(function) for task_type in self.task_types)

    def description(self) -> describe.Description:
        """What `describe` answers."""
        return describe.Description(
            application=self.application,
            name=self.name,
            vendor=self.vendor,
            version=self.version,
            manages=self.manages,
            capabilities=list(self.capabilities),
            limits=list(self.limits),
            task_types=[_describe(task_type) for task_type in self.task_types],
            more=list(self.more),
        )


def _describe(task_type: TaskType) -> describe.TaskType:
    return describe.TaskType(
        id=task_type.id,
        title=task_type.title,
        summary=task_type.summary,
        kinds=list(task_type.kinds),
        settings_schema=json.dumps(task_type.settings),
        schema_version=task_type.schema_version,
        examples=[describe.Example(title, json.dumps(settings)) for title, settings in task_type.examples],
        facts=list(task_type.facts),
        needs=task_type.needs,
        marks=list(task_type.marks),
        time_limit=task_type.time_limit,
        event_types=[
            describe.EventType(one.id, one.title, one.severity, json.dumps(one.fields))
            for one in task_type.event_types
        ],
        more=list(task_type.more),
    )
