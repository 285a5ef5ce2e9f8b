"""Nested asyncio is enabled where that is safe, refused with a remedy where it is not, never by itself."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import asyncio, sys
import imsg_sdk.notebook.nested as nested
from imsg_sdk.errors import UsageError
from imsg_sdk.notebook import enable_nested_asyncio

def pretend(**versions):
    nested._installed = lambda name: versions.get(name.replace("-", "_"), ())

def refusal():
    try:
        enable_nested_asyncio()
    except UsageError as error:
        return str(error)
    raise SystemExit("was not refused")

async def inner():
    return 42

async def outer():
    return asyncio.run(inner())
"""


def run(code: str) -> None:
    """Run a snippet in an interpreter of its own, since patching asyncio cannot be undone."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


needs_new = pytest.mark.skipif(not has("nest_asyncio2"), reason="nest-asyncio2 is not installed")
needs_old = pytest.mark.skipif(sys.version_info >= (3, 14), reason="nest-asyncio 1.6 fails on Python 3.14")


def test_importing_the_package_patches_nothing() -> None:
    run("""
    import imsg_sdk
    assert not hasattr(asyncio, "_nest_patched")
    assert "nest_asyncio" not in sys.modules and "nest_asyncio2" not in sys.modules
    """)


@needs_new
def test_a_good_nest_asyncio2_is_preferred_and_calling_twice_is_harmless() -> None:
    run("""
    pretend(nest_asyncio2=(1, 7, 4), nest_asyncio=(1, 6, 0))
    assert enable_nested_asyncio() == "nest_asyncio2"
    assert enable_nested_asyncio() == "nest_asyncio2"
    assert "nest_asyncio" not in sys.modules
    assert asyncio.run(outer()) == 42
    """)


@needs_old
def test_nest_asyncio_is_used_where_no_kernel_can_lose_cells() -> None:
    run("""
    pretend(nest_asyncio=(1, 6, 0), ipykernel=(7, 4, 0))
    assert enable_nested_asyncio() == "nest_asyncio"
    assert enable_nested_asyncio() == "nest_asyncio"
    assert asyncio.run(outer()) == 42
    """)


@needs_old
def test_an_old_nest_asyncio2_does_not_count() -> None:
    run("""
    pretend(nest_asyncio2=(1, 7, 2), nest_asyncio=(1, 6, 0))
    assert enable_nested_asyncio() == "nest_asyncio"
    """)


def test_a_kernel_that_would_lose_cells_is_refused_with_the_remedy() -> None:
    run("""
    pretend(nest_asyncio=(1, 6, 0), ipykernel=(7, 1, 0))
    sys.modules["ipykernel"] = sys
    text = refusal()
    assert "queued" in text and "pip install 'nest-asyncio2>=1.7.3'" in text
    assert not hasattr(asyncio, "_nest_patched")
    """)


@needs_old
def test_an_older_kernel_is_not_refused() -> None:
    run("""
    pretend(nest_asyncio=(1, 6, 0), ipykernel=(6, 31, 0))
    sys.modules["ipykernel"] = sys
    assert enable_nested_asyncio() == "nest_asyncio"
    """)


@needs_old
def test_a_process_that_is_patched_the_harmful_way_already_is_told_so() -> None:
    run("""
    import nest_asyncio
    nest_asyncio.apply()
    pretend(nest_asyncio2=(1, 7, 4), nest_asyncio=(1, 6, 0), ipykernel=(7, 4, 0))
    sys.modules["ipykernel"] = sys
    text = refusal()
    assert "already been applied" in text and "restart the kernel" in text
    """)


def test_a_new_python_refuses_the_old_module() -> None:
    run("""
    pretend(nest_asyncio=(1, 6, 0))
    nested._PYTHON_BREAKS = sys.version_info[:2]
    assert "fails on Python" in refusal()
    """)


def test_nothing_installed_is_named() -> None:
    run("""
    pretend()
    nested._PYTHON_BREAKS = (99, 0)
    assert "installed" in refusal()
    """)


def test_a_loop_that_cannot_be_nested_is_refused_before_anything_is_patched() -> None:
    run("""
    class Foreign(asyncio.AbstractEventLoop):
        pass

    asyncio._set_running_loop(Foreign())
    text = refusal()
    asyncio._set_running_loop(None)
    assert "Foreign" in text and "AsyncIMessageClient" in text
    assert not hasattr(asyncio, "_nest_patched")
    """)
