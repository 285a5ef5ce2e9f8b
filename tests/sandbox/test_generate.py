"""Fictional histories: the same on every machine, with what was asked for."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from imsg_sdk.sandbox.generate import generate


def content_hash(path: Path) -> str:
    """Hash everything a database holds, schema included."""
    with sqlite3.connect(path) as connection:
        digest = hashlib.sha256()
        for line in connection.iterdump():
            digest.update(line.encode("utf-8", "surrogatepass"))
    connection.close()
    return digest.hexdigest()


def make_elsewhere(path: Path, *arguments: str, hash_seed: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "imsg_sdk.sandbox", "generate", str(path), *arguments],
        check=True,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )


def test_same_seed_gives_the_same_rows_in_any_process(tmp_path: Path) -> None:
    for hash_seed in ("0", "77"):
        make_elsewhere(tmp_path / f"{hash_seed}.db", "--messages", "1500", "--seed", "5", hash_seed=hash_seed)
    generate(tmp_path / "here.db", messages=1500, seed=5)
    hashes = {content_hash(path) for path in tmp_path.glob("*.db")}
    assert len(hashes) == 1


def test_another_seed_gives_another_history(tmp_path: Path) -> None:
    for seed in (1, 2):
        generate(tmp_path / f"{seed}.db", messages=300, seed=seed)
    assert content_hash(tmp_path / "1.db") != content_hash(tmp_path / "2.db")


@pytest.mark.parametrize("count", [1, 7, 100, 2345])
def test_as_many_messages_as_asked_for(tmp_path: Path, count: int) -> None:
    generate(tmp_path / "chat.db", messages=count)
    with sqlite3.connect(tmp_path / "chat.db") as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (count,)
    connection.close()
