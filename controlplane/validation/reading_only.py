"""--static-only: what the text alone says, without a server. Revisions are what Alembic's --sql writes."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from controlplane.errors import CannotRun
from controlplane.validation import sketch, sqlfile, static
from controlplane.validation.capture import Place, shown
from controlplane.validation.catalog import Catalog
from controlplane.validation.history import History, Revision
from controlplane.validation.model import (
    STAGES,
    CapturedStatement,
    StageResult,
    Status,
    UnitReport,
)
from controlplane.validation.policy import Policy

Capture = Callable[[], list[CapturedStatement]]
NEWEST = 18  # the major version that is assumed where no server says its own


def read(
    files: Sequence[Path],
    revisions: Sequence[Revision],
    history: History | None,
    policy: Policy,
    setup: Path | None = None,
) -> list[UnitReport]:
    """Read files and revisions. What `setup` does not make is not known, and not taken for harmless."""
    catalog = Catalog(tenant_columns=policy.tenant_columns, spanning_roles=policy.spanning_roles)
    if setup:
        catalog = sketch.catalog(_readable(setup), catalog)
    reports = [_unit(shown(path), partial(_file, path), catalog, None) for path in files]
    if history:
        own = 10_000 if history.is_own else None
        reports += [_unit(one.id, partial(_revision, history, one), catalog, own) for one in revisions]
    return reports


def _readable(setup: Path) -> str:
    text = sqlfile.read(setup)
    sqlfile.pieces(text, shown(setup))  # says where it can't be read
    return text


def _unit(name: str, capture: Capture, catalog: Catalog, lock_timeout_ms: int | None) -> UnitReport:
    started = time.monotonic()
    try:
        statements = capture()
    except CannotRun as error:
        return UnitReport(name, stages=_stages("capture", Status.FAILED, f"{error.message}; {error.hint}"))
    found = static.read(statements, catalog, NEWEST, lock_timeout_ms)
    detail = f"{len(statements)} statements"
    stages = _stages("capture", Status.PASSED, detail, Status.RUN if found else Status.PASSED)
    return UnitReport(name, found, stages=stages, seconds=time.monotonic() - started)


def _stages(name: str, status: Status, detail: str, read: Status = Status.NOT_RUN) -> list[StageResult]:
    told = {name: StageResult(name, status, detail), "static": StageResult("static", read)}
    return [told.get(stage) or StageResult(stage, Status.NOT_RUN, "--static-only") for stage in STAGES]


def _file(path: Path) -> list[CapturedStatement]:
    text, place = sqlfile.read(path), Place(shown(path), 1, whole=True)
    pieces = sqlfile.pieces(text, place.file)
    inside = sqlfile.in_transaction(text, pieces)
    statements = []
    for piece in pieces:
        ends = sqlfile.controls_transaction(piece)
        opened = sqlfile.opens(piece)
        statements.append(CapturedStatement(piece.sql, place.of(piece), in_transaction=inside or ends))
        inside = opened if ends else inside
    return statements


def _revision(history: History, revision: Revision) -> list[CapturedStatement]:
    up = history.written_out(revision, "upgrade")
    if revision.irreversible or not revision.does_something("downgrade"):
        return up
    return up + history.written_out(revision, "downgrade")
