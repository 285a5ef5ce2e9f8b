"""An ``imsg`` with the oddities of real ones: our server behind a proxy, ``odd_imsg.py ODDITY=VALUE… -- ARGV…``.

``dies_on_pages``      as 0.14.1 does: a page of ``messages.after`` that holds a message of two chats and is not the
                       last ends the process; with ``limit`` 1 the page before such a message is empty for ever
``never_reports_late`` rows below the highest reported one are not reported, and unlinked rows never are
``rows_a_poll=N``      a subscription reports N rows and then falls quiet, as if its next look were far away
``twice``              every notification comes twice
``garbage``            lines that are no protocol come before every notification
``silent=FILE``        while the file is there, nothing is reported
``hangs=FILE``         while the file is there, no request is answered
``fails=FILE``         the file is taken away, and the text in it ends the subscription
``overflows=FILE``     the file is taken away, and the subscription ends by ``watch.overflow``
``dies=FILE``          the file is taken away, and the process dies in the middle of a line
``log=FILE``           every request is written there, a line each
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


class Proxy:
    """Requests go in, answers and notifications come out, both as the oddities will have it."""

    def __init__(self, oddities: dict[str, str], argv: list[str]) -> None:
        self.odd = oddities
        self.inner = subprocess.Popen(
            [sys.executable, "-m", "imsg_sdk.server", *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.requests: dict[Any, dict[str, Any]] = {}
        self.reported: dict[int, int] = {}
        self.highest: dict[int, int] = {}
        self.ended: set[int] = set()

    def run(self) -> int:
        """Pass everything on until both sides have ended."""
        reader = threading.Thread(target=self.take_output, daemon=True)
        reader.start()
        assert self.inner.stdin is not None
        for line in sys.stdin.buffer:
            request = json.loads(line)
            self.requests[request.get("id")] = request
            if path := self.odd.get("log"):
                with Path(path).open("a", encoding="utf-8") as log:
                    log.write(f"{json.dumps([request['method'], request.get('params')])}\n")
            if not self.is_there("hangs"):
                self.inner.stdin.write(line)
                self.inner.stdin.flush()
        self.inner.stdin.close()
        reader.join(5)
        return self.inner.wait()

    def is_there(self, oddity: str) -> bool:
        """Tell whether the file of an oddity is there."""
        return oddity in self.odd and Path(self.odd[oddity]).exists()

    def take_away(self, oddity: str) -> str | None:
        """Return what the file of an oddity holds, and remove it."""
        if not self.is_there(oddity):
            return None
        path = Path(self.odd[oddity])
        text = path.read_text(encoding="utf-8")
        path.unlink()
        return text

    def take_output(self) -> None:
        """Change what the server says."""
        assert self.inner.stdout is not None
        for line in self.inner.stdout:
            said = json.loads(line)
            if "id" in said:
                self.answer(said, line)
            else:
                self.notify(said, line)

    def answer(self, said: dict[str, Any], line: bytes) -> None:
        """Pass an answer on."""
        request = self.requests.get(said["id"], {})
        if request.get("method") == "messages.after" and "result" in said and "dies_on_pages" in self.odd:
            said = self.page(request["params"], said)
            line = json.dumps(said).encode() + b"\n"
        self.say(line)

    @staticmethod
    def page(params: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
        """Answer, or die, as 0.14.1 does where a message belongs to two chats."""
        rowids = [message["id"] for message in said["result"]["messages"]]
        is_double = len(set(rowids)) < len(rowids)
        if params.get("limit", 100) == 1 and is_double:
            stuck = {"messages": [], "next_rowid": params["since_rowid"], "has_more": True}
            return {**said, "result": stuck}
        if is_double and said["result"]["has_more"]:
            os.kill(os.getpid(), signal.SIGILL)
            threading.Event().wait()  # another thread may take the signal, a moment later
        return said

    def notify(self, said: dict[str, Any], line: bytes) -> None:
        """Pass a notification on, or not."""
        number = said["params"]["subscription"]
        if number in self.ended:
            return
        if (text := self.take_away("fails")) is not None:
            self.ended.add(number)
            self.say(self.line("error", {"subscription": number, "error": {"message": text}}))
        elif self.take_away("overflows") is not None:
            self.ended.add(number)
            said["params"] = {
                "subscription": number,
                "resume_after_rowid": self.highest.get(number, 0),
                "reason": "buffer_limit_exceeded",
                "terminal": True,
            }
            self.say(self.line("watch.overflow", said["params"]))
        elif self.take_away("dies") is not None:
            sys.stdout.buffer.write(line[: len(line) // 2])
            sys.stdout.buffer.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        elif said["method"] != "message" or self.is_shown(number, said["params"]["message"]["id"]):
            for _ in range(2 if "twice" in self.odd else 1):
                self.say(b"{not json\nnor this\n" + line if "garbage" in self.odd else line)

    def is_shown(self, number: int, rowid: int) -> bool:
        """Tell whether a row is reported."""
        if self.is_there("silent"):
            return False
        if "never_reports_late" in self.odd and rowid < self.highest.get(number, 0):
            return False
        self.highest[number] = max(rowid, self.highest.get(number, 0))
        self.reported[number] = self.reported.get(number, 0) + 1
        return self.reported[number] <= int(self.odd.get("rows_a_poll", "1000000000"))

    @staticmethod
    def line(method: str, params: dict[str, Any]) -> bytes:
        """Return a notification as a line."""
        return json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode() + b"\n"

    @staticmethod
    def say(line: bytes) -> None:
        """Write a line."""
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def main(words: list[str]) -> int:
    """Act as ``imsg ARGV…``."""
    end = words.index("--")
    oddities = dict(word.partition("=")[::2] for word in words[:end])
    argv = words[end + 1 :]
    if argv[:1] == ["rpc"] and "--help" not in argv:
        if "legacy" in oddities:
            argv += ["--dialect", "legacy"]
        return Proxy(oddities, argv).run()
    dialect = ["--dialect", "legacy"] if "legacy" in oddities else []
    return subprocess.run([sys.executable, "-m", "imsg_sdk.server", *argv, *dialect], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
