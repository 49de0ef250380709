"""The clusters that ctl manages by itself: started twice, killed, moved, run by others, and told apart."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from servers import Server

from controlplane import embedded
from controlplane.embedded import Cluster, ClusterError, embedded_bindir

ROOT = Path(__file__).parents[2]
every_server = pytest.mark.servers("local")
one_server = pytest.mark.servers("one", "local")
OUTPUT: dict[str, Any] = {"capture_output": True, "text": True, "check": False}
MakeCluster = Callable[..., Cluster]


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that the server's user can enter; pytest's own are private."""
    directory = Path(tempfile.mkdtemp(prefix="ctl test "))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def make(server: Server, home: Path) -> Iterator[MakeCluster]:
    """Makes clusters of this server's binaries below a path with a space; they are destroyed in the end."""
    made: list[Cluster] = []

    def cluster(name: str = "data", **options: str) -> Cluster:
        made.append(Cluster(Path(server.bindir), home / name, options={"fsync": "off", **options}))
        return made[-1]

    yield cluster
    for one in made:
        one.destroy()


def answer(cluster: Cluster) -> str:
    with psycopg.connect(cluster.url()) as connection:
        row = connection.execute("SELECT current_setting('server_version')").fetchone()
    assert row
    return str(row[0]).split()[0]


@every_server
def test_start_and_stop_twice(make: MakeCluster) -> None:
    cluster = make()
    for _ in range(2):
        cluster.start()
        cluster.start()
        assert cluster.is_running()
        assert answer(cluster) == cluster.version
        cluster.stop()
        cluster.stop()
        assert not cluster.is_running()
        assert cluster.postmaster_pid is None


@one_server
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a cluster from one user to another")
def test_the_server_user_may_change(make: MakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's servers run as nobody until a package makes the user postgres."""
    cluster = make()
    for user in ("nobody", "postgres"):
        monkeypatch.setattr(embedded, "server_user", lambda user=user: user)
        cluster.start()
        assert answer(cluster) == cluster.version
        assert cluster.datadir.owner() == user
        cluster.stop()


@one_server
def test_url_survives_a_restart(make: MakeCluster) -> None:
    cluster = make()
    cluster.start()
    before = cluster.url()
    cluster.stop("immediate")
    cluster.start()
    assert cluster.url() == before


@every_server
def test_a_cluster_is_utf8_with_locale_c_and_no_tcp(make: MakeCluster) -> None:
    cluster = make()
    cluster.start()
    with psycopg.connect(cluster.url()) as connection:
        facts = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, current_setting('listen_addresses') "
            "FROM pg_database WHERE datname = 'postgres'"
        ).fetchone()
    assert facts == ("UTF8", "C", "")


@one_server
def test_the_socket_is_private(make: MakeCluster) -> None:
    cluster = make()
    cluster.start()
    directory = Path(cluster.datadir.with_name("data.socket").read_text())
    assert directory.stat().st_mode & 0o777 == 0o700


@one_server
def test_options_reach_the_server(make: MakeCluster) -> None:
    cluster = make(work_mem="7MB", application_name="it's ours")
    cluster.start()
    with psycopg.connect(cluster.url()) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)
        assert connection.execute(
            "SELECT reset_val FROM pg_settings WHERE name = 'application_name'"
        ).fetchone()


@every_server
@pytest.mark.parametrize("victim", [signal.SIGKILL, signal.SIGQUIT])
def test_start_after_a_crash(make: MakeCluster, victim: signal.Signals) -> None:
    cluster = make()
    cluster.start()
    pid = cluster.postmaster_pid
    assert pid is not None
    os.kill(pid, victim)
    while cluster.is_running():
        time.sleep(0.01)
    cluster.start()
    assert cluster.postmaster_pid not in (None, pid)
    assert answer(cluster) == cluster.version


@one_server
def test_start_with_the_pid_file_of_another_process(make: MakeCluster) -> None:
    cluster = make()
    cluster.start()
    pid_file = cluster.datadir / "postmaster.pid"
    stale = pid_file.read_text().splitlines()
    cluster.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *stale[1:]]) + "\n")
    assert not cluster.is_running()
    cluster.start()
    assert cluster.is_running()


@one_server
def test_socket_directory_swept_away(make: MakeCluster) -> None:
    cluster = make()
    cluster.start()
    cluster.stop()
    shutil.rmtree(cluster.datadir.with_name("data.socket").read_text())
    cluster.start()
    assert answer(cluster) == cluster.version


@one_server
def test_socket_directory_taken_by_somebody_else(make: MakeCluster, home: Path) -> None:
    cluster = make()
    cluster.start()
    cluster.stop()
    directory = Path(cluster.datadir.with_name("data.socket").read_text())
    shutil.rmtree(directory)
    directory.mkdir()
    directory.chmod(0o777)
    try:
        cluster.start()
        assert str(directory) != cluster.datadir.with_name("data.socket").read_text()
        assert answer(cluster) == cluster.version
    finally:
        directory.rmdir()


@one_server
def test_eight_starts_at_once(make: MakeCluster) -> None:
    clusters = [make() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda cluster: cluster.start(), clusters))
    assert len({cluster.postmaster_pid for cluster in clusters}) == 1


@one_server
def test_a_start_that_fails_shows_the_log(make: MakeCluster) -> None:
    cluster = make(shared_buffers="a lot")
    with pytest.raises(ClusterError) as failure:
        cluster.start()
    assert failure.value.message == "the server did not start"
    assert 'invalid value for parameter "shared_buffers": "a lot"' in failure.value.detail


@one_server
def test_start_timeout(make: MakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = make()
    monkeypatch.setenv("PG_ATTRIBUTION_START_TIMEOUT", "0")
    with pytest.raises(ClusterError, match="not ready in 0 s"):
        cluster.start()


@one_server
def test_destroy_leaves_nothing(make: MakeCluster, home: Path) -> None:
    cluster = make()
    cluster.start()
    sockets = Path(cluster.datadir.with_name("data.socket").read_text())
    cluster.destroy()
    assert list(home.iterdir()) == []
    assert not sockets.exists()
    cluster.destroy()


@one_server
def test_url_before_the_first_start(make: MakeCluster) -> None:
    with pytest.raises(ClusterError, match="was never started"):
        make().url()


@one_server
def test_url_quotes_names(make: MakeCluster) -> None:
    cluster = make()
    cluster.start()
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute('CREATE DATABASE "a b/c?d"')
    with psycopg.connect(cluster.url("a b/c?d")) as connection:
        assert connection.info.dbname == "a b/c?d"


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can try a directory that the server's user can't enter"
)
def test_a_directory_that_the_server_cannot_enter(server: Server, home: Path) -> None:
    private = home / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(ClusterError) as failure:
        Cluster(Path(server.bindir), private / "data").start()
    assert f"cannot enter {private}" in failure.value.message
    assert "PG_ATTRIBUTION_HOME" in failure.value.hint


@one_server
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try binaries that the server's user can't reach")
def test_binaries_that_the_server_cannot_reach_are_copied(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = home / "hidden"
    hidden.mkdir(mode=0o700)
    monkeypatch.setenv("PG_ATTRIBUTION_HOME", str(home / "state"))
    source = embedded_bindir()
    for tree in (source.parent, source.parents[1].with_name(f"{source.parents[1].name}.libs")):
        if tree.exists():
            shutil.copytree(tree, hidden / tree.relative_to(source.parents[2]), symlinks=True)
    cluster = Cluster(hidden / source.relative_to(source.parents[2]), home / "data", options={"fsync": "off"})
    try:
        cluster.start()
        assert answer(cluster) == cluster.version
        assert list((home / "state" / "installs").glob("*/*/*/bin/postgres"))
    finally:
        cluster.destroy()


def python_of(user: str | None) -> str:
    """A Python that a user can run: ours, or the system's of the same version where ours is out of reach."""
    if user is None:
        return sys.executable
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    script = "import sys, psycopg, rich; print(sys.version_info[:2])"
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            tried = subprocess.run([python, "-c", script], env=environment(), user=user, cwd="/", **OUTPUT)
            if tried.stdout.strip() == str(sys.version_info[:2]):
                return python
    pytest.skip(f"no Python {sys.version_info[:2]} with our packages that the user {user} can run")


def environment(**variables: str) -> dict[str, str]:
    """Our environment without a database in it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "DATABASE_URL"))}
    return kept | {"PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])} | variables


def ctl(home: Path, *arguments: str, user: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run ctl as a user, with a state home of its own."""
    command = [python_of(user), "-m", "controlplane", *arguments]
    variables = environment(PG_ATTRIBUTION_HOME=str(home))
    return subprocess.run(command, env=variables, user=user, cwd="/", **OUTPUT)


@pytest.mark.parametrize("user", [None, "nobody"])
def test_ctl_db(home: Path, user: str | None) -> None:
    python_of(user)
    state = home / "of somebody"
    state.mkdir()
    if user:
        os.chown(state, pwd.getpwnam(user).pw_uid, -1)
    assert ctl(state, "db", "status", user=user).returncode == 1
    started = ctl(state, "db", "start", user=user)
    try:
        assert started.returncode == 0, started.stderr
        assert ctl(state, "db", "start", user=user).stdout == started.stdout
        assert ctl(state, "db", "status", user=user).stdout == started.stdout
        url = ctl(state, "db", "url", user=user).stdout.strip()
        selected = ctl(state, "db", "psql", "-Atc", "SELECT current_database()", user=user)
        assert (selected.stdout, selected.returncode) == ("attribution\n", 0), selected.stderr
        psycopg.connect(url).close()
    finally:
        assert ctl(state, "db", "stop", user=user).returncode == 0
    assert ctl(state, "db", "stop", user=user).returncode == 0
    assert ctl(state, "db", "status", user=user).returncode == 1
