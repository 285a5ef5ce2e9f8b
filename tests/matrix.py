"""Run the tests on every generation of pandas and of ipykernel that is supported.

    python tests/matrix.py                        # everything
    python tests/matrix.py pandas-2.2 pandas-3    # only these
    python tests/matrix.py pandas-2.2 -- tests/frames -x
    python tests/matrix.py --list

Each environment is a virtual environment in a temporary folder outside the tree, removed at the end
(``--keep FOLDER`` keeps them, and a second run finds them there).  Not part of the gate: it takes minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ("tests/notebooks",)
SUITE = ("tests",)


@dataclass(frozen=True)
class Environment:
    """Packages that differ from what pip would choose, and the tests to run with them."""

    name: str
    packages: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def shows(self) -> tuple[str, ...]:
        """The packages whose versions the table names."""
        return tuple(dict.fromkeys(_plain_name(package) for package in self.packages))


def _plain_name(requirement: str) -> str:
    return requirement.replace("<", "=").replace(">", "=").replace("!", "=").split("=")[0]


ARROW = ("pyarrow", "adbc-driver-sqlite")
ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("pandas-2.2", ("pandas==2.2.3",), SUITE),
        Environment("pandas-2.2-arrow", ("pandas==2.2.3", *ARROW), SUITE),
        Environment("pandas-2.3", ("pandas==2.3.*",), SUITE),
        Environment("pandas-3", ("pandas>=3",), SUITE),
        Environment("pandas-3-arrow", ("pandas>=3", *ARROW), SUITE),
        Environment("ipykernel-6.31", ("ipykernel==6.31.*",), KERNELS),
        Environment("ipykernel-7", ("ipykernel>=7",), KERNELS),
        Environment("ipykernel-7-nest-asyncio2", ("ipykernel>=7", "nest-asyncio2>=1.7.3"), KERNELS),
    )
}


def main() -> int:
    """Make the environments, run the tests in each, print a table."""
    options = _options()
    if options.list:
        print(*ENVIRONMENTS, sep="\n")
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="matrix-") as temporary:
        folder = options.keep or Path(temporary)
        for name in options.names or ENVIRONMENTS:
            print(f"== {name}", flush=True)
            rows.append(_run(ENVIRONMENTS[name], folder / name, options.pytest))
    width = max(len(row[1]) for row in rows)
    print()
    for name, versions, result, seconds in rows:
        print(f"{name:<28}{versions:<{width + 2}}{result:<28}{seconds:>6.0f} s")
    return 0 if all(row[2].startswith("passed") for row in rows) else 1


def _options() -> argparse.Namespace:
    arguments, pytest = sys.argv[1:], []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, pytest = arguments[:cut], arguments[cut + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help="environments to run (--list shows them)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the environments in this folder")
    parser.add_argument("--list", action="store_true", help="name the environments")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(ENVIRONMENTS):
        parser.error(f"no environment is named {', '.join(sorted(unknown))}; --list shows them")
    options.pytest = pytest
    return options


def _run(environment: Environment, folder: Path, arguments: list[str]) -> tuple[str, str, str, float]:
    started = time.perf_counter()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--editable", f"{ROOT}[test]", *environment.packages]).returncode:
        return environment.name, "", "not installed", time.perf_counter() - started
    tests = arguments or [*environment.tests, "-q", "-n", "auto", "--dist", "loadfile"]
    code = subprocess.run([python, "-m", "pytest", *tests], cwd=ROOT).returncode
    result = {0: "passed", 5: "passed (no tests)"}.get(code, f"FAILED (pytest says {code})")
    return environment.name, _versions(python, environment.shows), result, time.perf_counter() - started


def _versions(python: Path, packages: tuple[str, ...]) -> str:
    script = (
        "import sys; from importlib.metadata import version; "
        "print(*(f'{name} {version(name)}' for name in sys.argv[1:]), sep=', ')"
    )
    return subprocess.run([python, "-c", script, *packages], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
