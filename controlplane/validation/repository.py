"""What git knows of a history: which revisions a base branch has, and which were edited after a release."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from controlplane.errors import CtlError

BRANCHES = ("origin/main", "main", "origin/master", "master")


class UsageProblem(CtlError):
    """What was asked for makes no sense: no such file, revision or branch (exit code 2)."""

    exit_code = 2


class HasFile(Protocol):
    """A revision, as far as git is concerned."""

    @property
    def id(self) -> str:
        """Its id, which is also the name of the folder of its snapshots, if it has any."""

    @property
    def file(self) -> Path:
        """Its module."""


Kept = TypeVar("Kept", bound=HasFile)


def newer(folder: Path, revisions: Sequence[Kept], base: str | None) -> list[Kept]:
    """The revisions below `folder` that the base branch does not have, or has otherwise.

    Without git that is all of them. Raises UsageProblem for a base that git doesn't know, or that shares no
    history with what is checked out.
    """
    if _git(folder, "rev-parse", "--git-dir") is None:
        if base is not None:
            raise UsageProblem(f"no git repository to look for {base} in", hint="name the revisions: A..B")
        return list(revisions)
    fork = _fork(folder, [base] if base else BRANCHES)
    there = _paths(folder, "ls-tree", "-r", "--name-only", fork)
    touched = _paths(folder, "diff", "--name-only", "--relative", fork)
    return [
        revision
        for revision in revisions
        if revision.file not in there
        or any(path == revision.file or revision.id in path.relative_to(folder).parts for path in touched)
    ]


def edited(folder: Path) -> dict[Path, str]:
    """The modules and .sql files below `folder` that differ from what a tag holds, with that tag."""
    found = {}
    for tag in (_git(folder, "tag") or "").split():
        for path in _paths(folder, "diff", "--name-only", "--diff-filter=MD", "--relative", tag):
            if path.suffix in (".py", ".sql") and path.name != "env.py":
                found[path] = tag
    return found


def _fork(folder: Path, names: Sequence[str]) -> str:
    """The commit where this branch left the base branch, the first of `names` that git knows."""
    known = [name for name in names if _git(folder, "rev-parse", "--verify", f"{name}^{{commit}}")]
    if not known:
        raise UsageProblem(
            f"git knows no {' or '.join(names)}",
            hint="fetch it (actions/checkout: fetch-depth: 0), or name another: --base REF",
        )
    fork = _git(folder, "merge-base", "HEAD", known[0])
    if fork is None:
        raise UsageProblem(
            f"{known[0]} and HEAD have no common ancestor",
            hint="fetch the whole history (fetch-depth: 0), or name another base: --base REF",
        )
    return fork.strip()


def _paths(folder: Path, *arguments: str) -> set[Path]:
    """The files that a git command lists, of those below a folder."""
    listed = _git(folder, *arguments, "--", ".") or ""
    return {folder / name for name in listed.split("\n") if name}


def _git(folder: Path, *arguments: str) -> str | None:
    """The output of a git command; None where there is no git, no repository or no answer."""
    git = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=off", *arguments]
    try:
        done = subprocess.run(git, cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
