"""The command of the SDK: `python -m muster_sdk build`."""

import argparse
import sys
from pathlib import Path

from muster_sdk.build import BuildError, build, module_of


def main() -> int:
    """Reads the command line and does what it says; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m muster_sdk")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("build", help="make a component of a plug-in")
    one.add_argument(
        "module", nargs="?", help="the module with `plugin = Plugin(…)`; that of pyproject.toml if left out"
    )
    one.add_argument("-o", "--output", type=Path, default=Path("plugin.wasm"), help="where the component goes")
    one.add_argument("--folder", type=Path, default=Path("."), help="the folder that the module is in")
    line = parser.parse_args()
    try:
        folder = line.folder.resolve()
        world = build(line.module or module_of(folder), line.output, folder)
    except BuildError as why:
        print(f"muster_sdk: {why}", file=sys.stderr)
        return 1
    print(f"{line.output}: {-(-line.output.stat().st_size // 1024)} KiB, world {world}", file=sys.stderr)
    return 0


sys.exit(main())
