"""Texts as the contract wants them: bounded in bytes, and nothing in them that a terminal obeys."""

import re

_LONGEST = 1000
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def cut(text: str, most: int) -> str:
    """The start of a text, at most so many bytes of UTF-8, without cutting a character in two."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most:
        return text
    return raw[:most].decode("utf-8", "ignore")


def sentence(text: str) -> str:
    """A text of the contract's length, without characters that could fake a line or a colour."""
    return plain(text, _LONGEST)


def plain(text: str, most: int) -> str:
    """A text of at most so many bytes, without characters that could fake a line or a colour."""
    shown = whole(_CONTROL.sub("\ufffd", text))
    if len(shown.encode("utf-8")) <= most:
        return shown
    return cut(shown, most - 3) + "…"


def whole(text: str) -> str:
    """A text that can leave the component: half a pair of UTF-16 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def has_control_character(text: str) -> bool:
    """Whether a text holds a line break or another control character."""
    return _CONTROL.search(text) is not None
