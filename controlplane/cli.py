"""`ctl`: the commands, and what a user sees when something goes wrong."""

import json
import signal
import sys
from typing import Any

import click
import psycopg

from controlplane import __version__
from controlplane.commands import (
    channels,
    dlq,
    engine,
    fx,
    ingest,
    ledger,
    migrate,
    override,
    rules,
    server,
    sql,
    tenant,
    validate,
)
from controlplane.commands import explain as story
from controlplane.commands import reconcile as statement
from controlplane.commands.common import JSON_KEY
from controlplane.errors import CannotRun, CtlError

NOT_OURS = ("3F000", "42883", "42P01", "42703")  # a schema, function, table or column that isn't there


class Ctl(click.Group):
    """A group whose commands end in one readable message: exit code 1, 2 (usage) or 3 (could not run)."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Like Ctrl-C: the running statement is cancelled, and what must be tidied up is. SIGINT by name,
        # since a shell starts background jobs with it ignored, and `ctl run --watch` is one.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        return super().__call__(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except psycopg.Error as error:
            failure = explain(error)
        except CtlError as error:
            failure = error
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except OSError as error:
            failure = CannotRun(str(error), hint="check the path, its permissions and the disk")
        except Exception as error:  # a defect of ctl: say so, with the traceback that a report needs
            sys.excepthook(type(error), error, error.__traceback__)
            failure = CannotRun(f"ctl crashed: {error}", hint="this is a defect: please report it")
        if ctx.meta.get(JSON_KEY):
            click.echo(json.dumps({"error": failure.as_dict()}, indent=2))
            ctx.exit(failure.exit_code)
        raise failure


def explain(error: psycopg.Error) -> CtlError:
    """A server's error in the words that help its user."""
    diagnosis, code = error.diag, error.sqlstate or ""
    message = diagnosis.message_primary or str(error).strip()
    detail, hint = diagnosis.message_detail or "", diagnosis.message_hint or ""
    if not code or code.startswith(("08", "57P")):
        return CannotRun(f"lost the connection: {message}", hint="is the server up? `ctl db status`")
    if code in NOT_OURS:
        hint = "the schema is not what this ctl expects: `ctl migrate status`, `ctl sql check`"
        return CannotRun(message, detail=detail, hint=hint, sqlstate=code)
    if code == "42501":
        hint = hint or "connect as a superuser, or as a member of attribution_admin"
    if code == "55P03":
        hint = hint or "another session holds the lock: try again when it is done"
    return CtlError(message, detail=detail, hint=hint, sqlstate=code)


@click.group(
    "ctl", cls=Ctl, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="ctl")
def main() -> None:
    """Run pg-attribution: migrate, set up tenants, process, check, report.

    Exit codes: 0 done, 1 findings or failure, 2 usage, 3 could not run.

    \b
    Example:
      ctl demo
    """


for command in (
    migrate.migrate, validate.validate_migration, sql.sql, server.db, tenant.tenant,
    engine.run, engine.rebuild, engine.verify, engine.report, engine.demo,
    rules.rules, channels.channels, story.explain,
    ingest.ingest, dlq.dlq, statement.reconcile,
    fx.fx, override.override, ledger.ledger,
):  # fmt: skip
    main.add_command(command)
