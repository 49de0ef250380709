"""For GitHub Actions: workflow commands, which become annotations at the file and line."""

from controlplane.validation.model import Report, Severity, worst_first
from controlplane.validation.render.words import COULD_NOT, detail, headline, title

COMMANDS = {Severity.ERROR: "error", Severity.WARN: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """One command per finding that no waiver covers and per stage that failed, then the verdict."""
    lines = []
    for finding in worst_first(report.findings()):
        where = {"file": finding.location.file, "line": finding.location.line, "title": title(finding)}
        lines.append(_command(COMMANDS[finding.severity], where, detail(finding)))
    for name, stage in report.could_not_validate:
        message = f"{name}: {stage.name}: {stage.detail or COULD_NOT}"
        lines.append(_command("error", {"title": COULD_NOT}, message))
    return "\n".join([*lines, headline(report)]) + "\n"


def _command(name: str, properties: dict[str, str | int | None], message: str) -> str:
    given = ",".join(
        f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None
    )
    return f"::{name} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
