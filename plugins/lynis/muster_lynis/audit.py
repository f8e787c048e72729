"""The audit: run Lynis, then read the report file that it wrote.

Lynis exits with 0 whatever it found, and also when it could not write its report; its screen is for
people. So the report file decides. It is removed beforehand: an old one would tell of another day.
"""

from muster_lynis import report as lynis_report
from muster_lynis.schemas import AUDIT, FINDING, GROUPS, INDEX
from muster_sdk import (
    ApplicationState,
    EventType,
    Findings,
    Mark,
    Meaning,
    Outcome,
    Profile,
    Report,
    Settings,
    Severity,
    Step,
    TaskType,
    Unsupported,
    bare_path,
    check_path,
    event,
    exit_status,
    failed,
    last_step,
    output_lines,
    run,
    succeeded,
    trouble,
    warning,
)

REPORT_FILE = "/var/log/lynis-report.dat"
LOG_FILE = "/var/log/lynis.log"


class Audit(TaskType):
    id = "audit"
    title = "Audit"
    summary = "Audits a device with Lynis, and tells its hardening index, what Lynis warns of and what it suggests."
    settings = AUDIT
    examples = (
        ("Everything", {}),
        ("Kernel and SSH, with a bound", {"groups": ["kernel", "ssh"], "lowest-index": 60}),
    )
    needs = ApplicationState.INSTALLED
    # Two at once would refuse each other by Lynis's own lock.
    marks = (Mark.EXCLUSIVE,)
    time_limit = 3600
    event_types = (
        EventType("audit-warning", "Warning of the audit", Severity.WARNING, FINDING),
        EventType("audit-suggestion", "Suggestion of the audit", Severity.INFO, FINDING),
        EventType("index-too-low", "Hardening index too low", Severity.CRITICAL, INDEX),
    )

    def validate(self, settings: Settings, findings: Findings) -> None:
        tests, groups = settings.get("tests", []), settings.get("groups", [])
        if tests and groups:
            findings.error(
                ["groups"],
                "tests-and-groups",
                "There are tests and groups of tests; Lynis takes one of them.",
            )
        for at, group in enumerate(groups):
            if group not in GROUPS:
                findings.warning(
                    ["groups", at],
                    "group-unknown",
                    f"Lynis 3.0 has no group {group}; a device that has none either passes over it.",
                    group=group,
                )
        for name in ("report-file", "log-file", "profile"):
            path = settings.get(name)
            if path is not None and check_path(path, [name], findings) and path.endswith("/"):
                findings.error([name], "path-is-a-folder", f"{path} is a folder; name a file.", path=path)
        if bare_path(_report_file(settings)) == bare_path(settings.get("log-file", LOG_FILE)):
            findings.error(["log-file"], "files-same", "Report and log are the same file; give each its own.")

    def translate(self, settings: Settings, profile: Profile) -> list[Step]:
        if profile.platform == "windows":
            raise Unsupported("Lynis audits systems like Unix, not Windows.")
        file = _report_file(settings)
        audit = run("lynis", "audit", "system", "--quick", "--quiet", "--no-colors")
        audit.args("--report-file", file, "--logfile", settings.get("log-file", LOG_FILE))
        if settings.get("tests"):
            audit.args("--tests", " ".join(settings["tests"]))
        if settings.get("groups"):
            audit.args("--tests-from-group", " ".join(settings["groups"]))
        if "profile" in settings:
            audit.args("--profile", settings["profile"])
        if not settings.get("plugins", True):
            audit.args("--no-plugins")
        # 78: there are warnings, where a profile of Lynis asks for a status of its own.
        audit.status(0, 0, Meaning.SUCCEEDED).status(78, 78, Meaning.WARNING)
        kept = run("cat", file).keep_ends(0, 1024).keep_lines(lynis_report.KEPT, lynis_report.MOST)
        return [run("rm", "-f", file), audit, kept]

    def interpret(self, settings: Settings, report: Report) -> Outcome:
        why = trouble(report)
        step = last_step(report, "cat")
        if why is not None or step is None or exit_status(step) != 0:
            return failed(why or _why_no_report(report))
        read = lynis_report.read(step.lines)
        lowest = settings.get("lowest-index")
        events = [event("audit-warning", one.sentence(), one.fields()) for one in read.warnings]
        if lowest is not None and read.index is not None and read.index < lowest:
            text = f"The hardening index is {read.index}, and should be {lowest} or more."
            events.append(event("index-too-low", text, {"index": read.index, "lowest": lowest}))
        told_of = bool(events)
        if settings.get("suggestions", True):
            events += [event("audit-suggestion", one.sentence(), one.fields()) for one in read.suggestions]
        summary = read.summary(step.lines_left_out)
        if not read.finished:
            return failed(f"The audit did not come to its end. {summary}").with_events(events)
        outcome = warning if told_of or read.odd or step.lines_left_out else succeeded
        return outcome(summary).with_events(events)


def _report_file(settings: Settings) -> str:
    return str(settings.get("report-file", REPORT_FILE))


def _why_no_report(report: Report) -> str:
    """Lynis says it on the screen, and ends well all the same."""
    for program in ("lynis", "cat"):
        step = last_step(report, program)
        lines = output_lines(step) if step else []
        if lines:
            return f"There is no report of the audit: {lines[0]}."
    return "There is no report of the audit, and Lynis does not say why."
