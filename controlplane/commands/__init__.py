"""The commands of ctl, one module per subject: parse, call, print."""
