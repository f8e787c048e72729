"""Lynis's report file: a line for each thing, `name=value` or `name[]=test|message|details|solution|`."""

from dataclasses import dataclass, field

KEPT = r"^(warning|suggestion)\[\]=|^(hardening_index|lynis_tests_done|finish)="
"""What the agent keeps of it: a report also holds lists of all packages, ports and files."""
MOST = 5000


@dataclass
class Finding:
    """What a test of Lynis found."""

    test: str
    message: str
    details: str
    solution: str

    def sentence(self) -> str:
        """For people."""
        details = f" ({self.details})" if self.details else ""
        return f"{self.test}: {self.message}{details}"

    def fields(self) -> dict[str, str]:
        """For programs."""
        told = {"test": self.test, "message": self.message}
        if self.details:
            told["details"] = self.details
        if self.solution:
            told["solution"] = self.solution
        return told


@dataclass
class Read:
    """What a report says."""

    warnings: list[Finding] = field(default_factory=list)
    suggestions: list[Finding] = field(default_factory=list)
    index: int | None = None
    tests: int | None = None
    finished: bool = False
    odd: int = 0

    def summary(self, left_out: int) -> str:
        """One sentence or two."""
        index = "No hardening index" if self.index is None else f"Hardening index {self.index}"
        parts = [count(len(self.warnings), "warning"), count(len(self.suggestions), "suggestion")]
        if self.tests is not None:
            parts.append(count(self.tests, "test"))
        text = f"{index}: {', '.join(parts)}."
        if self.odd:
            text += f" {count(self.odd, 'line')} of the report could not be understood."
        if left_out:
            text += f" {left_out} more lines were left out."
        return text


def read(lines: list[str]) -> Read:
    """Reads the lines that were kept."""
    found = Read()
    for line in lines:
        name, _, value = line.partition("=")
        match name:
            case "warning[]" | "suggestion[]":
                finding = _finding(value)
                if finding is None:
                    found.odd += 1
                else:
                    (found.warnings if name == "warning[]" else found.suggestions).append(finding)
            case "hardening_index" if value.isascii() and value.isdigit() and len(value) < 4:
                found.index = int(value)
            case "lynis_tests_done" if value.isascii() and value.isdigit() and len(value) < 10:
                found.tests = int(value)
            case "finish":
                found.finished = value == "true"
            case _:
                found.odd += 1
    return found


def _finding(value: str) -> Finding | None:
    parts = value.split("|")
    if len(parts) < 2 or not parts[0]:
        return None
    test, message, details, solution = (parts + ["", ""])[:4]
    return Finding(test, message, _given(details), _given(solution).removeprefix("text:").removeprefix("url:"))


def _given(text: str) -> str:
    return "" if text == "-" else text


def count(number: int, thing: str) -> str:
    """A number of things.

    >>> count(1, "test"), count(0, "test")
    ('1 test', '0 tests')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"
