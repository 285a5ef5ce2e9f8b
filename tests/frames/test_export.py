"""CSV and JSON lines hold what the frame holds, and harm nobody who opens them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imsg_sdk.columns import MESSAGES, TABLES, Batch, Packed, Table
from imsg_sdk.errors import InvalidParams
from imsg_sdk.frames import empty_frame, frame_from_batches
from imsg_sdk.frames.export import write_csv, write_jsonl

tables = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def frame_of(*texts: str | None, **columns: Any) -> pd.DataFrame:
    required = {"rowid": [*range(1, len(texts) + 1)], "is_from_me": Packed([False]), "text": [*texts]}
    return frame_from_batches(MESSAGES, [Batch("messages", len(texts), required | columns)])


def csv_rows(frame: pd.DataFrame, **options: Any) -> list[dict[str, str]]:
    sink = io.StringIO()
    write_csv(frame, sink, **options)
    return list(csv.DictReader(io.StringIO(sink.getvalue(), newline="")))


def json_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    sink = io.StringIO()
    write_jsonl(frame, sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


@tables
def test_an_empty_frame_gives_a_header_and_no_row(table: Table) -> None:
    sink = io.StringIO()
    assert write_csv(empty_frame(table), sink) == 0
    assert sink.getvalue() == ",".join(table.names) + "\r\n"
    assert json_rows(empty_frame(table)) == []


def test_every_line_of_json_has_every_column_and_null_for_na() -> None:
    frame = frame_of("a", None, chat_id=[2**60 + 1, None], chat_ids=[[1, 2], []], is_read=[None, True])
    first, second = json_rows(frame)
    assert list(first) == list(MESSAGES.names)
    assert (first["chat_id"], first["chat_ids"], first["is_read"]) == (2**60 + 1, [1, 2], None)
    assert (second["chat_id"], second["text"], second["is_read"], second["is_from_me"]) == (None, None, True, False)


def test_csv_reads_back_as_it_was() -> None:
    texts = [
        "plain",
        'with "quotes", commas',
        "two\nlines",
        "cr\rhere",
        " spaces ",
        "=1+1",
        "+15550101",
        "🎉 \x00\x1b[31m",
    ]
    assert [row["text"] for row in csv_rows(frame_of(*texts))] == texts


def test_na_and_empty_text_differ_in_csv() -> None:
    sink = io.StringIO()
    write_csv(frame_of("", None)[["rowid", "text"]], sink)
    assert sink.getvalue() == 'rowid,text\r\n1,""\r\n2,\r\n'


def test_instants_are_iso_8601_in_utc_to_the_microsecond() -> None:
    frame = frame_of("a", "b", created_at=[None, 1_772_350_215_123_457])
    assert [row["created_at"] for row in json_rows(frame)] == [None, "2026-03-01T07:30:15.123457Z"]
    assert [row["created_at"] for row in csv_rows(frame)] == ["", "2026-03-01T07:30:15.123457Z"]
    elsewhere = frame.assign(created_at=frame["created_at"].dt.tz_convert("Asia/Tokyo"))
    assert json_rows(elsewhere)[1]["created_at"] == "2026-03-01T07:30:15.123457Z"


def test_flags_and_lists_have_one_spelling_in_csv() -> None:
    (row,) = csv_rows(frame_of("a", chat_ids=[[3, 4]], is_read=[True]))
    assert (row["is_from_me"], row["is_read"], row["chat_ids"]) == ("false", "true", "[3,4]")


def test_half_a_surrogate_pair_is_replaced_and_stops_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": pd.Series(["half \ud83d", "whole 😀"], dtype=object)})
    for write in (write_csv, write_jsonl):
        assert write(frame, tmp_path / "out") == 2
        text = (tmp_path / "out").read_text(encoding="utf-8")
        assert "half \ufffd" in text
        assert "whole 😀" in text


def test_a_json_line_is_one_line_for_every_reader() -> None:
    nasty = "a\nb\rc\u2028d\u2029e\x85f\x0bg\x00"
    sink = io.StringIO()
    write_jsonl(frame_of(nasty, "next"), sink)
    assert len(sink.getvalue().splitlines()) == 2
    assert json.loads(sink.getvalue().splitlines()[0])["text"] == nasty


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1555", "-2", "@SUM(1)", "\t=1", "\r=1"])
def test_a_spreadsheet_gets_no_formula_from_a_stranger(text: str) -> None:
    (row,) = csv_rows(frame_of(text, sender=Packed(["=cmd"])), spreadsheet=True)
    assert row["text"].startswith("'")
    assert row["sender"] == "'=cmd"


def test_a_spreadsheet_file_begins_with_the_utf_8_mark(tmp_path: Path) -> None:
    write_csv(frame_of("é \x1b[2J"), tmp_path / "out.csv", spreadsheet=True)
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfrowid,")
    assert b"\x1b" not in (tmp_path / "out.csv").read_bytes()


def test_frames_that_follow_each_other_share_one_header() -> None:
    sink = io.StringIO()
    assert write_csv((frame_of(text)[["text"]] for text in "abc"), sink) == 3
    assert sink.getvalue() == "text\r\na\r\nb\r\nc\r\n"
    with pytest.raises(InvalidParams, match="columns"):
        write_csv([frame_of("a")[["text"]], frame_of("b")[["rowid"]]], io.StringIO())


def test_paths_text_and_binary_files_get_the_same_bytes(tmp_path: Path) -> None:
    frame = frame_of("é", "two\nlines")
    for write in (write_csv, write_jsonl):
        write(frame, tmp_path / "path")
        expected = (tmp_path / "path").read_bytes()
        binary, text = io.BytesIO(), io.StringIO(newline="")
        write(frame, binary)
        write(frame, text)
        with gzip.open(tmp_path / "packed", "wb") as packed:
            write(frame, packed)
        assert binary.getvalue() == text.getvalue().encode() == expected
        assert gzip.decompress((tmp_path / "packed").read_bytes()) == expected


def test_a_file_that_was_given_open_stays_open() -> None:
    sink = io.StringIO()
    write_jsonl(frame_of("a"), sink)
    assert not sink.closed


def test_long_frames_are_written_in_pieces_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imsg_sdk.frames.export._ROWS_AT_ONCE", 3)
    frame = frame_of(*(f"text {n}" for n in range(10)))
    assert [row["text"] for row in csv_rows(frame)] == [f"text {n}" for n in range(10)]
    assert [row["rowid"] for row in json_rows(frame)] == [*range(1, 11)]


def test_columns_of_the_users_own_are_written_too() -> None:
    frame = pd.DataFrame({"n": [1.5, float("nan")], "age": pd.to_timedelta([1, 2], unit="h"), "x": [1, 2]})
    assert json_rows(frame)[1]["n"] is None
    assert csv_rows(frame)[0]["n"] == "1.5"
    assert csv_rows(frame)[0]["age"] == "0 days 01:00:00"
