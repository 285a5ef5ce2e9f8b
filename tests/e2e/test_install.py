"""The built packages work, not only the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling, which builds the package, is not installed"),
]


def run(*argv: str | Path, cwd: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env=clean, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a wheel and an sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def install(package: Path, folder: Path) -> Path:
    """Install into a fresh environment that borrows nothing from here but the dependencies."""
    venv.create(folder, with_pip=False)
    (python,) = (folder / "bin").glob("python")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--quiet")
    run(*pip, "install", "--no-deps", "--no-index", "--no-build-isolation", package, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    # Behind the environment's own packages, and editable installs of the borrowed folder are not followed.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin"


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(built[0], tmp_path_factory.mktemp("wheel") / "venv")


def test_the_wheel_holds_the_package_and_nothing_else(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[0]).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"imsg_sdk"}
    assert "imsg_sdk/py.typed" in names
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "imsg_sdk").rglob("*.py")}
    assert sources <= set(names)


def test_the_sdist_holds_what_the_tests_need(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/conftest.py", "tests/fixtures/minimal.db"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_wheel_runs_the_demo_through_its_own_child(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import imsg_sdk; print(imsg_sdk.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert run(installed / "imsg-sdk", "demo", cwd=tmp_path).count("\n") > 10


def test_the_wheel_reads_a_database_both_ways(installed: Path, tmp_path: Path) -> None:
    database = ROOT / "tests" / "fixtures" / "minimal.db"
    code = f"""
from pandas.testing import assert_frame_equal
from imsg_sdk import IMessageClient, read_chat_db
with IMessageClient.from_chat_db({str(database)!r}) as client:
    assert_frame_equal(client.messages(limit=None), read_chat_db({str(database)!r}).messages)
print("equal")
"""
    assert run(installed / "python", "-c", code, cwd=tmp_path).strip() == "equal"


def test_the_sdist_builds_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=source)
    (again,) = (tmp_path / "dist").glob("*.whl")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(built[0]).namelist())
