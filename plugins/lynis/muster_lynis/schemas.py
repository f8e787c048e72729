"""The schemas of settings and events."""

from typing import Any

GROUPS = frozenset(
    "accounting authentication banners boot_services containers crypto databases dns file_integrity"
    " file_permissions filesystems firewalls hardening homedirs insecure_services kernel kernel_hardening"
    " ldap logging mac_frameworks mail_messaging malware memory_processes nameservices networking php"
    " ports_packages printers_spoolers scheduling shells snmp squid ssh storage storage_nfs"
    " system_integrity time tooling usb virtualization webservers".split()
)
"""What `lynis show groups` of 3.0 says."""

_FILE: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 4096}

AUDIT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "tests": {
            "title": "Tests",
            "description": "Only these tests, by their ids such as SSH-7408. Without tests and groups, all are made.",
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Z]{2,8}-[0-9]{4}$"},
            "maxItems": 500,
            "uniqueItems": True,
            "default": [],
        },
        "groups": {
            "title": "Groups of tests",
            "description": "Only the tests of these groups, such as ssh or kernel.",
            "type": "array",
            "items": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
            "maxItems": 100,
            "uniqueItems": True,
            "default": [],
        },
        "lowest-index": {
            "title": "Lowest hardening index",
            "description": "An audit with a lower index ends as a warning. Without it, any index will do.",
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
        },
        "suggestions": {
            "title": "Tell suggestions",
            "description": "Raise an event for each suggestion too. They are counted in any case.",
            "type": "boolean",
            "default": True,
        },
        "plugins": {
            "title": "Plug-ins of Lynis",
            "description": "Run the plug-ins of Lynis that the device has; they may take minutes.",
            "type": "boolean",
            "default": True,
        },
        "profile": {
            **_FILE,
            "title": "Profile",
            "description": "A profile of Lynis on the device, from / on. It can skip tests, such as PKGS-7392,"
            " which asks the package mirrors.",
        },
        "report-file": {
            **_FILE,
            "title": "Report file",
            "description": "Where Lynis writes its report on the device, from / on. What is there is replaced.",
            "default": "/var/log/lynis-report.dat",
        },
        "log-file": {
            **_FILE,
            "title": "Log file",
            "description": "Where Lynis writes what it does, from / on.",
            "default": "/var/log/lynis.log",
        },
    },
    "additionalProperties": False,
}

FINDING: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("test", "message", "details", "solution")},
    "required": ["test", "message"],
}

INDEX: dict[str, Any] = {
    "type": "object",
    "properties": {"index": {"type": "integer"}, "lowest": {"type": "integer"}},
    "required": ["index", "lowest"],
}
