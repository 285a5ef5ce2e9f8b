"""Progress is drawn where a person looks, seldom, and nowhere else."""

from __future__ import annotations

import io
import subprocess
import sys
import types

import pytest

from imsg_sdk.progress import Panel, Progress, find_surface


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Paper:
    """Remembers what was drawn on it."""

    def __init__(self) -> None:
        self.drawn: list[tuple[int, int | None]] = []
        self.finished: list[tuple[int, int | None, bool]] = []

    def draw(self, done: int, total: int | None, seconds: float) -> None:
        self.drawn.append((done, total))

    def finish(self, done: int, total: int | None, seconds: float, *, failed: bool) -> None:
        self.finished.append((done, total, failed))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def paper() -> Paper:
    return Paper()


def test_a_short_call_leaves_no_trace(clock: Clock, paper: Paper) -> None:
    with Progress(total=10, surface=paper, clock=clock) as progress:
        for done in range(10):
            clock.now += 0.04
            progress(done)
    assert paper.drawn == []
    assert paper.finished == []


def test_a_long_call_is_drawn_at_most_ten_times_a_second(clock: Clock, paper: Paper) -> None:
    with Progress(surface=paper, clock=clock) as progress:
        for done in range(3000):
            clock.now += 0.001
            progress(done)
    assert 20 <= len(paper.drawn) <= 27


def test_the_last_state_is_always_shown(clock: Clock, paper: Paper) -> None:
    with Progress(total=7, surface=paper, clock=clock) as progress:
        clock.now += 1
        progress(3)
        progress(7)
    assert paper.drawn == [(3, 7)]
    assert paper.finished == [(7, 7, False)]


def test_a_total_may_become_known_later_and_stays(clock: Clock, paper: Paper) -> None:
    with Progress(surface=paper, clock=clock) as progress:
        for done, total in ((1, None), (2, 9), (3, None)):
            clock.now += 1
            progress(done, total)
    assert paper.drawn == [(1, None), (2, 9), (3, 9)]


def test_an_error_inside_is_shown_as_stopped_and_passes_on(clock: Clock, paper: Paper) -> None:
    def work() -> None:
        with Progress(surface=paper, clock=clock) as progress:
            clock.now += 1
            progress(3)
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        work()
    assert paper.finished == [(3, None, True)]


def test_closing_twice_shows_the_end_once(clock: Clock, paper: Paper) -> None:
    progress = Progress(surface=paper, clock=clock)
    clock.now += 1
    progress(1)
    progress.close()
    progress.close()
    progress(2)
    assert len(paper.finished) == len(paper.drawn) == 1


def test_without_a_terminal_or_notebook_nothing_is_written() -> None:
    code = (
        "import sys\n"
        "from imsg_sdk.progress import Progress, find_surface\n"
        "assert find_surface('rows') is None\n"
        "with Progress(clock=iter(range(1000)).__next__) as progress:\n"
        "    [progress(n) for n in range(100)]\n"
        "assert not {'IPython', 'tqdm', 'pandas', 'asyncio'} & set(sys.modules), 'loaded too much'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_terminal_gets_a_bar_on_stderr_that_goes_away(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(total=40, unit="messages", clock=clock) as progress:
        clock.now += 1
        progress(10)
        clock.now += 1
        progress(20)
    shown = screen.getvalue()
    assert "10/40" in shown
    assert "messages" in shown
    assert "\n" not in shown


def test_a_notebook_gets_one_panel_that_is_updated(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    handle = types.SimpleNamespace(update=shown.append)

    def display(panel: object, *, display_id: bool) -> object:
        assert display_id
        shown.append(panel)
        return handle

    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.core.display_functions", types.SimpleNamespace(display=display))
    assert find_surface("rows") is not None
    with Progress(total=4, clock=clock) as progress:
        for done in (1, 2, 4):
            clock.now += 1
            progress(done)
    states = [repr(panel).split(" ")[0] for panel in shown]
    assert states == ["1", "2", "4", "4"]
    assert repr(shown[-1]).endswith("done")


@pytest.mark.parametrize("total", [None, 0, 5])
def test_a_panel_says_the_same_as_text_and_as_html_and_escapes_it(total: int | None) -> None:
    panel = Panel(3, total, "<b>rows</b>", 1.25, state="stopped")
    assert repr(panel).startswith("3 of" if total is not None else "3 <b>")
    assert "<b>rows" not in panel._repr_html_()
    assert "&lt;b&gt;rows" in panel._repr_html_()
    assert "<script" not in panel._repr_html_()
