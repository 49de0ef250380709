"""What a statement runs: itself, and what its CTEs, DO blocks, EXECUTE strings and functions hide."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from controlplane.validation import parse
from controlplane.validation.model import CapturedStatement, Location
from controlplane.validation.parse import Unparsable, walk, words

UNREADABLE = "unreadable"  # the kind of what could not be read; `sql` then says why
WRITES = ("insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")
RUNS_CALLS = ("select_stmt", "call_stmt", "create_table_as_stmt", "explain_stmt", "prepare_stmt", *WRITES)
SQL_BODY = re.compile(r"\bBEGIN\s+ATOMIC\b|\bRETURN\b", re.IGNORECASE)  # of a SQL-standard function
LAST_END = re.compile(r"\bEND\s*;?\s*$", re.IGNORECASE)
PLPGSQL = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors")


@dataclass(frozen=True)
class Body:
    """A function's text. `line` is the file's line on which it starts, None for one that existed before.

    `definition` is its whole CREATE FUNCTION, "" where that is not known.
    """

    name: str
    language: str
    text: str
    line: int | None = None
    definition: str = ""


@dataclass(frozen=True)
class Read:
    """A piece of SQL that runs when `statement` does. `via` says how: "", "a DO block", "attr.purge()"."""

    statement: CapturedStatement
    kind: str
    node: Any
    sql: str
    line: int | None
    via: str = ""
    batched: bool = False
    """Whether it runs in a block that commits as it goes."""

    @property
    def location(self) -> Location:
        """Where it is written; the statement's place if it lives in the database only."""
        return replace(self.statement.location, line=self.line)


def body_of(node: Any, sql: str, line: int) -> Body | None:
    """The body of a CREATE FUNCTION; None for one in C or another language that is not read."""
    options = {option.def_elem.defname: option.def_elem for option in node.options}
    name = ".".join(words(node.funcname))
    if node.HasField("sql_body"):
        found = SQL_BODY.search(sql)
        start = found.start() if found else 0
        return Body(name, "sql", sql[start:], line + sql.count("\n", 0, start))
    if "as" not in options:
        return None
    text = words(options["as"].arg.list.items)[-1]
    language = options["language"].arg.string.sval.lower() if "language" in options else "sql"
    start = max(sql.find(text), 0)
    return Body(name, language, text, line + sql.count("\n", 0, start), sql)


class Reader:
    """Reads statements, looking up the functions that they call with `functions`."""

    def __init__(self, functions: Callable[[str], list[Body]]) -> None:
        self._functions = functions

    def read(self, statement: CapturedStatement) -> Iterator[Read]:
        """The statement itself first, then what it runs, in the order of the text."""
        yield from self._text(statement.sql, Read(statement, "", None, "", statement.location.line), ())

    def _text(self, text: str, at: Read, seen: tuple[str, ...], *, inner: bool = False) -> Iterator[Read]:
        """The statements of a text that starts where `at` is; `inner` ones have no lines of their own."""
        try:
            found = parse.pieces(text)
        except Unparsable as error:
            yield replace(at, kind=UNREADABLE, sql=error.message)
            return
        for piece in found:
            line = at.line if at.line is None or inner else at.line + piece.line - 1
            read = replace(at, kind=piece.kind, node=piece.node, sql=piece.sql, line=line)
            yield from self._piece(read, seen)

    def _piece(self, read: Read, seen: tuple[str, ...]) -> Iterator[Read]:
        yield read
        if read.kind == "do_stmt":
            yield from self._block(read, seen)
        if read.kind not in RUNS_CALLS:
            return
        for kind, node in walk(read.node):
            if kind in WRITES and node is not read.node:
                yield replace(read, kind=kind, node=node, via=read.via or "a part of it")
            if kind == "func_call":
                yield from self._call(".".join(words(node.funcname)), read, seen)

    def _call(self, name: str, at: Read, seen: tuple[str, ...]) -> Iterator[Read]:
        if name in seen:
            return
        for body in self._functions(name):
            line = at.line if body.line is None else body.line
            inner = replace(at, line=line, via=f"{name}()")
            if body.language == "sql":
                yield from self._sql_body(body, inner, (*seen, name))
            elif body.language == "plpgsql":
                yield from self._plpgsql(body, inner, (*seen, name))

    def _sql_body(self, body: Body, at: Read, seen: tuple[str, ...]) -> Iterator[Read]:
        text = body.text.rstrip()
        if found := SQL_BODY.match(text):
            inside = text[found.end() :]
            text = f"SELECT {inside}" if found[0].upper() == "RETURN" else LAST_END.sub("", inside)
        yield from self._text(text, at, seen, inner=body.line is None)

    def _block(self, read: Read, seen: tuple[str, ...]) -> Iterator[Read]:
        options = {argument.def_elem.defname: argument.def_elem for argument in read.node.args}
        language = options["language"].arg.string.sval if "language" in options else "plpgsql"
        if language != "plpgsql":
            yield replace(read, kind=UNREADABLE, sql=f"a DO block in {language}")
            return
        text = options["as"].arg.string.sval
        start = max(read.sql.find(text), 0)
        line = None if read.line is None else read.line + read.sql.count("\n", 0, start)
        yield from self._plpgsql(
            Body("", language, text, line), replace(read, line=line, via="a DO block"), seen
        )

    def _plpgsql(self, body: Body, at: Read, seen: tuple[str, ...]) -> Iterator[Read]:
        try:
            function = parse.plpgsql(body.text, body.definition)
        except Unparsable as error:
            yield replace(at, kind=UNREADABLE, sql=f"the body of {at.via}: {error.message}")
            return
        batched = '"PLpgSQL_stmt_commit"' in json.dumps(function)
        known = _initial(function)
        for line, mode, query in _expressions(function["action"], 1, known):
            where = at.line if body.line is None or at.line is None else body.line + line - 1
            inner = replace(at, line=where, batched=batched)
            if mode == "execute":
                yield from self._execute(query, inner, known, seen)
            else:
                yield from self._text(query, inner, seen, inner=True)

    def _execute(self, query: str, at: Read, known: dict[str, str], seen: tuple[str, ...]) -> Iterator[Read]:
        try:
            text = parse.constant(parse.expression(query), known)
        except Unparsable:
            text = None
        if text is None:
            yield replace(at, kind=UNREADABLE, sql=f"EXECUTE {query}, put together at run time")
            return
        yield from self._text(text, replace(at, via=f"EXECUTE in {at.via}"), seen, inner=True)


def _initial(function: dict[str, Any]) -> dict[str, str]:
    """The variables that are declared with a constant."""
    known: dict[str, str] = {}
    for datum in function.get("datums", []):
        variable = datum.get("PLpgSQL_var", {})
        default = variable.get("default_val", {}).get("PLpgSQL_expr", {}).get("query")
        if default is not None:
            _assign(known, variable["refname"], default)
    return known


def _assign(known: dict[str, str], name: str, query: str) -> None:
    try:
        value = parse.constant(parse.expression(query), known)
    except Unparsable:
        value = None
    known.pop(name, None)
    if value is not None:
        known[name] = value


def _expressions(tree: Any, line: int, known: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    """The SQL in a PL/pgSQL tree as (line within the body, "run" or "execute", text), in order.

    Assignments of constants are kept in `known` as they are met.
    """
    if isinstance(tree, list):
        for entry in tree:
            yield from _expressions(entry, line, known)
        return
    if not isinstance(tree, dict):
        return
    for name, value in tree.items():
        if name == "PLpgSQL_expr":
            yield line, "run", _statement(value)
        elif name.startswith("PLpgSQL_stmt_") and isinstance(value, dict):
            here = value.get("lineno", line)
            if name == "PLpgSQL_stmt_assign":
                target, _, assigned = value["expr"]["PLpgSQL_expr"]["query"].partition("=")
                _assign(known, target.strip().removesuffix(":").strip(), assigned)
            if name in PLPGSQL or "dynquery" in value:
                yield (
                    here,
                    "execute",
                    value["query" if name in PLPGSQL else "dynquery"]["PLpgSQL_expr"]["query"],
                )
                value = {key: inner for key, inner in value.items() if key not in ("query", "dynquery")}
            yield from _expressions(value, here, known)
        elif name not in ("datums", "var", "row", "rec"):
            yield from _expressions(value, line, known)


def _statement(expression: dict[str, Any]) -> str:
    """An expression's text as a statement that parses: PL/pgSQL keeps conditions and assignments bare."""
    query, mode = str(expression["query"]), expression.get("parseMode", 0)
    if mode == 0:
        return query
    if mode == 2:
        return f"SELECT {query}"
    return "SELECT " + query.partition("=")[2]
