"""The dashboard: one handle, ten times a second at most, nothing left behind; text elsewhere."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from imsg_sdk.errors import UsageError

WAIT_S = 5.0


class ZMQInteractiveShell:
    execution_count = 1


class Handle:
    def __init__(self, first: Any) -> None:
        self.drawn = [first]
        self.times = [time.monotonic()]
        self.shown = 1

    def update(self, panel: Any) -> None:
        self.drawn.append(panel)
        self.times.append(time.monotonic())

    def display(self, panel: Any) -> None:
        self.shown += 1


class Notebook:
    """A notebook without a kernel: what was displayed, and where."""

    def __init__(self) -> None:
        self.shell = ZMQInteractiveShell()
        self.handles: list[Handle] = []

    def display(self, panel: Any, *, display_id: bool) -> Handle:
        assert display_id
        self.handles.append(Handle(panel))
        return self.handles[-1]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    made = Notebook()
    ipython, functions = ModuleType("IPython"), ModuleType("IPython.core.display_functions")
    ipython.get_ipython = lambda: made.shell  # type: ignore[attr-defined]
    functions.display = made.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.core.display_functions", functions)
    yield made
    until(lambda: not drawing())


def drawing() -> bool:
    return any(thread.name == "imsg-dashboard" for thread in threading.enumerate())


def until(holds: Any) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        gc.collect()
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.005)


def test_a_notebook_shows_one_panel_that_keeps_up(notebook: Notebook, program: Any, make_gateway: Any) -> None:
    with make_gateway(handler=lambda context: "private answer") as gateway:
        dashboard = gateway.dashboard(interval_s=0.001)
        [handle] = notebook.handles
        for _ in range(5):
            gateway.drain(through=program.receive("private words"))
        until(lambda: handle.drawn[-1].status.handled == 5)
        assert [later - earlier >= 0.09 for earlier, later in zip(handle.times, handle.times[1:], strict=False)]
        text = handle.drawn[-1]._repr_html_() + repr(handle.drawn[-1])
        assert "running" in text
        assert "chat 7" in text
        assert "private" not in text
        assert "15550001" not in text
        dashboard._ipython_display_()
        assert handle.shown == 1
        notebook.shell.execution_count = 2
        dashboard._ipython_display_()
        assert handle.shown == 2
        dashboard.close()


def test_running_the_cell_again_leaves_nothing_behind(notebook: Notebook, program: Any, make_gateway: Any) -> None:
    with make_gateway() as gateway:
        first = gateway.dashboard(interval_s=0.1)
        second = gateway.dashboard(interval_s=0.1)
        assert not first.is_live
        assert second.is_live
        until(lambda: sum(thread.name == "imsg-dashboard" for thread in threading.enumerate()) == 1)
        drawn = len(notebook.handles[0].drawn)
        gateway.drain(through=program.receive())
        until(lambda: len(notebook.handles[1].drawn) > 1)
        assert len(notebook.handles[0].drawn) == drawn
        second.close()


def test_it_ends_with_its_gateway(notebook: Notebook, program: Any, tmp_path: Any) -> None:
    from imsg_sdk.gateway import Gateway

    gateway = Gateway({}, client=program, state_dir=tmp_path / "state")
    gateway.dashboard(interval_s=0.1)
    gateway.start()
    until(lambda: notebook.handles[0].drawn[-1].status.state == "running")
    del gateway
    until(lambda: not drawing())
    assert notebook.handles[0].drawn[-1].status.state == "stopped"


def test_a_stopped_gateway_is_shown_as_such(notebook: Notebook, make_gateway: Any) -> None:
    gateway = make_gateway()
    dashboard = gateway.dashboard(interval_s=0.1)
    assert notebook.handles[0].drawn[0].status.state == "stopped"
    gateway.start()
    until(lambda: notebook.handles[0].drawn[-1].status.state == "running")
    gateway.stop()
    assert notebook.handles[0].drawn[-1].status.state == "stopped"
    dashboard.close()


def test_elsewhere_it_is_text(program: Any, make_gateway: Any, capsys: Any) -> None:
    with make_gateway(handler=lambda context: "ok") as gateway:
        dashboard = gateway.dashboard()
        gateway.drain(through=program.receive())
        assert not dashboard.is_live
        assert "1 received, 1 dispatched" in repr(dashboard)
        assert "chat 7  reply observed" in repr(dashboard)
        assert capsys.readouterr().out == ""
        dashboard._ipython_display_()
        assert "1 received" in capsys.readouterr().out


def test_wrong_intervals_are_refused(make_gateway: Any) -> None:
    with pytest.raises(UsageError):
        make_gateway().dashboard(interval_s=0)


def test_a_panel_escapes_what_it_shows(make_gateway: Any) -> None:
    config = {"imessage": {"accounts": {"x": {}}}, "messages": {"groupChat": {"mentionPatterns": ["ok", "(<b>"]}}}
    gateway = make_gateway(config)
    assert "<b>" in str(gateway.status())
    assert "(&lt;b&gt;" in gateway.status()._repr_html_()
