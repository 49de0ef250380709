"""YAML and JSON files as JSON values that remember their lines, so that a mistake is named where it is.

Only what JSON can say is read: texts, numbers, true, false, null, lists and mappings with text keys. `yes`
and `2026-01-01` are texts. What JSON cannot say is a problem with its line, and never runs anything.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from controlplane.errors import CtlError

MAX_BYTES = 4 * 1024 * 1024
MAX_NODES = 200_000  # of the value that aliases expand to
CORE = "tag:yaml.org,2002:"
# The words of JSON (YAML 1.2's core schema): no octal, no sexagesimal, no dates, no yes and no.
WORDS = (
    ("null", re.compile(r"(?:null|Null|NULL|~|)$"), ["n", "N", "~", ""]),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789")),
    (
        "float",
        re.compile(r"(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
        list("-+.0123456789"),
    ),
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Problem:
    """A mistake in a file: line (from 1), JSON path, what is wrong, and what to do about it."""

    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.message}" + (f" ({self.hint})" if self.hint else "")


@dataclass
class Document:
    """A file's value (None where it cannot be read), its problems, and the line of each JSON path."""

    name: str
    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, path: str) -> int:
        """The line of a path, or of the nearest thing around it that is in the file."""
        while path not in self.lines and path != "$":
            path = path[: max(path.rfind("."), path.rfind("["), 1)]
        return self.lines.get(path, 1)

    def complain(self, path: str, message: str, hint: str = "") -> None:
        """Add a problem at a path."""
        self.problems.append(Problem(self.line(path), path, message, hint))


class ProblemsFound(CtlError):
    """Everything that is wrong with a file (exit code 1)."""

    def __init__(self, document: Document) -> None:
        self.problems = sorted(set(document.problems))
        count = f"{len(self.problems)} mistake{'s' * (len(self.problems) != 1)}"
        super().__init__("\n".join([f"{document.name}: {count}", *(f"  {item}" for item in self.problems)]))

    def as_dict(self) -> dict[str, Any]:
        return {"message": self.message, "problems": [vars(problem) for problem in self.problems]}


class Loader(yaml.SafeLoader):
    """Composes nodes with the words of JSON only."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (the base class's own, replaced)


for word, pattern, firsts in WORDS:
    Loader.add_implicit_resolver(CORE + word, pattern, firsts)


def load(path: str) -> Document:
    """Read a file, `-` for standard input. Mistakes are in the document's problems; OSError if unreadable."""
    if path == "-":
        return parse(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
    with Path(path).open("rb") as file:
        return parse(file.read(MAX_BYTES + 1), path)


def parse(content: bytes, name: str) -> Document:
    """Read YAML or JSON text."""
    document = Document(name)
    if len(content) > MAX_BYTES:
        document.complain("$", f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
        return document
    try:
        text = content.decode("utf-8-sig")
        node = yaml.compose(text, Loader)
        if node is None:
            document.complain("$", "the file is empty")
        else:
            document.value = _Reader(document).read(node, "$")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.problems.append(Problem(line, "$", "the text is not UTF-8"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.problems.append(
            Problem(line, "$", f"character U+{ord(text[error.position]):04X} is not allowed")
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        document.problems.append(Problem(mark.line + 1 if mark else 1, "$", message))
    except RecursionError:
        document.complain("$", "the text is nested too deeply")
    return document


class _Reader:
    """Turns nodes into JSON values, noting lines and problems in a document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.around: list[yaml.Node] = []
        self.count = 0

    def read(self, node: yaml.Node, path: str, line: int = 0) -> Any:
        """The JSON value of a node at a path; `line` is that of its key."""
        self.document.lines[path] = line or node.start_mark.line + 1
        self.count += 1
        if any(node is outer for outer in self.around):
            self.document.complain(path, "an alias that contains itself", "remove the alias")
            return None
        if self.count > MAX_NODES:
            if self.count == MAX_NODES + 1:
                self.document.complain(path, f"aliases expand to more than {MAX_NODES} values")
            return None
        self.around.append(node)
        value = self._of_kind(node, path)
        self.around.pop()
        return value

    def _of_kind(self, node: yaml.Node, path: str) -> Any:
        if isinstance(node, yaml.MappingNode) and node.tag == CORE + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == CORE + "seq":
            return [self.read(item, f"{path}[{number}]") for number, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self.document.complain(path, f"tag {node.tag} is not allowed")
        return None

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.document.problems.append(Problem(line, path, "a key is not a text"))
                continue
            key = self._text(str(key_node.value), path)
            if key in value:
                self.document.problems.append(Problem(line, f"{path}.{key}", f"{key} is given twice"))
                continue
            value[key] = self.read(value_node, f"{path}.{key}", line)
        return value

    def _scalar(self, node: yaml.ScalarNode, path: str) -> Any:
        text, kind = str(node.value), node.tag.removeprefix(CORE)
        if kind == "str":
            return self._text(text, path)
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            if kind == "int":
                return int(text)
            if kind == "float":
                number = float(text)
                json.dumps(number, allow_nan=False)
                return number
        except ValueError:
            self.document.complain(path, f"{text[:40]} is not a number that JSON knows")
            return None
        self.document.complain(path, f"tag {node.tag} is not allowed")
        return None

    def _text(self, text: str, path: str) -> str:
        """A text that PostgreSQL can hold. JSON writes a character beyond U+FFFF as two, which are joined."""
        try:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.document.complain(path, "the text holds half a surrogate pair")
            return ""
        if "\0" in text:
            self.document.complain(path, "the text holds a NUL character")
            return text.replace("\0", "")
        return text
