"""The last lines of a run: each server with its version and its tests, and what could not run and why."""

from collections import Counter

import pytest
from servers import Fleet, Server


class Summary:
    """A plugin of the run's controller: counts reports, fails a run that proves too little."""

    def __init__(self, config: pytest.Config, fleet: Fleet) -> None:
        self.config = config
        self.fleet = fleet
        self.outcomes: dict[str, Counter[str]] = {}
        self.narrowed: dict[str, str] = {}
        self.skips: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = {str(key): str(value) for key, value in report.user_properties}
        server = properties.get("server", "")
        if report.when == "call" or not report.passed:
            self.outcomes.setdefault(server, Counter())[report.outcome] += 1
        if "narrowed" in properties and report.when == "call":
            self.narrowed[report.nodeid] = server
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skips[reason.removeprefix("Skipped: ")] += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.faults() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Stop the servers, then say what they did: below pytest's own last line."""
        self.fleet.close()
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal and not self.config.option.collectonly:
            terminal.ensure_newline()
            for line in self.lines():
                terminal.write_line(line)

    def faults(self) -> list[str]:
        """Why the run fails although no test did."""
        faults = [f"{name} did not start: {reason}" for name, reason in self.fleet.broken.items()]
        if not any(server.has_pgtap for server in self.fleet.servers.values()):
            faults.append("no server with pgTAP ran (apt-get install postgresql-15 postgresql-15-pgtap)")
        return faults

    def lines(self) -> list[str]:
        lines = ["servers of this run:"]
        lines += [f"  {server.name:<11} {self.tests(server)}" for server in self.fleet.servers.values()]
        if "" in self.outcomes:
            lines.append(f"  {'no server':<11} {counts(self.outcomes[''])}")
        for server, number in Counter(self.narrowed.values()).items():
            lines.append(f"  of these, kept to one server by their marker: {number} (on {server})")
        lines += [f"  skipped {number}: {reason}" for reason, number in self.skips.items()]
        lines += [f"  {name:<11} could not run: {reason}" for name, reason in self.fleet.absent.items()]
        return lines + [f"  FAILED: {fault}" for fault in self.faults()]

    def tests(self, server: Server) -> str:
        tap = "pgtap" in server.extensions
        has = ["pgTAP" if tap else "pgTAP loaded as SQL" if server.has_pgtap else "no pgTAP"]
        has += [name for name in server.extensions if name != "pgtap"]
        ran = counts(self.outcomes.get(server.name, Counter()))
        return f"PostgreSQL {server.version:<6} {ran} ({', '.join(has)})"


def counts(outcomes: Counter[str]) -> str:
    """Outcomes in words: 40 passed, 3 skipped."""
    present = [word for word in ("passed", "failed", "skipped") if outcomes[word]]
    return ", ".join(f"{outcomes[word]} {word}" for word in present) or "no test"
