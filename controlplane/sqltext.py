"""Reading our own SQL files: what a file creates, how to drop it, and a routine's signature and body."""

import re
from typing import NamedTuple

TOKENS = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(?P<tag>\$\w*\$)(?P<body>.*?)(?P=tag)", re.DOTALL)
CREATE = re.compile(
    r"^CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?(?P<kind>FUNCTION|PROCEDURE|VIEW|TRIGGER|POLICY)\s+"
    r"(?P<name>[\w.\"]+)",
    re.IGNORECASE | re.MULTILINE,
)
ON_TABLE = re.compile(r"\bON\s+(?P<table>[\w.\"]+)", re.IGNORECASE)
MODIFIER = re.compile(
    r"^(?:LANGUAGE|AS|RETURN|BEGIN|IMMUTABLE|STABLE|VOLATILE)\b", re.IGNORECASE | re.MULTILINE
)
ATOMIC = re.compile(r"^BEGIN\s+ATOMIC\b", re.IGNORECASE | re.MULTILINE)
END = re.compile(r"^END\s*;", re.IGNORECASE | re.MULTILINE)


class Created(NamedTuple):
    """One CREATE statement: `kind` in capitals, `table` of a trigger or policy, `body` in dollar quotes."""

    kind: str
    name: str
    table: str | None
    statement: str
    body: str | None

    @property
    def is_routine(self) -> bool:
        """True for functions and procedures."""
        return self.kind in ("FUNCTION", "PROCEDURE")

    @property
    def drop(self) -> str:
        """The statement that undoes it. The name suffices: there are no overloads."""
        return f"DROP {self.kind} {self.name}{f' ON {self.table}' if self.table else ''};"

    @property
    def signature(self) -> str:
        """What CREATE OR REPLACE cannot change: the name, the arguments and the result."""
        modifier = MODIFIER.search(_masked(self.statement))
        return " ".join(self.statement[: modifier.start() if modifier else None].split())


def created(text: str) -> list[Created]:
    """The objects that a file creates, in its order."""
    masked, found = _masked(text), []
    for create in CREATE.finditer(masked):
        end = masked.index(";", create.end()) + 1
        if ATOMIC.search(masked, create.end(), end):
            last = END.search(masked, create.end())
            end = last.end() if last else end
        on = ON_TABLE.search(masked, create.end(), end)
        kind = create["kind"].upper()
        quoted = (token["body"] for token in TOKENS.finditer(text, create.end(), end) if token["tag"])
        table = on["table"] if on and kind in ("TRIGGER", "POLICY") else None
        found.append(Created(kind, create["name"], table, text[create.start() : end], next(quoted, None)))
    return found


def _masked(text: str) -> str:
    """The text with blanks for comments, strings and dollar-quoted bodies: every position stays."""
    return TOKENS.sub(lambda token: re.sub(r"[^\n]", " ", token[0]), text)
