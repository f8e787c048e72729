"""From a module to a component: choose the world, componentize.

The component imports no WASI: what would be imported is replaced by stubs that trap, and the seed of
random numbers is the one of the build, so that the same input gets the same answer.
"""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from muster_sdk.plugin import Plugin

# What a plug-in may import beyond `log`, if it does.
_IMPORTS = ("data", "files", "clock", "random")


class BuildError(Exception):
    """Why there is no component, in a sentence with what to do."""


def module_of(folder: Path) -> str:
    """The module that `pyproject.toml` names: `module` of `[tool.muster]`."""
    file = folder / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text())
        return str(project["tool"]["muster"]["module"])
    except (OSError, tomllib.TOMLDecodeError) as cause:
        raise BuildError(f"{file} cannot be read: {cause}; name the module") from cause
    except (KeyError, TypeError) as cause:
        raise BuildError(f"{file} has no `module` in [tool.muster]; write it there, or name the module") from cause


def build(module: str, output: Path, folder: Path) -> str:
    """Makes a component of `module` in `folder`; gives back the world that it is built for."""
    plugin = _plugin(module, folder)
    world = _world(plugin)
    used = [name for name in _IMPORTS if f"wit_world.imports.{name}" in sys.modules]
    with tempfile.TemporaryDirectory(prefix="muster-sdk-") as name:
        work = Path(name)
        _write_world(work, world, used)
        (work / "muster_component.py").write_text(
            f"from {module} import plugin\n"
            "from muster_sdk.guest import exports\n\n"
            "Describe, Validate, Translate, Interpret, Migrate = exports(plugin)\n"
        )
        made = work / "component.wasm"
        _componentize(work, folder, made)
        # Whoever reads it meanwhile sees the old one or the new one, whole.
        new = output.with_name(output.name + ".new")
        shutil.copyfile(made, new)
        os.replace(new, output)
    return world


def _plugin(module: str, folder: Path) -> Plugin:
    sys.path.insert(0, str(folder))
    try:
        plugin = getattr(importlib.import_module(module), "plugin", None)
    except ModuleNotFoundError as cause:
        raise BuildError(f"{module} cannot be imported in {folder}: {cause}") from cause
    if not isinstance(plugin, Plugin):
        raise BuildError(f"{module} has no `plugin`; write `plugin = Plugin(…)` in it")
    return plugin


def _world(plugin: Plugin) -> str:
    match plugin.has("interpret"), plugin.has("migrate"):
        case True, True:
            return "full-management-plugin"
        case True, False:
            return "management-plugin-with-interpret"
        case False, True:
            return "management-plugin-with-migrate"
        case _:
            return "management-plugin"


def _write_world(work: Path, world: str, used: list[str]) -> None:
    contract = work / "wit" / "deps" / "muster-plugin"
    contract.mkdir(parents=True)
    for file in (Path(__file__).parent / "wit").glob("*.wit"):
        shutil.copyfile(file, contract / file.name)
    lines = "".join(f"  import muster:plugin/{name}@1.0.0;\n" for name in used)
    (work / "wit" / "world.wit").write_text(
        f"package muster:built;\n\nworld plugin {{\n  include muster:plugin/{world}@1.0.0;\n{lines}}}\n"
    )


def _componentize(work: Path, folder: Path, output: Path) -> None:
    program = Path(sys.executable).with_name("componentize-py")
    found = str(program) if program.is_file() else shutil.which("componentize-py")
    if found is None:
        raise BuildError(
            "componentize-py is not installed for this Python; run `python3 -m pip install -r requirements.txt`"
        )
    # Beside the SDK lies whatever else is installed; none of that is for a component.
    shutil.copytree(
        Path(__file__).parent, work / "muster_sdk", ignore=shutil.ignore_patterns("__pycache__", "wit")
    )
    command = [found, "--wit-path", str(work / "wit"), "--world", "plugin", "--quiet", "componentize"]
    command += ["muster_component", "--stub-wasi", "--output", str(output)]
    for path in (str(work), str(folder)):
        command += ["--python-path", path]
    # It would add the packages of a virtual environment, of which a plug-in needs none.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        # After the exception of Python comes one of Rust, which says the same once more.
        said, *_ = (done.stderr or done.stdout).partition("\n\nCaused by:")
        raise BuildError(f"componentize-py failed:\n{said.strip()}")
