"""The cases in `cases/`, in Python. `muster plugin test` runs the same ones in the engine of servers."""

import unittest
from pathlib import Path

from muster_sdk import Findings
from muster_sdk.cases import cases
from plugin import FindFiles, plugin


class Cases(cases(plugin, Path(__file__).parent.parent / "cases")):  # type: ignore[misc]
    pass


class Validate(unittest.TestCase):
    def test_a_folder_without_its_whole_path_is_refused(self) -> None:
        findings = Findings()
        FindFiles().validate({"folder": "logs"}, findings)
        found = [(finding.pointer, finding.code) for finding in findings.all]
        self.assertEqual(found, [("/folder", "folder-not-absolute")])
