"""Where sql/ and alembic/ live: at the root of a checkout, or inside an installed wheel."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def directory(name: str) -> Path:
    """The directory `sql` or `alembic`."""
    installed = PACKAGE / f"_{name}"
    return installed if installed.is_dir() else PACKAGE.parent / name


def checkout() -> Path | None:
    """The root of the checkout that this code runs from, or None for an installed wheel."""
    return None if (PACKAGE / "_sql").is_dir() else PACKAGE.parent
