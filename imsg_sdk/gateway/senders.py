"""The form in which the gateway compares and shows a sender.  Pure."""

from __future__ import annotations

import functools
import re

from imsg_sdk.addressing import normalize_handle

__all__ = ["normal_form"]

_DIGIT = re.compile("[0-9]")
_NOT_DIALLED = re.compile("[^0-9+]")


@functools.lru_cache(maxsize=8192)
def normal_form(sender: str) -> str:
    """Return the form in which two spellings of one sender are equal.

    It is that of :func:`normalize_handle`, except that everything with a digit in it counts as a number here, as in
    the reference: ``tel:+1 555`` and ``+1555;ext`` are ``+1555``.  Only handles without any digit are kept as words.
    """
    handle = normalize_handle(sender)
    if "@" in handle or not _DIGIT.search(handle):
        return handle
    digits = _NOT_DIALLED.sub("", handle)
    return digits if digits.startswith("+") else f"+{digits}"
