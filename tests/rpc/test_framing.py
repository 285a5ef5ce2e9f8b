"""Any cutting of the bytes gives the same lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.rpc.framing import LineDecoder, LineTooLong

line_texts = st.binary(max_size=20).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))


@given(st.lists(line_texts, max_size=8), st.data())
def test_any_chunking_gives_the_same_lines(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    decoder = LineDecoder()
    found: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found == lines
    assert decoder.close() is None


def test_only_a_line_feed_ends_a_line() -> None:
    text = "a\u2028b\u0085c\x0bd\re".encode()
    assert LineDecoder().feed(text + b"\n") == [text]


def test_a_carriage_return_before_the_line_feed_goes() -> None:
    decoder = LineDecoder()
    assert decoder.feed(b"one\r") == []
    assert decoder.feed(b"\ntwo\r\n") == [b"one", b"two"]


def test_a_last_line_without_line_feed_is_given_at_the_end() -> None:
    decoder = LineDecoder()
    assert decoder.feed(b"one\ntwo") == [b"one"]
    assert decoder.close() == b"two"
    assert decoder.close() is None


def test_a_line_beyond_the_limit_is_an_error_that_names_it() -> None:
    decoder = LineDecoder(max_bytes=10)
    assert decoder.feed(b"0123456789\n") == [b"0123456789"]
    decoder.feed(b"012345")
    with pytest.raises(LineTooLong) as caught:
        decoder.feed(b"67890")
    assert caught.value.max_bytes == 10


def test_a_line_beyond_the_limit_within_one_chunk_is_an_error() -> None:
    with pytest.raises(LineTooLong):
        LineDecoder(max_bytes=4).feed(b"ab\n01234\ncd\n")


def test_many_short_lines_in_a_long_chunk_are_within_the_limit() -> None:
    assert len(LineDecoder(max_bytes=4).feed(b"ab\n" * 100)) == 100


def test_a_line_of_32_megabytes_costs_linear_time() -> None:
    decoder = LineDecoder()
    piece = b"x" * 65536
    begun = time.perf_counter()
    for _ in range(512):
        assert decoder.feed(piece) == []
    (line,) = decoder.feed(b"\n")
    assert len(line) == 512 * 65536
    assert time.perf_counter() - begun < 2  # quadratic framing takes several seconds here
