"""What counts as a request, and how answers are spelled."""

from __future__ import annotations

import json
import math
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.faults import RpcError
from imsg_sdk.server.requests.envelope import (
    ABSENT,
    MAX_DEPTH,
    Fault,
    Request,
    error_line,
    notification_line,
    read_line,
    result_line,
)

PARSE, ENVELOPE, PARAMS = -32700, -32600, -32602
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def read(line: str | bytes, dialect: Dialect = Dialect.V1) -> Request | Fault | None:
    return read_line(line.encode() if isinstance(line, str) else line, dialect)


def fault(line: str | bytes, dialect: Dialect = Dialect.V1) -> tuple[int, object, object]:
    heard = read(line, dialect)
    assert isinstance(heard, Fault)
    return heard.error.code, heard.error.data, heard.id


def request(line: str | bytes, dialect: Dialect = Dialect.V1) -> Request:
    heard = read(line, dialect)
    assert isinstance(heard, Request)
    return heard


@pytest.mark.parametrize("line", ["", "  ", "\t", "\r", "\xa0", "\u2028", "\u3000\x85", "\x0b\x0c"])
def test_blank_line_is_nothing_at_all(line: str) -> None:
    assert read(line) is None
    assert read(line, Dialect.LEGACY) is None


@pytest.mark.parametrize(
    "line",
    [
        "\ufeff", "\x00", "{", "}", "null", "true", "5", '"x"', "nope", "{'a':1}", '{"a":1} x', '{"a":1}{"a":1}',
        '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":0x1}', '{"a":NaN}', '{"a":Infinity}', '{"a":1e400}',
        '{"a":"\\ud83c"}', '{"a":"\\udf89x"}', '{"a":1}\x00', '\x1e{"a":1}', '{"a":1 // no\n}', '{,}', '{"a":1,,}',
        '{"a":[1,]}', '{"a":1,]', '{"a":,}', '{"a":"\t"}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_json_is_a_parse_error(line: str | bytes) -> None:
    for dialect in Dialect:
        code, _, id_ = fault(line, dialect)
        assert (code, id_) == (PARSE, None)


@pytest.mark.parametrize(
    "line",
    [
        '{"jsonrpc":"2.0","id":7,"method":"m",}',
        '{"jsonrpc":"2.0","id":7,"method":"m" , \t}',
        '{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":",}","b":{"c":[1,2],},},}',
        '\ufeff{"jsonrpc":"2.0","id":7,"method":"m"}',
        '\x0c {"jsonrpc":"2.0","id":7,"method":"m"} ',
        '{"jsonrpc":"2.0","id":1,"id":7,"method":"x","method":"m"}',
        '{"jsonrpc":"2.0","id":7,"method":"\\u006d","more":{"deep":[[[]]]}}',
    ],
)
def test_what_the_real_parser_lets_pass_is_a_request(line: str) -> None:
    heard = request(line)
    assert (heard.id, heard.method) == (7, "m")


def test_commas_inside_texts_stay() -> None:
    assert request('{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":",}\\",}"},}').params == {"a": ',}",}'}


@pytest.mark.parametrize(
    ("levels", "passes"), [(400, True), (MAX_DEPTH - 2, True), (MAX_DEPTH - 1, False), (100_000, False)]
)
@pytest.mark.parametrize("end", ["", ","])
def test_nesting_is_bounded(levels: int, passes: bool, end: str) -> None:
    line = f'{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":{"[" * levels}{"]" * levels}}}{end}}}'
    assert isinstance(read(line), Request) is passes


@pytest.mark.parametrize("rest", ["x", "\\", '\\"', "\xff"])
def test_a_text_of_megabytes_that_never_ends_takes_no_room(rest: str) -> None:
    line = b'{"a":"' + rest.encode("latin-1") * 4_000_000
    tracemalloc.start()
    try:
        assert fault(line)[0] == PARSE
        assert tracemalloc.get_traced_memory()[1] < 10 * len(line)
    finally:
        tracemalloc.stop()


def test_many_brackets_side_by_side_are_not_deep() -> None:
    line = f'{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":[{",".join(["[]"] * 2000)}]}}}}'
    assert len(request(line).params["a"]) == 2000


def test_bad_bytes_are_repaired() -> None:
    assert request(b'{"jsonrpc":"2.0","id":"\xed\xa0\x80","method":"no\xffpe"}')[:2] == ("\ufffd" * 3, "no\ufffdpe")


@pytest.mark.parametrize(
    ("line", "code", "data", "id_"),
    [
        ("[]", ENVELOPE, "request must be an object", None),
        ('[{"id":1}]', ENVELOPE, "request must be an object", None),
        ('{"id":true,"jsonrpc":"1.0"}', ENVELOPE, "id must be a string, number, or null", None),
        ('{"id":[1],"method":"m"}', ENVELOPE, "id must be a string, number, or null", None),
        ('{"id":{},"method":"m"}', ENVELOPE, "id must be a string, number, or null", None),
        ('{"id":1,"method":"m"}', ENVELOPE, "jsonrpc must be exactly 2.0", 1),
        ('{"jsonrpc":2.0,"id":1,"method":"m"}', ENVELOPE, "jsonrpc must be exactly 2.0", 1),
        ('{"jsonrpc":"1.0","method":"m"}', ENVELOPE, "jsonrpc must be exactly 2.0", None),
        ('{"jsonrpc":"2.0","id":1}', ENVELOPE, "method is required", 1),
        ('{"jsonrpc":"2.0","method":""}', ENVELOPE, "method is required", None),
        ('{"jsonrpc":"2.0","id":"a","method":5}', ENVELOPE, "method is required", "a"),
        ('{"jsonrpc":"2.0","id":1,"method":"m","params":[]}', PARAMS, "params must be an object when present", 1),
        ('{"jsonrpc":"2.0","id":1,"method":"m","params":null}', PARAMS, "params must be an object when present", 1),
    ],
)
def test_strict_envelope_is_checked_in_order(line: str, code: int, data: str, id_: object) -> None:
    assert fault(line) == (code, data, id_)


def test_params_that_are_no_object_are_refused_silently_without_an_id() -> None:
    assert fault('{"jsonrpc":"2.0","method":"m","params":"x"}')[2] is ABSENT


@pytest.mark.parametrize("version", ["null", "2.0", "2", "true", "[]"])
def test_older_dialect_refuses_only_another_version_string(version: str) -> None:
    assert request(f'{{"jsonrpc":{version},"id":1,"method":"m"}}', Dialect.LEGACY).method == "m"
    assert fault('{"jsonrpc":"1.0","id":1,"method":"m"}', Dialect.LEGACY) == (ENVELOPE, "jsonrpc must be 2.0", 1)


def test_older_dialect_takes_other_params_for_none() -> None:
    heard = request('{"id":[1],"method":"m","params":"x"}', Dialect.LEGACY)
    assert (heard.id, heard.params, heard.has_object) == ([1], {}, False)
    assert request('{"method":"m"}', Dialect.LEGACY).has_object


@given(params=st.dictionaries(st.text(), JSON, max_size=4), id_=st.text() | st.integers(-(2**63), 2**63 - 1))
def test_every_well_formed_request_is_read_as_it_was_written(params: dict[str, object], id_: object) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": id_, "method": "m", "params": params})
    assert request(line) == Request(id_, "m", params)
    if params:
        assert request(line.removesuffix("}") + ",}") == Request(id_, "m", params)


@given(st.binary(max_size=80))
def test_no_bytes_make_reading_fail(line: bytes) -> None:
    for dialect in Dialect:
        assert isinstance(read(line, dialect), Request | Fault | None)


@pytest.mark.parametrize(
    ("written", "echoed"),
    [
        ("1.0", "1"), ("1e2", "100"), ("-0.0", "-0"), ("-0", "0"), ("1.5", "1.5"), ("0.1", "0.1"), ("1e30", "1e+30"),
        ("123456789012345678901234567890", "123456789012345678901234567890"), ("18446744073709551616",) * 2,
        ('"a/b"', '"a\\/b"'), ('"\\u001f\\u007f\\u2028"', '"\\u001f\x7f\u2028"'), ("null", "null"),
    ],
)  # fmt: skip
def test_id_is_echoed_by_value(written: str, echoed: str) -> None:
    heard = request(f'{{"jsonrpc":"2.0","id":{written},"method":"m"}}')
    assert result_line(heard.id, {}).decode() == f'{{"jsonrpc":"2.0","id":{echoed},"result":{{}}}}\n'


def test_older_dialect_echoes_ids_of_any_shape() -> None:
    heard = request('{"id":[1.0,{"a":true}],"method":"m"}', Dialect.LEGACY)
    assert b'"id":[1,{"a":true}],' in result_line(heard.id, {})


@given(JSON)
def test_answers_are_one_line_of_json_with_escaped_slashes(value: object) -> None:
    for line in (
        result_line(1, value),
        notification_line("a/b", value),
        error_line("x", RpcError(-32000, {"d": value})),
    ):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert b"/" not in line.replace(b"\\/", b"")
        parsed = msgspec.json.decode(line)
        inner = parsed.get("result", parsed.get("params")) if "error" not in parsed else parsed["error"]["data"]["d"]
        assert inner == value or (isinstance(value, float) and math.isclose(inner, value))


def test_error_says_code_message_and_data() -> None:
    error = json.loads(error_line(None, RpcError.no_database("/a/b", "gone")))["error"]
    assert error == {
        "code": -32002,
        "message": "Database unavailable",
        "data": {"path": "/a/b", "detail": "gone", "retryable": True},
    }
