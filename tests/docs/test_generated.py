"""What the pages say of columns, settings, errors and commands is what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import imsg_sdk
from imsg_sdk import errors, gateway
from imsg_sdk.chatdb.query import Query

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """Return docs/generate.py."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_up_to_date(generator: ModuleType) -> None:
    stale = [name for name in generator.PARTS if generator.page(name) != (DOCS / name).read_text(encoding="utf-8")]
    assert not stale, "run python docs/generate.py"


def test_every_error_has_a_place_to_link_to() -> None:
    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    assert [name for name in errors.__all__ if f"### {name}\n" not in text] == []


def test_every_key_of_a_query_is_explained() -> None:
    text = (DOCS / "reference" / "wire.md").read_text(encoding="utf-8").partition("| Key of `query`")[2]
    named = [name for cell in re.findall(r"^\| (`.+?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(Query.__struct_fields__)


def test_every_public_name_is_in_the_reference() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    public = [name for name in (*imsg_sdk.__all__, *gateway.__all__) if not name.startswith("_")]
    assert [name for name in public if f"`{name}" not in text] == []


@pytest.mark.parametrize("name", PAGES)
def test_links_between_pages_lead_somewhere(name: str) -> None:
    page = DOCS / name
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_index() -> None:
    seen: set[str] = set()
    queue = [DOCS / "index.md"]
    while queue:
        page = queue.pop()
        seen.add(page.relative_to(DOCS).as_posix())
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            linked = (page.parent / target).resolve()
            if linked.is_relative_to(DOCS) and linked.relative_to(DOCS).as_posix() not in seen:
                queue.append(linked)
    assert sorted(seen) == PAGES
