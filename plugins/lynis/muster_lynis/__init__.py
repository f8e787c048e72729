"""Management plug-in for Lynis: audits a device, and tells what Lynis warns of and suggests."""

from muster_lynis.audit import Audit
from muster_sdk import Plugin

plugin = Plugin(
    application="com.cisofy.lynis",
    name="Lynis",
    vendor="Muster",
    version="0.1.0",
    manages=">=3.0, <4",
    task_types=[Audit()],
)
