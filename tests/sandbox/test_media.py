"""Real files on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imsg_sdk.sandbox.history.generate import generate

SIGNATURES = {
    ".png": b"\x89PNG",
    ".jpeg": b"\xff\xd8\xff",
    ".gif": b"GIF89a",
    ".pdf": b"%PDF",
    ".vcf": b"BEGIN:VCARD",
    ".caf": b"caff",
    ".heic": b"\x00\x00\x00\x14ftypheic",
    ".mov": b"\x00\x00\x00\x14ftypqt",
}


def test_some_files_are_there_and_some_are_missing(tmp_path: Path, read_rows: Any) -> None:
    generate(tmp_path / "chat.db", messages=4000, attachments_dir=tmp_path / "files")
    rows = read_rows(tmp_path / "chat.db", "attachments")
    there = [row for row in rows if not row["is_missing"]]
    assert 0.5 < len(there) / len(rows) < 0.85
    for row in there:
        path = Path(row["path"])
        assert path.stat().st_size == row["total_bytes"] < 4000
        signature = SIGNATURES.get(path.suffix.lower())
        assert signature is None or path.read_bytes().startswith(signature)


def test_without_a_folder_nothing_is_written_and_paths_lie_below_home(tmp_path: Path, opened: Any) -> None:
    generate(tmp_path / "chat.db", messages=500)
    assert [path.name for path in tmp_path.iterdir()] == ["chat.db"]
    with opened(tmp_path / "chat.db") as connection:
        names = [name for (name,) in connection.execute("SELECT filename FROM attachment")]
    assert names
    assert all(name.startswith("~/Library/Messages/Attachments/") for name in names)
