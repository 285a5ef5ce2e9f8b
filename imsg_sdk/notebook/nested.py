"""Nested event loops, for people whose own code calls ``asyncio.run()`` in a notebook cell.

Nothing of this package needs it, and nothing of it calls it: the client works in a cell, inside a running
loop and beside a patched one alike.  This is the only place that patches asyncio, and only when asked.
"""

from __future__ import annotations

import asyncio
import re
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from imsg_sdk.errors import UsageError

__all__ = ["enable_nested_asyncio"]

_KEEPS_CELLS = (1, 7, 3)
"""First nest-asyncio2 under which a nested run leaves the kernel's queue of cells alone."""
_KERNEL_LOSES_CELLS = (7, 1)
"""From this ipykernel on, a nested run under nest-asyncio 1.6 drops cells that wait."""
_PYTHON_BREAKS = (3, 14)
"""From this Python on, nest-asyncio 1.6 fails outright."""

_REMEDY = "Run  pip install 'nest-asyncio2>=1.7.3',  restart the kernel and call this first."


def enable_nested_asyncio() -> str:
    """Allow ``asyncio.run()`` and ``run_until_complete()`` inside a running event loop.

    For third-party code in a notebook; calls of this package never need it.  Calling it again changes
    nothing.  ``nest-asyncio2`` is used where a good version is installed, ``nest-asyncio`` only where it is
    known to be harmless.

    Returns
    -------
    str
        The module that patched asyncio: ``"nest_asyncio2"`` or ``"nest_asyncio"``.

    Raises
    ------
    UsageError
        Nothing installed can do it here without harm; the text says why and what to install.

    Examples
    --------
    >>> from imsg_sdk.notebook import enable_nested_asyncio
    >>> enable_nested_asyncio() in ("nest_asyncio2", "nest_asyncio")
    True
    """
    _refuse_foreign_loop()
    patched_by = _patched_by()
    if patched_by != "nest_asyncio" and _installed("nest-asyncio2") >= _KEEPS_CELLS:
        return _apply("nest_asyncio2")
    if danger := _danger():
        already = " and it has already been applied in this process" if patched_by == "nest_asyncio" else ""
        raise UsageError(f"nest-asyncio {danger}{already}.", hint=_REMEDY)
    if _installed("nest-asyncio") == ():
        raise UsageError("Neither nest-asyncio2 nor nest-asyncio is installed.", hint=_REMEDY)
    return _apply("nest_asyncio")


def _apply(module: str) -> str:
    import_module(module).apply()
    return module


def _refuse_foreign_loop() -> None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if not isinstance(loop, asyncio.BaseEventLoop):
        raise UsageError(
            f"The running event loop, {type(loop).__module__}.{type(loop).__name__}, cannot be nested.",
            hint="Await the coroutine instead, or use AsyncIMessageClient.",
        )


def _patched_by() -> str | None:
    if not hasattr(asyncio, "_nest_patched"):
        return None
    return "nest_asyncio2" if hasattr(asyncio, "_nest_asyncio2") else "nest_asyncio"


def _danger() -> str | None:
    """Say what nest-asyncio 1.6 would break here, or None."""
    if sys.version_info[:2] >= _PYTHON_BREAKS:
        return f"fails on Python {sys.version_info[0]}.{sys.version_info[1]}"
    if "ipykernel" in sys.modules and _installed("ipykernel") >= _KERNEL_LOSES_CELLS:
        return "makes this kernel lose cells that are queued (ipykernel 7.1 and later)"
    return None


def _installed(distribution: str) -> tuple[int, ...]:
    """Return the version as numbers, ``()`` if it is not installed."""
    try:
        text = version(distribution)
    except PackageNotFoundError:
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
