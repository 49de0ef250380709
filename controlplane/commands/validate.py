"""ctl validate-migration."""

from pathlib import Path

import click

from controlplane.commands.common import JSON_KEY, emit, json_option, table
from controlplane.commands.common import console as terminal
from controlplane.validation import policy
from controlplane.validation.model import STAGES, Report, Severity, exit_code
from controlplane.validation.render import FORMATS
from controlplane.validation.rules import RULES, Rule
from controlplane.validation.runner import Options, validate

FILE = click.Path(path_type=Path)


class Output(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has no type arguments
    """A format, and where it goes: "text", "sarif=findings.sarif"."""

    name = "FORMAT[=PATH]"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path | None]:
        form, _, path = value.partition("=")
        if form not in FORMATS:
            self.fail(f"there is no format {form!r}; choose from {', '.join(FORMATS)}", param, ctx)
        if path and not Path(path).parent.is_dir():
            self.fail(f"there is no folder {str(Path(path).parent)!r}", param, ctx)
        return form, Path(path) if path else None


@click.command("validate-migration")
@click.argument("targets", nargs=-1, metavar="[REV | A..B | FILE.sql]...")
@click.option("--base", metavar="REF", help="Branch to compare with.  [default: origin/main, else main]")
@click.option("--setup", type=FILE, help="SQL that makes the schema that FILE.sql changes.")
@click.option("--seed", type=FILE, help="SQL that fills it. Whatever stays empty is filled by itself.")
@click.option(
    "--database-url", metavar="URL", help="A server for throwaway databases; yours are never touched."
)
@click.option("--ephemeral", is_flag=True, help="An embedded server of this run alone (the default).")
@click.option(
    "--format", "outputs", type=Output(), multiple=True, metavar="FORMAT[=PATH]",
    help=f"One of {', '.join(FORMATS)}; may be repeated, each with its file.  [default: text]",
)  # fmt: skip
@click.option(
    "--fail-on", type=click.Choice(["error", "warn"]), default="error", show_default=True,
    help="The least that makes the exit code 1.",
)  # fmt: skip
@click.option("--static-only", is_flag=True, help="Read, but run nothing and start no server.")
@click.option(
    "--stage", "stages", type=click.Choice(STAGES), multiple=True, help="Only this stage; may be repeated."
)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True,
    help="Seconds that a revision or file may take.",
)  # fmt: skip
@click.option("--list-rules", is_flag=True, help="List the rules and stop.")
@click.option("--explain", metavar="RULE", help="Explain a rule, with its safe way, and stop.")
@json_option
@click.pass_context
def validate_migration(
    context: click.Context, targets: tuple[str, ...], base: str | None, setup: Path | None, seed: Path | None,
    database_url: str | None, ephemeral: bool, outputs: tuple[tuple[str, Path | None], ...], fail_on: str,
    static_only: bool, stages: tuple[str, ...], timeout: float, list_rules: bool, explain: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Say what a migration would lock, rewrite, lose, break or open, before it does.

    Runs it on a throwaway server. TARGETS are revisions, ranges of them, or .sql files; without any, every
    revision that is newer than the base branch.

    Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 could not validate.

    \b
    Example:
      ctl validate-migration migrations/0042_add_note.sql --setup schema.sql --format sarif=findings.sarif
    """
    if list_rules:
        emit([_brief(rule) for rule in RULES.values()], as_json, _print_rules)
        return
    if explain:
        rule = RULES.get(explain.upper())
        if rule is None:
            raise click.UsageError(f"there is no rule {explain!r}: --list-rules names them")
        emit(_full(rule), as_json, lambda: click.echo(_explained(rule)))
        return
    if database_url and ephemeral:
        raise click.UsageError("--database-url and --ephemeral exclude each other")
    wanted = _outputs(outputs, as_json)
    context.meta[JSON_KEY] = ("json", None) in wanted  # errors are printed in the same form
    report = validate(
        targets,
        Options(
            base=base, setup=setup, seed=seed, database_url=database_url, static_only=static_only,
            stages=stages, timeout=timeout, fail_on=Severity(fail_on), policy=policy.load(Path.cwd()),
        ),
    )  # fmt: skip
    _write(report, wanted)
    context.exit(exit_code(report))


def _outputs(given: tuple[tuple[str, Path | None], ...], as_json: bool) -> list[tuple[str, Path | None]]:
    wanted = [*given, *([("json", None)] if as_json else [])]
    printed = {form for form, path in wanted if path is None}
    if len(printed) > 1:
        raise click.UsageError(
            f"only one format can be printed, give the others a file: {', '.join(printed)}=PATH"
        )
    return list(dict.fromkeys(wanted)) if printed else [("text", None), *dict.fromkeys(wanted)]


def _write(report: Report, wanted: list[tuple[str, Path | None]]) -> None:
    for form, path in wanted:
        text = FORMATS[form](report)
        if path is None:
            click.echo(text, nl=False)
        else:
            path.write_text(text, encoding="utf-8")


def _brief(rule: Rule) -> dict[str, object]:
    return {"rule": rule.id, "family": rule.family, "severity": rule.severity, "waivable": rule.waivable,
            "title": rule.title}  # fmt: skip


def _full(rule: Rule) -> dict[str, object]:
    more = {"what": rule.what, "why": rule.why, "safe": rule.safe, "measurable": rule.measurable}
    return _brief(rule) | more


def _print_rules() -> None:
    terminal().print(table(f"{len(RULES)} rules", [_brief(rule) for rule in RULES.values()]))


def _explained(rule: Rule) -> str:
    known = "measured when it runs, else inferred" if rule.measurable else "always inferred from the text"
    waived = {
        "revision": "can be waived in the revision",
        "policy": "can be waived in migration-policy.toml only",
        "never": "can't be waived",
    }[rule.waivable]
    return (
        f"{rule.id} {rule.title}\n{rule.family}, {rule.severity}; {known}; {waived}\n\n"
        f"{rule.what}\n\nWhy: {rule.why}\n\nThe safe way:\n\n{rule.safe}"
    )
