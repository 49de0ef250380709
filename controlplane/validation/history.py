"""An Alembic history: which revisions are new, whether it is sound, and running one step of it."""

import ast
import io
import traceback
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import to_tuple
from sqlalchemy.pool import NullPool

from controlplane import migrations, resources
from controlplane.errors import CannotRun, CtlError
from controlplane.validation import capture, repository
from controlplane.validation.capture import Recorder, shown
from controlplane.validation.model import CapturedStatement, Finding, Location
from controlplane.validation.repository import UsageProblem
from controlplane.validation.rules import finding
from controlplane.validation.sandbox import Scratch
from controlplane.validation.sqlfile import pieces


@dataclass(frozen=True)
class Revision:
    """One revision: its id, its parents (none: a first one; several: a merge) and its file.

    `irreversible` is the reason that it gives for having no way back.
    """

    id: str
    parents: tuple[str, ...]
    file: Path
    irreversible: str = ""

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Its upgrade() and downgrade() as they are written."""
        tree = ast.parse(self.file.read_text(encoding="utf-8"))
        return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

    def place(self, function: str) -> Location:
        """Where a function of the revision begins; line 1 where it has none."""
        node = self.functions.get(function)
        return Location(shown(self.file), node.lineno if node else 1)

    def does_something(self, function: str) -> bool:
        """Whether a function is there, does more than pass, and does not end in an exception."""
        node = self.functions.get(function)
        if node is None or isinstance(node.body[-1], ast.Raise):
            return False
        return not all(
            isinstance(part, ast.Pass)
            or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            for part in node.body
        )


class History:
    """The Alembic history of the working directory, else this project's own."""

    def __init__(self) -> None:
        self.is_own = False
        if Path("alembic.ini").is_file():
            self._config = Config("alembic.ini")
        else:
            here = Path("alembic").absolute()
            folder = here if (here / "env.py").is_file() else resources.directory("alembic")
            self._config = Config()
            self._config.set_main_option("script_location", str(folder).replace("%", "%%"))
            self._config.set_main_option("path_separator", "newline")
            self.is_own = folder == resources.directory("alembic")
        self.script = self._explained(lambda: ScriptDirectory.from_config(self._config))
        self.folder = Path(self.script.dir).absolute()

    @cached_property
    def revisions(self) -> list[Revision]:
        """Oldest first. Raises CannotRun for one that can't be imported, or a history without one head."""
        heads = self._explained(self.script.get_heads)
        if len(heads) > 1:
            raise CannotRun(
                f"the history has {len(heads)} heads: {', '.join(sorted(heads))}",
                hint="give the newer one the other as down_revision, or merge them: alembic merge heads",
            )
        walked = self._explained(lambda: list(self.script.walk_revisions()))
        found = []
        for script in reversed(walked):
            reason = getattr(script.module, "IRREVERSIBLE", "")
            parents = to_tuple(script.down_revision, default=())
            found.append(Revision(script.revision, parents, Path(script.path).absolute(), str(reason or "")))
        return found

    @property
    def files(self) -> dict[str, str]:
        """The revisions by file."""
        return {str(revision.file): revision.id for revision in self.revisions}

    def chosen(self, target: str) -> list[Revision]:
        """The revisions that REV or A..B means. Raises UsageProblem where there is none."""
        ids = [revision.id for revision in self.revisions]
        start, dots, end = target.partition("..")
        if not dots:
            return [self.revisions[self._index(target, ids)]]
        first = 0 if start in ("", "base") else self._index(start, ids) + 1
        last = self._index(end or "head", ids)
        if first > last:
            raise UsageProblem(
                f"{start} is not an ancestor of {end}",
                hint="write OLDER..NEWER, as `ctl migrate status` lists",
            )
        return self.revisions[first : last + 1]

    def newer_than(self, base: str | None) -> list[Revision]:
        """Those that the base branch does not have. Raises UsageProblem, as repository.newer() does."""
        return repository.newer(self.folder, self.revisions, base)

    def edited_releases(self) -> list[Finding]:
        """HY005 for each revision, and each .sql file beside them, that differs from what a tag holds."""
        return [
            finding(
                "HY005", path.name, f"{shown(path)} was released with {tag}, and is another now",
                CapturedStatement("", Location(shown(path), 1)),
            )
            for path, tag in sorted(repository.edited(self.folder).items())
        ]  # fmt: skip

    def reversal(self, revision: Revision) -> list[Finding]:
        """RV001 for a revision that does something and can't be undone, and does not say why."""
        if revision.irreversible or revision.does_something("downgrade"):
            return []
        if not revision.does_something("upgrade"):
            return []
        statement = CapturedStatement("", revision.place("downgrade"), "downgrade", revision=revision.id)
        message = f'{revision.id} has no downgrade, and no IRREVERSIBLE = "reason"'
        return [finding("RV001", revision.id, message, statement)]

    def prepare(self, scratch: Scratch) -> None:
        """What must be there before the first revision."""
        if self.is_own:
            with scratch.connect() as connection:
                connection.execute("CREATE SCHEMA IF NOT EXISTS attribution")

    def upgrade(self, scratch: Scratch, revision: str, recorder: Recorder, timeout: float) -> None:
        """Bring a throwaway database up to a revision. Raises what _run() raises."""
        self._run(scratch, recorder, timeout, lambda config: command.upgrade(config, revision))

    def downgrade(self, scratch: Scratch, revision: Revision, recorder: Recorder, timeout: float) -> None:
        """Take a revision back. Raises what _run() raises."""
        parent = _below(revision)
        self._run(scratch, recorder, timeout, lambda config: command.downgrade(config, parent))
        if self.is_own:  # as ctl migrate does
            migrations.remove_empty_schema(scratch.url)
            self.prepare(scratch)

    def written_out(self, revision: Revision, direction: str) -> list[CapturedStatement]:
        """What Alembic's --sql writes for a revision. Raises CannotRun for one that asks the database."""
        buffer = _Buffer(capture.Places(self.folder.parent, self.files))
        parent = _below(revision)
        steps = f"{parent}:{revision.id}" if direction == "upgrade" else f"{revision.id}:{parent}"
        move = command.upgrade if direction == "upgrade" else command.downgrade
        self._config.output_buffer = buffer
        try:
            move(self._config, steps, sql=True)
        except Exception as error:
            cause = _cause(error, self.files)
            message = cause.message if isinstance(cause, CannotRun) else str(cause)
            raise CannotRun(message, hint="it asks the database: leave out --static-only") from None
        return buffer.statements

    def _run(self, scratch: Scratch, recorder: Recorder, timeout: float, action: Any) -> None:
        """Run an Alembic command. psycopg.Error: the server refused; CannotRun: the revision's own error."""
        recorder.place = capture.Places(self.folder.parent, self.files)
        config, attributes = self._config, self._config.attributes
        config.set_main_option("sqlalchemy.url", "postgresql+psycopg://")
        with capture.engines_captured(scratch.url, recorder, timeout):
            engine = sqlalchemy.create_engine("postgresql+psycopg://", poolclass=NullPool)
            if self.is_own:  # as ctl migrate does
                sqlalchemy.event.listen(engine, "begin", migrations.limit_lock_waits)
            try:
                with engine.connect() as connection:
                    attributes["connection"] = connection
                    action(config)
            except Exception as error:
                raise _cause(error, self.files) from error
            except SystemExit as error:
                raise CannotRun(
                    f"a revision ended ctl: exit({error.code})", hint="revisions raise errors"
                ) from error
            finally:
                attributes.pop("connection", None)

    def _index(self, name: str, ids: list[str]) -> int:
        if name == "head":
            return len(ids) - 1
        fitting = [number for number, known in enumerate(ids) if known.startswith(name)]
        if name not in ids and len(fitting) != 1:
            raise UsageProblem(
                f"no file and no revision is called {name}",
                hint=f"the revisions are: {', '.join(ids) or 'none'}",
            )
        return ids.index(name) if name in ids else fitting[0]

    def _explained(self, action: Any) -> Any:
        """Run something that imports revisions; CannotRun says which of them can't be."""
        try:
            return action()
        except CtlError:
            raise
        except Exception as error:
            where = error.filename if isinstance(error, SyntaxError) else _last_file(error)
            line = error.lineno if isinstance(error, SyntaxError) else _last_line(error)
            place = f"{shown(Path(where))}:{line}: " if where and "site-packages" not in where else ""
            raise CannotRun(
                f"{place}{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
                hint="every revision must import, and name its parent as down_revision",
            ) from None


class _Buffer(io.StringIO):
    """Where Alembic writes a revision's SQL: each text is taken down with its place."""

    def __init__(self, place: capture.Places) -> None:
        super().__init__()
        self.place = place
        self.statements: list[CapturedStatement] = []

    def write(self, text: str) -> int:
        place = self.place(text.removesuffix("\n\n"))
        if place is not None:
            self.statements += [
                CapturedStatement(piece.sql, place.of(piece), place.direction, True, place.revision)
                for piece in pieces(text, f"{place.file}:{place.line}")
            ]
        return len(text)


def _below(revision: Revision) -> str:
    """What to go down to, to take a revision back."""
    return revision.parents[0] if revision.parents else "base"


def _cause(error: Exception, files: dict[str, str]) -> Exception:
    """The server's refusal below an error, else CannotRun naming the revision's line."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, psycopg.Error):
            return link
        if isinstance(link, CannotRun):
            return link
        link = link.__cause__ or link.__context__
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    place = f"{shown(Path(frames[-1].filename))}:{frames[-1].lineno}: " if frames else ""
    return CannotRun(f"{place}{type(error).__name__}: {error}", hint="the revision's own Python failed")


def _last_file(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].filename if frames else ""


def _last_line(error: BaseException) -> int:
    frames = traceback.extract_tb(error.__traceback__)
    return (frames[-1].lineno or 1) if frames else 1
