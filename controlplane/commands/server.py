"""ctl db: the embedded server."""

import os
import shutil
from typing import Any, NoReturn

import click

from controlplane.commands.common import emit, json_option
from controlplane.db import EMBEDDED_DATABASE, embedded_url
from controlplane.embedded import default_cluster
from controlplane.errors import CannotRun

user_option = click.option("--user", default="postgres", show_default=True, help="The role to connect as.")


@click.group()
def db() -> None:
    """Manage the embedded server of this installation.

    \b
    Example:
      ctl db start
    """


@db.command()
@json_option
def start(as_json: bool) -> None:
    """Start the server; the first start creates it. Starting it twice is fine.

    \b
    Example:
      ctl db start
    """
    embedded_url()
    _print_state(_state(), as_json)


@db.command()
@click.option("--mode", type=click.Choice(["smart", "fast", "immediate"]), default="fast", show_default=True)
@json_option
def stop(mode: str, as_json: bool) -> None:
    """Stop the server and keep its data. Stopping it twice is fine.

    \b
    Example:
      ctl db stop
    """
    cluster = default_cluster()
    if cluster.datadir.exists():
        cluster.stop(mode)
    _print_state(_state(), as_json)


@db.command()
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show whether the server runs, and where. Exit code 1 if it does not.

    \b
    Example:
      ctl db status --json
    """
    state = _state()
    _print_state(state, as_json)
    context.exit(0 if state["running"] else 1)


@db.command()
@user_option
@json_option
def url(user: str, as_json: bool) -> None:
    """Print the server's URL, starting it if need be.

    \b
    Example:
      psql "$(ctl db url)"
    """
    embedded_url()
    address = default_cluster().url(EMBEDDED_DATABASE, user)
    emit({"url": address}, as_json, lambda: click.echo(address))


@db.command(context_settings={"ignore_unknown_options": True})
@user_option
@click.option("--json", "as_json", is_flag=True, help="Print the command that would run, as JSON.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(user: str, as_json: bool, arguments: tuple[str, ...]) -> None:
    """Open psql on the server, starting it if need be. ARGUMENTS go to psql.

    \b
    Example:
      ctl db psql -c 'SELECT * FROM attribution.list_tenants()'
    """
    embedded_url()
    cluster = default_cluster()
    bundled = cluster.bindir / "psql"
    program = str(bundled) if os.access(bundled, os.X_OK) else shutil.which("psql")
    if program is None:
        raise CannotRun("there is no psql here", hint="install PostgreSQL's client programs")
    command = [program, cluster.url(EMBEDDED_DATABASE, user), *arguments]
    emit({"command": command}, as_json, lambda: _replace_process(command))


def _replace_process(command: list[str]) -> NoReturn:
    os.execv(command[0], command)


def _state() -> dict[str, Any]:
    cluster = default_cluster()
    running = cluster.is_running()
    return {
        "running": running,
        "pid": cluster.postmaster_pid,
        "version": cluster.version,
        "url": cluster.url(EMBEDDED_DATABASE) if running else None,
        "data": str(cluster.datadir),
        "log": str(cluster.log),
    }


def _print_state(state: dict[str, Any], as_json: bool) -> None:
    def text() -> None:
        running = f"running (pid {state['pid']})" if state["running"] else "stopped"
        click.echo(f"PostgreSQL {state['version']}: {running}")
        for name in ("url", "data", "log"):
            if state[name]:
                click.echo(f"  {name:<5}{state[name]}")

    emit(state, as_json, text)
