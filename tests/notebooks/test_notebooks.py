"""Every notebook runs from a clean kernel, and is stored as it was written: without outputs."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.timeout(180)


@pytest.mark.kernel
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_a_clean_kernel(
    path: Path, socket_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_client.manager import AsyncKernelManager

    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(socket_folder / "s"))
    client = NotebookClient(notebook, km=manager, timeout=120, resources={"metadata": {"path": str(path.parent)}})
    client.execute(cleanup_kc=True)  # a manager of ours is not ended otherwise
    gc.collect()  # sockets that were left open shall be this test's fault, not the next one's
    noise = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    assert noise == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert len(cells) <= 25
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_there_is_a_notebook_to_run() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]
