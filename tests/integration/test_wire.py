# SPDX-License-Identifier: Apache-2.0
"""The wire module against real servers, and real replicas against it."""
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest

from conftest import BIN, Server

TOOLS = BIN.parent / "tools"
PASSWORD = "pa ss'word-of-32-characters, yes"
BIG = 17 << 20                  # no frame holds it
ENV = {**os.environ, "WIRECAT_PASSWORD": PASSWORD}


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


def make_certificates(folder):
    """A CA, and the certificate of a server on this host."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-subj", "/CN=test CA", "-days", "2")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key",
            "-out", "server.csr", "-subj", "/CN=db1")
    (folder / "names").write_text("subjectAltName=DNS:db1.example,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "names")


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def primary(request, tmp_path_factory):
    """A server of our own: with TLS, semi-synchronous, and few binary logs."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    options = [f"--ssl-ca={folder}/ca.pem", f"--ssl-cert={folder}/server.pem",
               f"--ssl-key={folder}/server.key", "--max-allowed-packet=64M"]
    if request.param == "mysql":
        options.append("--plugin-load-add=semisync_source.so")
    server = Server(request.param, "wire", 150, options)
    server.ca = folder / "ca.pem"
    quoted = PASSWORD.replace("'", "''")
    for user in "wire", "replica":
        server.sql(f"CREATE USER {user}@'%' IDENTIFIED BY '{quoted}'",
                   f"GRANT ALL ON *.* TO {user}@'%'")
    yield server
    server.stop()
    shutil.rmtree(server.dir, ignore_errors=True)


def arguments(server, *args):
    return [str(TOOLS / "wirecat"), f"--port={server.port}", "--user=wire", *map(str, args)]


def wirecat(server, *args, password=PASSWORD):
    return subprocess.run(arguments(server, *args), capture_output=True, timeout=120,
                          stdin=subprocess.DEVNULL,
                          env={**ENV, "WIRECAT_PASSWORD": password})


def good(server, *args):
    done = wirecat(server, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(server, why, *args, **options):
    done = wirecat(server, *args, "query", "SELECT 1", **options)
    assert done.returncode == 1 and done.stdout == b""
    assert done.stderr.decode() == f"wirecat: {why}\n"


# --- login and queries ---

def test_login(primary):
    assert good(primary, "query", "SELECT 1, NULL, ''", "SELECT 'b'") == b"1\tNULL\t\nb\n"
    version = wirecat(primary, "query").stderr.decode()
    assert version.startswith(f"server {primary.sql('SELECT VERSION()')[0][0]}, connection ")
    refused(primary, "server error 1045: Access denied for user 'wire'@'localhost' "
            "(using password: YES)", password="wrong")
    refused(primary, "server error 1045: Access denied for user 'wire'@'localhost' "
            "(using password: NO)", password="")
    assert good(primary, f"--socket={primary.socket}", "query", "SELECT 1") == b"1\n"


def test_login_in_tls(primary):
    def cipher(*args):
        return good(primary, *args, "query", "SHOW STATUS LIKE 'Ssl_version'").split()[1:]
    assert cipher() == []
    for mode in "PREFERRED", "REQUIRED":
        assert cipher(f"--ssl-mode={mode}")[0].startswith(b"TLSv1.")
    ca = f"--ssl-ca={primary.ca}"
    assert cipher("--ssl-mode=VERIFY_CA", ca, "--host=elsewhere") != []
    for host in "db1.example", "127.0.0.1":
        assert cipher("--ssl-mode=VERIFY_IDENTITY", ca, f"--host={host}") != []
    refused(primary, "TLS: the server's certificate: hostname mismatch",
            "--ssl-mode=VERIFY_IDENTITY", ca, "--host=db2.example")
    refused(primary, "TLS: the server's certificate: self-signed certificate "
            "in certificate chain", "--ssl-mode=VERIFY_CA")


class Tap:
    """Between a client and a server, and hears both."""

    def __init__(self, server):
        self.upstream = server.port
        self.said = self.told = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.upstream))
        back = threading.Thread(target=self.pass_on, args=(server, client, "told"))
        back.start()
        self.pass_on(client, server, "said")
        back.join()

    def pass_on(self, source, to, name):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                setattr(self, name, getattr(self, name) + data)
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


def overheard(server):
    """What a client without TLS says, and is told, when it logs in."""
    tap = Tap(server)
    assert good(tap, "query", "SELECT 1") == b"1\n"
    tap.thread.join(60)
    tap.listener.close()
    return tap.said, tap.told


@pytest.mark.parametrize("primary", ["mysql"], indirect=True)
def test_sha2_full_then_fast(primary):
    """MySQL's own way to log in."""
    for args in (), ("--ssl-mode=REQUIRED",), (f"--socket={primary.socket}",):
        # a server forgets passwords with its privileges
        primary.sql("FLUSH PRIVILEGES")
        assert good(primary, *args, "query", "SELECT 1") == b"1\n"
    primary.sql("FLUSH PRIVILEGES")
    said, told = overheard(primary)
    assert b"BEGIN PUBLIC KEY" in told and PASSWORD.encode() not in said
    said, told = overheard(primary)
    assert b"BEGIN PUBLIC KEY" not in told and b"\x02\0\0\x02\x01\x03" in told
    assert PASSWORD.encode() not in said


# --- binary logs ---

def closed_file(server, *statements):
    """A finished binary log that holds these statements, and no others."""
    server.sql("FLUSH BINARY LOGS")
    name = status(server)[0]
    server.sql(*statements)
    server.sql("FLUSH BINARY LOGS")
    return server.dir / "data" / name


def status(server):
    command = "SHOW BINARY LOG STATUS" if server.kind == "mysql" else "SHOW MASTER STATUS"
    return server.sql(command)[0]


def position(server):
    """The GTIDs that a replica which has it all would name."""
    name = "gtid_executed" if server.kind == "mysql" else "gtid_binlog_pos"
    return server.sql(f"SELECT @@global.{name}")[0][0].replace("\n", "")


def dump_options(server, *args):
    # to the end and no further; MariaDB: with what statements rows came from
    return ["--flags=1"] if server.kind == "mysql" else ["--flags=3", "--mariadb"]


WORK = ("CREATE DATABASE w", "CREATE TABLE w.t (id INT PRIMARY KEY, a LONGBLOB) ENGINE=InnoDB",
        f"INSERT INTO w.t VALUES (1, REPEAT('x', {BIG}))",
        "INSERT INTO w.t VALUES (2, 'b'), (3, NULL)",
        "DELETE FROM w.t WHERE id = 2",
        # row events whose packets are just below, and above, one frame
        *(f"INSERT INTO w.t VALUES ({10 + n}, REPEAT('y', {(16 << 20) - 60 + 30 * n}))"
          for n in range(2)))


@pytest.fixture(scope="module")
def log(primary):
    """A finished file with all that WORK does, left as it is."""
    return closed_file(primary, *WORK)


def test_dump_is_the_file(primary, log):
    want = log.read_bytes()
    for tls in (), ("--ssl-mode=REQUIRED",):
        assert good(primary, *tls, *dump_options(primary), "dump", log.name) == want
    assert len(want) > 3 * (16 << 20)


def test_dump_refused(primary, log):
    done = wirecat(primary, *dump_options(primary), "dump", "binlog.999999")
    assert done.returncode == 1 and done.stdout == b""
    words = done.stderr.decode().splitlines()[-1].lower()
    assert words == ("wirecat: refused: 1236 could not find first log file name in "
                     "binary log index file")


def test_dump_by_gtid(primary, log):
    # within a file: what is before is left out, by the server
    primary.sql("FLUSH BINARY LOGS", "CREATE TABLE w.g (a INT)", "INSERT INTO w.g VALUES (1)")
    name, at = status(primary)[:2]
    gtids = position(primary)
    primary.sql("INSERT INTO w.g VALUES (2)", "DROP TABLE w.g", "FLUSH BINARY LOGS")
    whole = (primary.dir / "data" / name).read_bytes()
    got = good(primary, *dump_options(primary), f"--gtid={gtids}", "dump")
    tail = whole[at:]
    assert got.endswith(tail)
    head = got[:-len(tail)]
    assert whole.startswith(head) and 4 < len(head) < at


def test_semisync_acknowledged(primary, log):
    word = "source" if primary.kind == "mysql" else "master"

    def count(what):
        return int(primary.sql(f"SHOW STATUS LIKE 'Rpl_semi_sync_{word}_{what}'")[0][1])

    primary.sql("CREATE TABLE w.s (a INT)",
                f"SET GLOBAL rpl_semi_sync_{word}_timeout=60000",
                f"SET GLOBAL rpl_semi_sync_{word}_enabled=1")
    name = status(primary)[0]
    with subprocess.Popen(arguments(primary, "--semisync", *dump_options(primary)[1:],
                                    "dump", name), env=ENV, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as cat:
        try:
            wait_for(lambda: count("clients") == 1)
            yes, no = count("yes_tx"), count("no_tx")
            for n in range(5):
                primary.sql(f"INSERT INTO w.s VALUES ({n})")
            assert (count("yes_tx"), count("no_tx")) == (yes + 5, no)
        finally:
            primary.sql(f"SET GLOBAL rpl_semi_sync_{word}_enabled=0")
            cat.kill()


# --- the other side ---

@contextlib.contextmanager
def serving(server, folder, *args):
    """Play the primary with files: (port, what it saw so far)."""
    log = folder / "served"
    kind = ["--mariadb"] if server.kind == "mariadb" else []
    with open(log, "w", encoding="utf-8") as err:
        served = subprocess.Popen([str(TOOLS / "wireserve"), *kind, *map(str, args)],
                                  env=ENV, stdout=subprocess.PIPE, stderr=err)
    try:
        yield int(served.stdout.readline()), lambda: log.read_text().splitlines()
    finally:
        served.kill()
        served.wait()
        served.stdout.close()


@pytest.fixture
def replica(servers, primary):
    """An empty server of the same kind, and how it becomes a replica."""
    server = servers(primary.kind, "target")
    mysql = primary.kind == "mysql"

    def reset():
        if mysql:
            server.sql("STOP REPLICA", "RESET REPLICA ALL")
        else:
            server.sql("STOP SLAVE", "RESET SLAVE ALL")
        server.clear()
        if mysql:
            server.sql("RESET BINARY LOGS AND GTIDS")
        else:
            server.sql("RESET MASTER", "SET GLOBAL gtid_slave_pos=''")

    def follow(port, tls, password=PASSWORD):
        quoted = password.replace("'", "''")
        if mysql:
            server.sql(f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, "
                       f"SOURCE_USER='replica', SOURCE_PASSWORD='{quoted}', "
                       f"SOURCE_AUTO_POSITION=1, SOURCE_SSL={tls:d}", "START REPLICA")
        else:
            server.sql(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, "
                       f"MASTER_USER='replica', MASTER_PASSWORD='{quoted}', "
                       f"MASTER_USE_GTID=slave_pos, MASTER_SSL={tls:d}", "START SLAVE")

    def state():
        with contextlib.closing(server.connect()) as c, c.cursor() as cursor:
            cursor.execute("SHOW REPLICA STATUS" if mysql else "SHOW SLAVE STATUS")
            return dict(zip([d[0] for d in cursor.description], cursor.fetchone()))

    server.follow, server.state = follow, state
    reset()
    yield server
    reset()


CONTENT = "SELECT id, LENGTH(a), CRC32(a) FROM w.t ORDER BY id"


@pytest.mark.parametrize("tls", [False, True])
def test_replica_is_served(primary, log, replica, tmp_path, tls):
    with serving(primary, tmp_path, *(["--tls"] if tls else []), log) as (port, seen):
        replica.follow(port, tls)

        def applied():
            state = replica.state()
            assert not state["Last_SQL_Error"] and not state["Last_IO_Error"], state
            return "w" in replica.schemas() and replica.sql(
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='w'"
            )[0][0] and replica.sql("SELECT COUNT(*) FROM w.t")[0][0] == 4
        wait_for(applied)
        assert replica.sql(CONTENT) == primary.sql(CONTENT)
        wait_for(lambda: "sent all" in seen())
        assert seen().count("login") == 1 and "register" in seen()


def test_replica_is_refused(primary, log, replica, tmp_path):
    with serving(primary, tmp_path, "--tls", log) as (port, seen):
        replica.follow(port, True, password="wrong password")
        wait_for(lambda: int(replica.state()["Last_IO_Errno"]) == 1045)
        wait_for(lambda: "end a client with the wrong user or password was refused" in seen())
        replica.sql("STOP REPLICA")
        replica.follow(port, False)
        wait_for(lambda: "end a client without TLS was refused" in seen())
        # neither saw anything, or left anything
        assert not {"login", "register", "sent all"} & set(seen())
        assert "w" not in replica.schemas()


def test_stranger_is_refused(primary, log, tmp_path):
    """Our own client, too, gets nothing by asking."""
    with serving(primary, tmp_path, log) as (port, seen):
        done = subprocess.run([str(TOOLS / "wirecat"), f"--port={port}", "--user=root",
                               "dump"], env=ENV, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"wirecat: server error "
                b"1045: Access denied for user 'root' (using password: YES)\n")
        wait_for(seen)
        assert seen() == ["end a client with the wrong user or password was refused"]
