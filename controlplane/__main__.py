"""`python -m controlplane` is `ctl`."""

from controlplane.cli import main

main(prog_name="ctl")
