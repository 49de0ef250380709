"""`ctl sql freeze`: turn what changed in sql/ into a revision. Revisions run snapshots, never sql/."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from controlplane import migrations, objects, resources
from controlplane.errors import CannotRun, CtlError
from controlplane.revision import snapshot
from controlplane.sqltext import created

LINE = re.compile(r'^\s*(apply|drop)\("([^"]+)", "([^"]+)"\)', re.MULTILINE)
BLOCK = re.compile(r"    # <objects>\n.*?    # </objects>\n", re.DOTALL)
TEMPLATE = '''"""{message}."""

from controlplane.revision import apply, drop

revision = "{revision}"
down_revision = "{previous}"
branch_labels = None
depends_on = None

__all__ = ["apply", "drop"]


def upgrade() -> None:
    # <objects>
    # </objects>


def downgrade() -> None:
    # <objects>
    # </objects>
'''


@dataclass(frozen=True)
class Frozen:
    """What a freeze wrote: the revision, its file, and the paths below sql/ that it changes and removes."""

    revision: str
    file: str
    changed: list[str]
    removed: list[str]


def freeze(message: str, *, amend: bool = False) -> Frozen | None:
    """Freeze what changed in sql/ into a new revision, or the newest one (`amend`). None: nothing changed.

    Raises CannotRun outside a checkout, and CtlError when the newest revision is in a release already.
    """
    root = resources.checkout()
    if root is None:
        raise CannotRun("only a checkout can freeze sql/", hint="clone the repository and run ctl there")
    known = migrations.revisions()
    revision = known[-1] if amend else f"{int(known[-1]) + 1:04d}"
    before = frozen(known[:-1] if amend else known)
    listed = objects.manifest()
    changed = [path for path in listed if path not in before or _differs(before[path], path)]
    removed = [path for path in before if path not in listed]
    if not amend and not changed and not removed:
        return None
    file = revision_file(revision) if amend else root / "alembic/versions" / f"{revision}_{_slug(message)}.py"
    text = (
        file.read_text() if amend else TEMPLATE.format(message=message, revision=revision, previous=known[-1])
    )
    if amend:
        _refuse_released(root, file)
    _write_snapshots(root / "alembic/snapshots" / revision, changed)
    file.write_text(_with_blocks(text, *_lines(text, revision, before, changed, removed)))
    return Frozen(revision, file.relative_to(root).as_posix(), changed, removed)


def frozen(revisions: list[str]) -> dict[str, str]:
    """The snapshot in force after these revisions: path below sql/ -> the revision that holds it."""
    state: dict[str, str] = {}
    for revision in revisions:
        text = revision_file(revision).read_text()
        for verb, source, path in LINE.findall(text.partition("def downgrade")[0]):
            if verb == "drop" and state.get(path) == source:
                del state[path]
            elif verb == "apply" and not path.startswith("tables/"):
                state[path] = source
    return state


def pending() -> dict[str, str]:
    """The files of sql/ that differ from what is frozen at head, and how."""
    state, listed = frozen(migrations.revisions()), objects.manifest()
    problems = {path: "is in no revision: run ctl sql freeze" for path in listed if path not in state}
    problems |= {
        path: f"has changed since revision {state[path]} froze it: run ctl sql freeze"
        for path in listed
        if path in state and _differs(state[path], path)
    }
    problems |= {
        path: f"is gone, but revision {state[path]} creates it" for path in state if path not in listed
    }
    return problems


def _differs(revision: str, path: str) -> bool:
    return snapshot(revision, path) != objects.source(path)


def revision_file(revision: str) -> Path:
    """The Python file of a revision."""
    return next((resources.directory("alembic") / "versions").glob(f"{revision}_*.py"))


def _lines(
    text: str, revision: str, before: dict[str, str], changed: list[str], removed: list[str]
) -> tuple[list[str], list[str]]:
    """The lines of the upgrade and of the downgrade, but for files that the revision applies by hand."""
    outside = BLOCK.sub("", text).partition("def downgrade")[0]
    by_hand = {path for verb, _, path in LINE.findall(outside) if verb == "apply"}
    changed = [path for path in changed if path not in by_hand]
    replaced = [
        path for path in changed if path in before and _needs_drop(snapshot(before[path], path), path)
    ]
    gone = [path for path in before if path in replaced or path in removed]
    up = [_call("drop", before[path], path) for path in reversed(gone)]
    up += [_call("apply", revision, path) for path in changed]
    new = [path for path in changed if path not in before or path in replaced]
    down = [_call("drop", revision, path) for path in reversed(new)]
    down += [_call("apply", before[path], path) for path in before if path in changed or path in removed]
    return up, down


def _call(verb: str, revision: str, path: str) -> str:
    return f'    {verb}("{revision}", "{path}")\n'


def _needs_drop(old: str, path: str) -> bool:
    """Whether CREATE OR REPLACE can't make the frozen object that of sql/: another signature, or a view."""
    before, after = created(old), created(objects.source(path))
    if any(item.kind == "VIEW" for item in before):
        return True
    return [item.signature if item.is_routine else item.drop for item in before] != [
        item.signature if item.is_routine else item.drop for item in after
    ]


def _with_blocks(text: str, up: list[str], down: list[str]) -> str:
    upgrade, separator, downgrade = text.partition("def downgrade")
    return _with_block(upgrade, up) + separator + _with_block(downgrade, down)


def _with_block(text: str, lines: list[str]) -> str:
    if not BLOCK.search(text):
        raise CtlError("the revision has no block between # <objects> and # </objects>")
    return BLOCK.sub(lambda _: f"    # <objects>\n{''.join(lines)}    # </objects>\n", text)


def _write_snapshots(folder: Path, changed: list[str]) -> None:
    for path in folder.rglob("*.sql"):
        relative = path.relative_to(folder).as_posix()
        if relative not in changed and not relative.startswith("tables/"):
            path.unlink()
    for relative in changed:
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(objects.source(relative), encoding="utf-8")


def _refuse_released(root: Path, file: Path) -> None:
    path = file.relative_to(root).as_posix()
    for tag in _git(root, "tag").split():
        if _git(root, "ls-tree", "--name-only", tag, "--", path):
            raise CtlError(f"{path} is in release {tag} and must not change", hint="freeze without --amend")


def _git(root: Path, *arguments: str) -> str:
    """The output of a git command; nothing where there is no git or no repository, hence no release."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def _slug(message: str) -> str:
    return re.sub(r"\W+", "_", message.lower()).strip("_")[:40] or "objects"
