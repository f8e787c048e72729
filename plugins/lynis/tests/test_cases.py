"""The cases in `cases/`, the examples of the description, and what is said in two places."""

import tomllib
import unittest
from pathlib import Path

from muster_lynis import plugin
from muster_sdk.cases import cases

HOME = Path(__file__).parent.parent


class Cases(cases(plugin, HOME / "cases")):  # type: ignore[misc]
    pass


class Manifest(unittest.TestCase):
    def test_says_what_the_plugin_says(self) -> None:
        manifest = tomllib.loads((HOME / "pyproject.toml").read_text())
        self.assertEqual(manifest["project"]["version"], plugin.version)
        self.assertEqual(manifest["tool"]["muster"]["application"], plugin.application)
