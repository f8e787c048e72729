"""The contract's types, as componentize-py makes them from the WIT files.

Inside a component they are made for its world. Elsewhere, in tests and editors, and for interfaces
that the component's world lacks, those in `bindings` stand in: the same text, for all interfaces.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muster_sdk.bindings.componentize_py_types import Err, Ok, Result
    from muster_sdk.bindings.wit_world.exports import describe, interpret, translate, validate
    from muster_sdk.bindings.wit_world.imports import log, types
else:
    try:
        import wit_world  # noqa: F401
    except ImportError:
        sys.path.append(str(Path(__file__).parent / "bindings"))

    from componentize_py_types import Err, Ok, Result
    from wit_world.exports import describe, translate, validate
    from wit_world.imports import log, types

    try:
        from wit_world.exports import interpret
    except ImportError:
        from muster_sdk.bindings.wit_world.exports import interpret

__all__ = ["Err", "Ok", "Result", "describe", "interpret", "log", "translate", "types", "validate"]
