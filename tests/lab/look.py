"""Run a notebook in a real JupyterLab and take pictures: ``python tests/lab/look.py NOTEBOOK [FOLDER]``.

Needs ``pip install '.[lab]' playwright`` and a Chromium (``CHROMIUM``, else the one on PATH).  Not a part
of the gate.  "Run All Cells" is pressed as a person would; the exit code is 1 if a cell failed or never ran.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

START_S = 60
RUN_MS = 120_000
IDLE = "() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.innerText || '')"
PROMPTS = "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.innerText.trim())"
ALL_RAN = (
    "() => { const all = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.innerText.trim());"
    " return all.length > 0 && !all.some(t => /\\*/.test(t)) && all.some(t => /\\d/.test(t)); }"
)
BEGUN = "() => [...document.querySelectorAll('.jp-InputPrompt')].some(e => /[*\\d]/.test(e.innerText))"
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    # Cells off the screen are otherwise not in the page at all.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


class Lab:
    """A JupyterLab of its own: own settings, own home, own port."""

    def __init__(self, root: Path) -> None:
        settings = root / "app" / "settings"
        settings.mkdir(parents=True)
        (settings / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        home = root / "home"
        home.mkdir()
        names = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        environment = {**os.environ, **dict.fromkeys(names, str(home))}
        argv = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
        argv += ["--IdentityProvider.token=look", f"--ServerApp.root_dir={root / 'work'}"]
        argv += [f"--LabApp.app_settings_dir={settings}"]
        self.process = subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True)
        self.address = ""
        self._up = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        if not self._up.wait(START_S):
            raise SystemExit("JupyterLab did not start")

    def _listen(self) -> None:
        for line in self.process.stderr or ():
            if not self.address and (found := re.search(r"http://127\.0\.0\.1:\d+", line)):
                self.address = found[0]
                self._up.set()

    def close(self) -> None:
        """End the server and its kernels."""
        self.process.terminate()
        self.process.wait(20)


def look(page: Any, address: str, name: str, pictures: Path) -> bool:
    """Open a notebook, run it, take a picture of the whole, and say whether every cell ran well."""
    page.goto(f"{address}/lab/workspaces/look/tree/{name}?token=look&reset", wait_until="domcontentloaded")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', state="attached", timeout=RUN_MS)
    page.wait_for_function(IDLE, timeout=RUN_MS)  # a click before that is swallowed
    page.click('.lm-MenuBar-itemLabel:text-is("Run")')
    page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
    page.wait_for_function(BEGUN, timeout=RUN_MS)
    page.wait_for_function(ALL_RAN, timeout=RUN_MS)
    prompts = page.evaluate(PROMPTS)
    errors = page.evaluate("() => [...document.querySelectorAll('[data-mime-type*=\"error\"]')].map(e => e.innerText)")
    height = page.evaluate("() => [...document.querySelectorAll('.jp-Cell')].reduce((a, e) => a + e.offsetHeight, 400)")
    page.set_viewport_size({"width": 1280, "height": min(int(height), 12_000)})
    page.wait_for_function(IDLE, timeout=RUN_MS)
    page.evaluate("() => document.querySelectorAll('.jp-WindowedPanel-outer').forEach(e => { e.scrollTop = 0; })")
    page.screenshot(path=str(pictures / f"{Path(name).stem}.png"))
    print(f"{name}: prompts {prompts}")
    for error in errors:
        print(error)
    return not errors and all(re.search(r"\d", prompt) for prompt in prompts)


def main(notebook: str, pictures: str = ".") -> int:
    from playwright.sync_api import sync_playwright

    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory(prefix="look-") as temporary:
        root = Path(temporary)
        (root / "work").mkdir()
        shutil.copyfile(notebook, root / "work" / Path(notebook).name)
        lab = Lab(root)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=browser_path, headless=True, args=QUIET)
                page = browser.new_page(viewport={"width": 1280, "height": 1400})
                fine = look(page, lab.address, Path(notebook).name, Path(pictures))
                browser.close()
        finally:
            lab.close()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
