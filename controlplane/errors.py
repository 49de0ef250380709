"""What can go wrong for a user: one readable message, a hint and an exit code, never a traceback."""

from typing import Any

import click


class CtlError(click.ClickException):
    """A failure or a finding (exit code 1), with the details that a user or a machine needs."""

    exit_code = 1

    def __init__(self, message: str, *, detail: str = "", hint: str = "", sqlstate: str = "") -> None:
        super().__init__(message)
        self.detail = detail
        self.hint = hint
        self.sqlstate = sqlstate

    def as_dict(self) -> dict[str, Any]:
        """The error for `--json`: message, and whichever of sqlstate, detail and hint are known."""
        fields = ("message", "sqlstate", "detail", "hint")
        return {name: value for name in fields if (value := getattr(self, name))}

    def __str__(self) -> str:
        return self.format_message()

    def format_message(self) -> str:
        code = f" ({self.sqlstate})" if self.sqlstate else ""
        lines = [f"{self.message}{code}"]
        lines += [f"Detail: {self.detail}"] if self.detail else []
        lines += [f"Hint: {self.hint}"] if self.hint else []
        return "\n".join(lines)


class CannotRun(CtlError):
    """The command could not run at all: no server, no database, no schema (exit code 3)."""

    exit_code = 3
