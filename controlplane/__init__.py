"""The control plane of pg-attribution: it migrates, checks and prints. SQL computes every credit."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("pg-attribution")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+checkout"
