"""What the SDK promises of texts, places and failures, in Python; and the examples in its words."""

import doctest
import importlib
import pkgutil
import tomllib
import unittest
from pathlib import Path
from typing import Any

import muster_sdk
from muster_sdk import Findings, Outcome, Plugin, Profile, Settings, Step, TaskType, Unsupported
from muster_sdk.cases import written
from muster_sdk.contract import Err, Ok, types
from muster_sdk.guest import exports
from muster_sdk.outcome import bounded

HOME = Path(__file__).parent.parent
LINUX = Profile("linux", "x86_64", None, [], 1)


class Task(TaskType):
    id = "task"
    title = "T"
    summary = "T."
    settings = {"type": "object"}
    examples = (("None", {}),)
    time_limit = 1

    def translate(self, settings: Settings, profile: Profile) -> Step:
        if profile.platform != "linux":
            raise Unsupported("No.")
        return muster_sdk.run("x", 1)


def functions(task_type: TaskType) -> Any:
    return exports(Plugin("org.example.test", "Test", "Test", "1.0.0", "*", [task_type]))


class Sdk(unittest.TestCase):
    def refused(self, task_type: str, settings: str, task: TaskType | None = None) -> types.Failure:
        with self.assertRaises(Err) as refused:
            functions(task or Task()).Validate().validate(task_type, settings)
        failure: types.Failure = refused.exception.value
        return failure

    def test_texts_keep_to_the_contract(self) -> None:
        long = muster_sdk.failed("ä" * 1000).summary
        self.assertTrue(len(long.encode()) <= 1000 and long.endswith("ä…"))
        self.assertEqual(muster_sdk.sentence("a\x1b[31m\nb\ud800c"), "a\ufffd[31m\ufffdb?c")
        self.assertEqual(muster_sdk.cut("ää", 3), "ä")

    def test_what_quotes_a_long_setting_is_cut(self) -> None:
        findings, long = Findings(), "ä" * 5000
        findings.error(["a"], "a-long", f"{long} is long.\n\ud800", a=long + "\ud800")
        [found] = findings.all
        self.assertTrue(len(found.text.encode()) <= 4000 and found.text.endswith("ä…"))
        self.assertLessEqual(len(found.params[0][1].encode()), 4000)
        findings.error(["a"], "a-odd", "\x01\ud800")
        self.assertEqual(findings.all[1].text, "\ufffd?")

    def test_no_more_than_a_server_takes_are_answered_and_errors_come_first(self) -> None:
        findings = Findings()
        for number in range(1200):
            findings.notice([number], "odd", "It is odd.")
        findings.error(["last"], "wrong", "It is wrong.")
        kept = findings.bounded().all
        self.assertEqual([len(kept), kept[0].pointer, kept[1].pointer], [1000, "/last", "/0"])
        self.assertEqual(kept[-1].text, "202 more findings are left out.")

    def test_a_whole_number_with_a_fraction_of_zero_is_an_integer(self) -> None:
        class Runs(Task):
            def translate(self, settings: Settings, profile: Profile) -> Step:
                return muster_sdk.run("x", settings["a"], settings["b"])

        [answer] = functions(Runs()).Translate().translate("task", '{"a":4.0,"b":4.5}', [LINUX])
        self.assertEqual(written(answer.value)["steps"][0]["arguments"], [{"literal": "4"}, {"literal": "4.5"}])

    def test_an_answer_keeps_its_bounds_however_much_was_found(self) -> None:
        one = muster_sdk.event("x", "y" * 900, {"file": "z" * 4000})
        outcome = bounded(muster_sdk.warning("Found.").with_events([one] * 9000), 2)
        self.assertLess(len(outcome.events), 400)
        self.assertTrue(outcome.summary.endswith("of 9000 events are told.)"))

    def test_settings_that_are_no_object_and_unknown_task_types_are_refused_and_do_not_trap(self) -> None:
        for text in ["", "[]", "null", "{", '"x"', "[" * 100_000]:
            failure = self.refused("task", text)
            self.assertIsInstance(failure, types.Failure_Invalid, text[:9])
            [answer] = functions(Task()).Translate().translate("task", text, [LINUX])
            self.assertEqual(written(answer.value), written(failure))
        self.assertEqual(self.refused("none", "{}"), types.Failure_UnknownTaskType())
        [answer] = functions(Task()).Translate().translate("none", "{}", [LINUX])
        self.assertEqual(written(answer.value), "unknown-task-type")

    def test_an_exception_becomes_an_answer_with_its_text(self) -> None:
        class Odd(Task):
            def validate(self, settings: Settings, findings: Findings) -> None:
                raise TypeError("odd")

        failure = self.refused("task", "{}", Odd())
        self.assertEqual(failure, types.Failure_Internal("The plug-in failed: TypeError('odd')"))

    def test_a_profile_that_is_not_supported_spoils_no_other(self) -> None:
        mac = Profile("macos", "aarch64", None, [], 1)
        answers = functions(Task()).Translate().translate("task", "{}", [mac, LINUX])
        self.assertIsInstance(answers[0], Err)
        self.assertEqual(written(answers[0].value), {"unsupported": "No."})
        self.assertIsInstance(answers[1], Ok)
        self.assertEqual(written(answers[1].value)["steps"][0]["arguments"], [{"literal": "1"}])

    def test_a_function_counts_if_a_task_type_has_its_own(self) -> None:
        class Interprets(Task):
            def interpret(self, settings: Settings, report: muster_sdk.Report) -> Outcome:
                return muster_sdk.succeeded("Done.")

        self.assertEqual((Task().has("interpret"), Interprets().has("interpret")), (False, True))

    def test_the_project_pins_what_the_requirements_pin(self) -> None:
        project = tomllib.loads((HOME / "pyproject.toml").read_text())
        lines = (HOME / "requirements.txt").read_text().splitlines()
        pinned = [line for line in lines if line and not line.startswith("#")]
        self.assertEqual(project["project"]["dependencies"], pinned)


def load_tests(_loader: unittest.TestLoader, tests: unittest.TestSuite, _pattern: str | None) -> unittest.TestSuite:
    for module in pkgutil.iter_modules(muster_sdk.__path__, "muster_sdk."):
        if module.name not in ("muster_sdk.__main__", "muster_sdk.bindings"):
            tests.addTests(doctest.DocTestSuite(importlib.import_module(module.name)))
    return tests
