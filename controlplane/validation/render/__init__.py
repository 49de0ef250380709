"""One report, every format: each module has render(report) and adds nothing that the report doesn't say."""

from collections.abc import Callable

from controlplane.validation.model import Report
from controlplane.validation.render import github, json, junit, markdown, sarif, text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": json.render,
    "github": github.render,
    "sarif": sarif.render,
    "junit": junit.render,
    "markdown": markdown.render,
}
