"""Building the steps of a command."""

from typing import Self

from muster_sdk.contract import translate

Meaning = translate.Meaning
Profile = translate.Profile
ProgressRole = translate.ProgressRole

_KEPT = 4096


class Step(translate.Step):
    """One program to run, by the connector's name for it; its fields are those of the contract."""

    def __init__(self, program: str) -> None:
        super().__init__(
            program=program,
            arguments=[],
            environment=[],
            standard_input=None,
            time_limit=None,
            statuses=[],
            progress=None,
            keep=translate.KeptOutput(head=_KEPT, tail=_KEPT, lines=None, most_lines=0),
            more=[],
        )

    def args(self, *texts: str | int) -> Self:
        """More arguments."""
        self.arguments.extend(translate.Value_Literal(str(text)) for text in texts)
        return self

    def env(self, name: str, text: str) -> Self:
        """A variable of its environment."""
        self.environment.append((name, translate.Value_Literal(text)))
        return self

    def env_secret(self, name: str, secret: str) -> Self:
        """A variable of its environment, whose value is a secret in the server's vault."""
        self.environment.append((name, translate.Value_Secret(secret)))
        return self

    def input(self, text: str) -> Self:
        """What is written to its standard input."""
        self.standard_input = translate.Value_Literal(text)
        return self

    def input_secret(self, name: str) -> Self:
        """A secret in the server's vault as its standard input, without a line end."""
        self.standard_input = translate.Value_Secret(name)
        return self

    def within(self, seconds: int) -> Self:
        """Seconds for this step alone."""
        self.time_limit = seconds
        return self

    def status(self, first: int, last: int, meaning: Meaning) -> Self:
        """What the statuses from `first` to `last` mean.

        Once there is one, any status that is not listed means failed, 0 too.
        """
        self.statuses.append(translate.StatusMeaning(first, last, meaning))
        return self

    def progress_by(self, pattern: str, role: ProgressRole) -> Self:
        """How progress shows in its output: a regular expression of the Rust crate `regex`."""
        self.progress = translate.ProgressRule(pattern, role)
        return self

    def keep_ends(self, head: int, tail: int) -> Self:
        """How many bytes of its output are kept from the start and from the end, at most 64 KiB each."""
        self.keep.head, self.keep.tail = head, tail
        return self

    def keep_lines(self, pattern: str, most: int) -> Self:
        """Which lines are kept wherever they stand, and how many at most."""
        self.keep.lines, self.keep.most_lines = pattern, most
        return self


def run(program: str, *args: str | int) -> Step:
    """A program, by the connector's name for it.

    It gets no input, 0 means that it succeeded, and 4 KiB of its output are kept from the start and
    from the end.

    >>> run("scan", "--deep").program
    'scan'
    """
    return Step(program).args(*args)


class Unsupported(Exception):
    """Raised by `translate`: the application cannot do such a task on such a device."""
