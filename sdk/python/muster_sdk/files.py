"""A folder of the application on the server; see `wit/files.wit`. A plug-in that imports this module gets the import in its world.

Natively each function raises `NotImplementedError`: let a test put its own in the place.
"""

from typing import TYPE_CHECKING

import muster_sdk.contract  # noqa: F401  It finds the bindings.

if TYPE_CHECKING:
    from muster_sdk.bindings.wit_world.imports.files import *
else:
    from wit_world.imports.files import *
