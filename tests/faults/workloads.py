"""Workload files, traces and logs: such as the format knows, and then with something wrong in them."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from sim.workload import Workload

ODD = [
    None, True, False, -1, 0, 1, 2, 3, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, -0.5, 1e-300, 5e-324, 1e9, 1e300, "",
    "1", "x", "\0", "\ud800", "\u2028", "nan", [], {}, [None], [0], [1, 0], {"kind": "inline"}, {"dist": "poisson"},
    {"log": [1, 2], "n": 2}, {"log": [2, 1], "n": 3}, {"log": [5e-324, 1], "n": 1},
]  # fmt: skip
odd = st.sampled_from(ODD).map(deepcopy)


def valid(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """What the format allows, and is small."""
    if isinstance(kind, inspect.StructType):
        fixed = {} if kind.tag_field is None else {kind.tag_field: st.just(kind.tag)}
        fields = {field.encode_name: valid(field.type) for field in kind.fields}
        required = {field.encode_name for field in kind.fields if field.required}
        return st.fixed_dictionaries(
            {**fixed, **{name: fields[name] for name in fields if name in required}},
            optional={name: fields[name] for name in fields if name not in required},
        )
    if isinstance(kind, inspect.UnionType):
        return st.one_of([valid(each) for each in kind.types])
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    if isinstance(kind, inspect.ListType):
        return st.lists(valid(kind.item_type), min_size=kind.min_length or 0, max_size=3)
    if isinstance(kind, inspect.TupleType):
        return st.tuples(*(valid(each) for each in kind.item_types)).map(list)
    if isinstance(kind, (inspect.IntType, inspect.FloatType)):
        least = kind.ge if kind.ge is not None and kind.ge > -9 else 1
        if isinstance(kind, inspect.IntType):
            return st.integers(int(least), int(least) + 3)
        above = 1e-3 if kind.gt is not None else 0
        most = min(kind.le if kind.le is not None else 9, least + 9)
        return st.floats(least + above, most).map(lambda number: round(number, 3) or least + above)
    if isinstance(kind, inspect.BoolType):
        return st.booleans()
    if isinstance(kind, inspect.StrType):
        return st.sampled_from(["trace.csv", "arrival", "hold", "x"])
    assert isinstance(kind, inspect.NoneType), kind
    return st.none()


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Each container and key of a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in items for place in [(tree, key), *places(value)]]


@st.composite
def workloads(draw: Any) -> bytes:
    """A workload file in which up to three things are odd."""
    tree = draw(valid(inspect.type_info(Workload)))
    if draw(st.booleans()) and tree["workload"]["kind"] == "inline":
        rows = len(tree["workload"]["arrival"])
        tree["workload"].update(arrival=[float(row) for row in range(rows)], hold=[1] * rows, key=["a"] * rows)
    tree = json.loads(json.dumps(tree))
    for _ in range(draw(st.integers(0, 3))):
        parent, key = draw(st.sampled_from(places(tree)))
        how = draw(st.sampled_from(["replace", "replace", "remove", "rename", "wrap", "add"]))
        value = draw(odd)
        if how == "remove":
            del parent[key]
        elif how == "rename" and isinstance(parent, dict):
            parent[draw(st.sampled_from([f"{key}s", "", "kind", "\n", "pool"]))] = parent.pop(key)
        elif how == "wrap":
            parent[key] = [parent[key]]
        elif how == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(["x", "sweep", "\x1b[31m"]))] = value
        else:
            parent[key] = value
        if not places(tree):
            break
    return json.dumps(tree).encode()


@st.composite
def cut(draw: Any, contents: st.SearchStrategy[bytes]) -> bytes:
    """Bytes in which something is missing, doubled or replaced."""
    content = draw(contents)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        piece = draw(
            st.binary(max_size=4) | st.sampled_from([b'"', b"\n", b"[" * 2000, b"\xff", b"1" * 5000, b",", b"1e999"])
        )
        content = content[:start] + piece + content[end:]
    return content


cells = st.sampled_from(
    [*'0 1 2 3.5 -1 1e-9 1e300 1e999 nan inf 1_0 0x1 x ٣ 1700000000123 " \0 \ufeff'.split(" "), "", '"a\nb"', "a,b"]
)
HEADERS = [
    "arrival,hold",
    "arrival,end",
    "end,hold",
    "arrival,hold,key",
    "key,arrival,end",
    "a,b",
    "arrival,arrival",
    "",
]


@st.composite
def traces(draw: Any) -> bytes:
    header = draw(st.sampled_from(HEADERS))
    width = header.count(",") + 1
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width) | st.lists(cells, max_size=4), max_size=5))
    good = [f"{row},1" for row in range(draw(st.integers(0, 4)))]
    return "\n".join([header, *good, *map(",".join, rows)]).encode()


LOGS = [
    "2014-02-01 09:00:00.100 1 LOG C-0x1: a/b@1:2 login attempt: db",
    "2014-02-01 09:00:00.200 1 LOG C-0x1: a/b@1:2 closing because: x",
    "9999-99-99 09:00:00.100 1 LOG C-0x1: a/b@1:2 login attempt: db",
    "٢٠١٤-02-01 09:00:00.100 1 LOG C-0x1: a/b@1:2 login attempt: db",
    "; Version: 2.2",
    "1 100 0 60 1 -1 -1 1 -1 -1 1 7 1 1 1 -1 -1 -1",
    "1 nan 0 1e999 1 -1 -1 1 -1 -1 1 7 1 1 1 -1 -1 -1",
    "1 -1e300 0 60 1 -1 -1 1 -1 -1 1 7 1 1 1 -1 -1 -1",
    "arrival,hold",
    "0,1",
]
logs = st.lists(st.sampled_from(LOGS), max_size=6).map(lambda lines: "\n".join(lines).encode())
