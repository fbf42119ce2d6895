# SPDX-License-Identifier: Apache-2.0
"""One set of running servers for all tests; each test has its own schemas and store."""
import atexit
import contextlib
import fcntl
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid

import pymysql
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KURA_BIN", TOP / "build/debug/bin"))
SERVERS = TOP / "tests/servers"
MYSQL_ROOT = os.environ.get(
    "KURA_MYSQL_ROOT", str(pathlib.Path.home() / ".cache/kura/mysql-9.7"))
MARIADB_ROOT = os.environ.get("KURA_MARIADB_ROOT", "/")
S3_KEY = "kurakurakurakurakura"
S3_SECRET = "kurasecretkurasecretkurasecretkurasecret"

HOME = tempfile.mkdtemp(prefix="kura-home-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

# Nobody's own settings may reach the programs under test.
for name in list(os.environ):
    if name.startswith(("KURA_", "AWS_", "MYSQL_")) and name not in (
            "KURA_BIN", "KURA_MYSQL_ROOT", "KURA_MARIADB_ROOT"):
        del os.environ[name]


def free_port():
    """A port below those that the system gives to clients; parts of a run that are on at once do not meet."""
    part = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4
    while True:
        port = 12000 + part * 5000 + random.randrange(5000)
        with contextlib.closing(socket.socket()) as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def fetch(script, root):
    """Download a server once, whoever asks first."""
    pathlib.Path(root).parent.mkdir(parents=True, exist_ok=True)
    with open(root + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run([str(script), "fetch", root], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == 0, f"{script} fetch: {done.stderr}"


class Server:
    """A real server in a folder of its own."""

    def __init__(self, kind, name, ident, options=(), root=None):
        self.kind, self.name = kind, name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"kura-{kind}-{name}-"))
        self.port = free_port()
        self.ident = ident
        self.socket = str(self.dir / "mysql.sock")
        self.options = ["--innodb-flush-log-at-trx-commit=0",
                        "--innodb-buffer-pool-size=256M", "--sync-binlog=0",
                        *options]
        self.script = SERVERS / f"{kind}.sh"
        self.root = root or (MARIADB_ROOT if kind == "mariadb" else MYSQL_ROOT)
        if self.root != "/":
            fetch(self.script, self.root)
        self._run("init", self.root, str(self.dir))
        self.start()

    def _run(self, *args):
        done = subprocess.run([str(self.script), *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{self.script} {args}: {done.stderr}"

    def start(self):
        self._run("start", self.root, str(self.dir), str(self.port),
                  str(self.ident), *self.options)

    def stop(self):
        self._run("stop", str(self.dir))

    def kill(self):
        name = "mariadbd.pid" if self.kind == "mariadb" else "mysqld.pid"
        os.kill(int((self.dir / name).read_text()), signal.SIGKILL)

    def connect(self, **options):
        options.setdefault("user", "root")
        return pymysql.connect(unix_socket=self.socket, autocommit=True,
                               charset="utf8mb4", **options)

    def sql(self, *statements, **options):
        """Run statements on one connection; rows of the last one."""
        with contextlib.closing(self.connect(**options)) as c:
            with c.cursor() as cursor:
                for text in statements:
                    cursor.execute(text)
                return cursor.fetchall()

    def schemas(self):
        return [r[0] for r in self.sql("SHOW DATABASES") if r[0] not in (
            "mysql", "sys", "information_schema", "performance_schema")]

    def forget_xa(self):
        """What a test left prepared holds its tables."""
        for form, gtrid, bqual, data in self.sql("XA RECOVER"):
            raw = data.encode("utf8", "surrogateescape") if isinstance(data, str) else data
            self.sql(f"XA ROLLBACK X'{raw[:gtrid].hex()}', X'{raw[gtrid:gtrid + bqual].hex()}', {form}")

    def clear(self):
        self.forget_xa()
        for name in self.schemas():
            quoted = name.replace("`", "``")
            self.sql("SET foreign_key_checks=0, lock_wait_timeout=60", f"DROP DATABASE `{quoted}`")

    def binlog_tool(self):
        """The command that reads binary logs, of the server's own version."""
        return [str(self.script), "run", self.root, "mariadb-binlog" if self.kind == "mariadb" else "mysqlbinlog"]

    def args(self):
        return [f"--socket={self.socket}", "--user=root"]


@pytest.fixture(scope="session")
def servers():
    running = {}

    def get(kind, name):
        if (kind, name) not in running:
            running[kind, name] = Server(kind, name, 100 + len(running))
        return running[kind, name]

    yield get
    for server in running.values():
        server.stop()
        shutil.rmtree(server.dir, ignore_errors=True)


@pytest.fixture(params=["mariadb", "mysql"])
def kind(request):
    return request.param


@pytest.fixture
def source(servers, kind):
    server = servers(kind, "source")
    server.clear()
    yield server
    server.clear()


@pytest.fixture
def target(servers, kind):
    server = servers(kind, "target")
    server.clear()
    yield server
    server.clear()


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"status {self.status}\n{self.out}\n{self.err}"


def run(program, *args, env=None, timeout=300, **options):
    done = subprocess.run([str(BIN / program), *map(str, args)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, "HOME": HOME, **(env or {})},
                          timeout=timeout, **options)
    return Result(done)


STARTED = []


def start(program, *args, env=None, log=None, under=()):
    """A program that goes on until it is told to stop, or the test ends; log: a file for all it says; under: what is to
    run it."""
    with open(log or os.devnull, "a") as file:
        out = {"stdout": file, "stderr": file} if log else {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        STARTED.append(subprocess.Popen([*map(str, under), str(BIN / program), *map(str, args)], stdin=subprocess.DEVNULL,
                                        text=True, env={**os.environ, "HOME": HOME, **(env or {})}, **out))
    return STARTED[-1]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    """What a failed test left running must not hold up the next one's servers."""
    while STARTED:
        one = STARTED.pop()
        if one.poll() is None:
            one.kill()
            one.wait()


@pytest.fixture
def kura():
    return run


@contextlib.contextmanager
def running_gateway():
    """A real S3 server: its endpoint."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kura-rgw-"))
    port = free_port()
    script = str(SERVERS / "rgw.sh")
    done = subprocess.run([script, "start", str(folder), str(port), S3_KEY, S3_SECRET],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=180)
    try:
        assert done.returncode == 0, done.stderr
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run([script, "stop", str(folder)], timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def gateway():
    with running_gateway() as endpoint:
        yield endpoint


S3_ENV = {"AWS_ACCESS_KEY_ID": S3_KEY, "AWS_SECRET_ACCESS_KEY": S3_SECRET}


class Store:
    """Where a test's backups go: options and environment for the programs."""

    def __init__(self, url, args=(), env=None, path=None, client=None, bucket=None):
        self.url, self.env, self.path = url, env or {}, path
        self.args = [f"--store={url}", *args]
        self.client, self.bucket = client, bucket

    def keys(self):
        if self.path:
            return sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*")
                          if p.is_file() and ".tmp" not in p.parts)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sorted(o["Key"] for page in pages for o in page.get("Contents", ()))


@pytest.fixture
def directory(tmp_path):
    return Store(f"file://{tmp_path}/store", path=tmp_path / "store")


def new_bucket(gateway):
    import boto3
    name = f"kura-{uuid.uuid4().hex[:12]}"
    client = boto3.client("s3", endpoint_url=gateway, aws_access_key_id=S3_KEY,
                          aws_secret_access_key=S3_SECRET, region_name="us-east-1")
    client.create_bucket(Bucket=name)
    return Store(f"s3://{name}/backups", [f"--s3-endpoint={gateway}"], S3_ENV,
                 client=client, bucket=name)


@pytest.fixture
def bucket(gateway):
    return new_bucket(gateway)


@pytest.fixture(params=["file", "s3"])
def store(request):
    return request.getfixturevalue({"file": "directory", "s3": "bucket"}[request.param])
