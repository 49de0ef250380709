"""ctl ingest: a file of events, line by line."""

from pathlib import Path

import click

from controlplane.commands.common import (
    database_option,
    emit,
    find_tenant,
    json_option,
    reading_bar,
    session,
)  # fmt: skip
from controlplane.eventlines import is_field
from controlplane.ingest import Importer, Summary, opened

FORMATS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson"}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--tenant", required=True, help="Id or exact name.")
@click.option("--format", "form", type=click.Choice(["ndjson", "csv"]),
              help="Default: by the file's ending; ndjson for -.")  # fmt: skip
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD",
              help="Rename a column: to a field, to raw_payload.NAME, or to - (left out).")  # fmt: skip
@click.option("--batch", type=click.IntRange(1, 10000), default=1000, show_default=True,
              help="Lines per transaction.")  # fmt: skip
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path),
              help="Write what is quarantined there, as NDJSON: line, code, error, event.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit with 1 if anything was quarantined.")
@database_option
@json_option
@click.pass_context
def ingest(
    context: click.Context, file: str, tenant: str, form: str | None, maps: tuple[str, ...], batch: int,
    rejects: Path | None, strict: bool, database_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Import events from FILE (NDJSON or CSV, gzip too), or from standard input with -.

    Run again, it goes on where it stopped: no event is lost or doubled, wherever it was killed. Of a file
    that has grown since, what is new is imported.

    \b
    Example:
      ctl ingest events.csv --tenant "Acme Shop" --map order=transaction_id --rejects bad.ndjson
    """
    form = form or _form(file)
    mapping = _mapping(maps)
    with (
        session(database_url) as connection,
        opened(file) as source,
        reading_bar(source) as moved,
    ):
        importer = Importer(connection, find_tenant(connection, tenant), source, rejects=rejects, moved=moved)
        summary = importer.run(form, mapping, batch)
    emit(summary.as_dict(), as_json, lambda: click.echo(_words(summary)))
    context.exit(1 if strict and summary.quarantined else 0)


def _form(file: str) -> str:
    name = Path(file.lower().removesuffix(".gz"))
    if file == "-":
        return "ndjson"
    if name.suffix not in FORMATS:
        raise click.UsageError(f"is {file} ndjson or csv? Its name does not say: give --format")
    return FORMATS[name.suffix]


def _mapping(maps: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for given in maps:
        column, equals, field = given.rpartition("=")
        if not (equals and column and is_field(field)):
            raise click.UsageError(f"--map {given}: not COLUMN=FIELD with a field that events have")
        mapping[column] = field
    return mapping


def _words(summary: Summary) -> str:
    lines = [f"{summary.source}: {summary.lines:,} lines"]
    if summary.resumed_after_line:
        lines[0] += f" after line {summary.resumed_after_line:,}, up to which it was imported before"
    for name in ("accepted", "duplicates", "quarantined"):
        lines.append(f"  {name:<12}{getattr(summary, name):>12,}")
    lines += [f"    {code:<20}{count:>12,}" for code, count in summary.codes.most_common()]
    lines += [f"  line {bad['line']}: {bad['code']}: {bad['error']}" for bad in summary.first]
    if summary.quarantined > len(summary.first):
        lines.append(
            f"  … and {summary.quarantined - len(summary.first):,} more: --rejects FILE, ctl dlq list"
        )
    return "\n".join(lines)
