# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong: one clear line, the right status, and nothing changed."""
import os
import re
import shutil
import subprocess

import pytest
from conftest import BIN, HOME, S3_ENV, TOP, run
from test_dump import every_file, fill
from test_roundtrip import backup

# program and arguments, exit status, the whole line without "program: ".  Shared names: {store} {socket} {tmp}
# {port}; connection and store stand in {C} and {S}.
GRANTED = "let these S3 keys read, write, list and delete under the prefix"
REACH = "check --host, --port or --socket, and that the server is up"
COMMAND_LINE = [
    ("backupd", 2, "no command given; see backupd --help"),
    ("backupd nope", 2, "unknown command 'nope'; see backupd --help"),
    ("backupd run", 2, "run needs SOURCE"),
    ("backupd run d e {S} {C}", 2, "run: unexpected argument 'e'"),
    ("backupd run d --nope", 2, "unknown option --nope; did you mean --adopt?"),
    ("backupd run d --stor=x", 2, "unknown option --stor; did you mean --store?"),
    ("backupd run d --store", 2, "--store needs a value (URL|NAME)"),
    ("backupd run d {S} {C} --yes", 2, "unknown option --yes; see backupd --help"),
    ("backupd run d --unless-since=soon", 2, "--unless-since: 'soon' is no time; such as 2026-11-22T02:15:00Z"),
    ("backupd config d --adopt", 2, "--adopt does not go with 'config'"),
    ("backupd run d {S} {C} --workers=x", 2, "--workers: 'x' is not a whole number"),
    ("backupd run d {S} {C} --workers=0", 2, "--workers 0: not 1 to 64"),
    ("backupd run d {S} {C} --port=65536", 2, "port '65536' is not 1 to 65535"),
    # what these become when cut to 32 bits would do: 3306, 16 and 1
    ("backupd run d {S} {C} --port=4294970602", 2, "port '4294970602' is not 1 to 65535"),
    ("backupd run d {S} --host=127.0.0.1 --defaults-file={tmp}/port.cnf", 2, "port '4294970602' is not 1 to 65535"),
    ("backupd run d {S} --host=127.0.0.1 --defaults-file={tmp}/minus.cnf", 2,
     "port '-1844674407370954831' is not 1 to 65535"),
    ("backupd run d {S} {C} --transfers=4294967312", 2, "--transfers: not 1 to 256"),
    ("catalog verify orders {S} --workers=4294967297", 2, "--workers: not 1 to 64"),
    ("backupd run d {S} {C} --level=20", 2, "--level 20: not 1 to 19"),
    ("backupd run d {S} {C} --lock-hold=5x", 2, "--lock-hold: '5x' is not a time such as 500ms, 10s, 5m or 2h"),
    ("backupd run d {S} {C} --ssl-mode=NOPE", 2,
     "--ssl-mode: 'NOPE' is not one of DISABLED|PREFERRED|REQUIRED|VERIFY_CA|VERIFY_IDENTITY"),
    ("backupd run D! {S} {C}", 2, "source name 'D!' is not [a-z0-9][a-z0-9._-]{{0,62}} without '..'"),
    ("backupd run a..b {S} {C}", 2, "source name 'a..b' is not [a-z0-9][a-z0-9._-]{{0,62}} without '..'"),
    ("backupd run d {C}", 2, "no store is named; give --store=URL, KURA_STORE, or a [store NAME] section in kura.conf"),
    ("backupd run d {C} --store=main", 2, "store 'main' is neither a URL nor a [store NAME] of the configuration; "
     "write s3://BUCKET/PREFIX or file:///DIRECTORY"),
    ("backupd run d {C} --store=s3://", 2, "store s3://: no bucket in the URL; write s3://BUCKET/PREFIX"),
    ("backupd run d {C} --store=s3:///x", 2, "store s3:///x: no bucket in the URL; write s3://BUCKET/PREFIX"),
    ("backupd run d {C} --store=http://x/y", 2,
     "store 'http://x/y': not a URL that Kura knows; write s3://BUCKET/PREFIX or file:///DIRECTORY"),
    ("backupd run d {C} --store=file://rel", 2,
     "store 'file://rel': not a URL that Kura knows; write s3://BUCKET/PREFIX or file:///DIRECTORY"),
    ("backupd run d {C} --store=s3://b/x", 2, "bucket 'b': not a name that Kura can use"),
    ("backupd run d {C} --store=s3://bucket/x", 1, "no S3 credentials; set AWS_ACCESS_KEY_ID and "
     "AWS_SECRET_ACCESS_KEY, or write them to ~/.aws/credentials"),
    ("backupd run d {C} --store=file:///proc/x", 1, "/proc/x: No such file or directory"),
    ("backupd run d {C} --store=file://{tmp}/plain", 2, "{tmp}/plain: Not a directory"),
    ("backupd run d {C} --store=s3://bucket/x --part-size=1MiB", 2, "--part-size: not 5MiB to 1GiB"),
    ("backupd run d {C} --store=s3://bucket/x --max-memory=1MiB", 2, "--max-memory: less than two parts"),
    ("backupd run d {S} --host=127.0.0.1 --port=1 --user=root", 1,
     "127.0.0.1:1: error 2002: Can't connect to server on '127.0.0.1' (115); " + REACH),
    ("backupd run d {S} --socket={tmp}/no.sock --user=root", 1, "{tmp}/no.sock: error 2002: Can't connect to local "
     "server through socket '{tmp}/no.sock' (2); " + REACH),
    ("backupd run d {S} --host=127.0.0.1 --port={port} --user=root --ssl-mode=REQUIRED", 1,
     "127.0.0.1:{port}: the server offers no TLS; give it a certificate, or use --ssl-mode=DISABLED where the way "
     "to it is safe"),
    ("backupd run d {S} --host=127.0.0.1 --port={port} --user=root --ssl-mode=VERIFY_CA", 1,
     "127.0.0.1:{port}: error 2026: TLS/SSL error: SSL is required, but the server does not support it; "
     "check --ssl-mode and --ssl-ca"),
    ("backupd run d {S} --socket={socket} --user=nobody --password-file={tmp}/secret", 1,
     "{socket}: error 1045: Access denied for user 'nobody'@'localhost' (using password: YES); "
     "check --user and the password file or option file"),
    ("backupd run d {S} --socket={socket} --user=poor", 1, "right"),
    ("backupd run d {S} {C} --include=nosuch", 2,
     "--include nosuch: nothing on the server matches; see SHOW DATABASES for names"),
    ("backupd run d {S} {C} --include=", 2, "--include: an empty pattern"),
    ("backupd run d {S} {C} --defaults-file={tmp}/none.cnf", 2, "{tmp}/none.cnf: No such file or directory"),
    ("backupd run d {S} {C} --defaults-file={tmp}/bogus.cnf", 2, "{tmp}/bogus.cnf:4: unknown key 'bogus' in [kura]"),
    ("backupd run d {S} {C} --defaults-file={tmp}/cut.cnf", 2, "{tmp}/cut.cnf:1: '[' without ']'"),
    ("backupd run d {S} {C} --password-file={tmp}/none", 2, "{tmp}/none: No such file or directory"),
    ("backupd run d {S} {C} --password-file={tmp}/open", 2,
     "{tmp}/open: others may read this password; chmod 600 {tmp}/open"),
    ("backupd run d {S} {C} --config={tmp}/none.conf", 2, "{tmp}/none.conf: No such file or directory"),
    ("backupd run d {S} {C} --config={tmp}/key.conf", 2, "{tmp}/key.conf:3: unknown key 'bogus' in [store main]"),
    ("backupd run d {S} {C} --config={tmp}/section.conf", 2, "{tmp}/section.conf:1: unknown section [nope]; sections "
     "are [daemon], [store NAME], [defaults], [template NAME], [source NAME] and [notify NAME]"),
    ("backupd run d {S} {C} --config={tmp}/cut.conf", 2, "{tmp}/cut.conf:1: '[' without ']'"),
    ("backupd run d {S} {C} --config={tmp}/lost.conf", 2, "{tmp}/lost.conf:1: 'host' stands in no section; begin with "
     "[store NAME], [defaults] or [source NAME]"),
    ("backupd run d {S} {C} --config={tmp}/value.conf", 2, "{tmp}/value.conf:2: neither [section] nor key = value"),
    ("backupd run d {S} {C} --config={tmp}/time.conf", 2,
     "{tmp}/time.conf:2: lock-hold: '5 parsecs' is not a time such as 500ms, 10s, 5m or 2h"),
    ("backupd run d {S} {C} --config={tmp}/nul.conf", 2, "{tmp}/nul.conf: holds a NUL byte"),
    ("backupd run d {S} {C} --config={tmp}/long.conf", 2, "{tmp}/long.conf:2: a line longer than 198 bytes; "
     "put a long value into the environment or on the command line"),
    ("catalog list", 2, "no store is named; give --store=URL, KURA_STORE, or a [store NAME] section in kura.conf"),
    ("catalog list --store=file://{tmp}/none/x", 4, "{tmp}/none/x: No such file or directory"),
    ("catalog show {S}", 2, "show needs SOURCE/ID"),
    ("catalog show x/y {S}", 2, "'x/y' names no backup; write SOURCE/ID or SOURCE/latest"),
    ("catalog show ../../etc/latest {S}", 2, "'../../etc/latest' names no backup; write SOURCE/ID or SOURCE/latest"),
    ("catalog show none/latest {S}", 4,
     "file://{store} holds no backup of source none; see 'catalog list' for what there is"),
    ("catalog cat orders/latest {S}", 2, "cat needs SOURCE/ID OBJECT"),
    ("catalog verify {S}", 2, "verify takes either a SOURCE, SOURCE/ID, or --all"),
    ("catalog verify orders --all {S}", 2, "verify takes either a SOURCE, SOURCE/ID, or --all"),
    ("catalog show orders/latest --fast {S}", 2, "--fast does not go with 'show'"),
    ("catalog leftovers D! {S}", 2, "'D!' is no name of a source"),
    ("restore plan orders {S} {C} --yes", 2, "--yes does not go with 'plan'"),
    ("restore plan orders {S} {C} --table=x", 2, "--table x: not schema.table or schema.table=schema.table"),
    ("restore plan orders {S} {C} --table=a.b=c", 2, "--table a.b=c: not schema.table=schema.table"),
    ("restore plan orders {S} {C} --schema==", 2, "--schema =: not schema or schema=schema"),
    ("restore plan orders {S} {C} --schema=nosuch", 4, "backup orders/{id} holds no schema nosuch"),
    ("restore plan orders {S} {C} --table=d.nosuch", 4, "backup orders/{id} holds no table d.nosuch"),
    ("restore plan orders {S} {C} --schema=d --schema=d=e", 2, "--schema d=e: named twice"),
    ("restore plan orders {S} {C} --table=d.t0=d.x --table=d.t1=d.x", 2, "both d.t0 and d.t1 would become d.x"),
    ("restore plan orders {S} {C} --backup=20200101T000000Z-0000", 4,
     "source orders has no backup 20200101T000000Z-0000; newest is {id}; see 'catalog list orders'"),
    ("restore run orders {S} {C} --yes --accounts=some", 2, "--accounts: 'some' is not one of auto|none|missing|all"),
    ("restore run none {S} {C} --yes", 4,
     "file://{store} holds no backup of source none; see 'catalog list' for what there is"),
    ("restore extract orders {S}", 2, "extract needs --into=DIR"),
    ("restore extract orders {S} --into=/proc/x", 1, "/proc/x: No such file or directory"),
]
FILES = {
    "plain": "x", "secret": "wrong\n", "open": "x\n", "bogus.cnf": "[client]\nuser=root\n[kura]\nbogus=1\n",
    "port.cnf": "[client]\nport=4294970602\n", "minus.cnf": "[client]\nport=-18446744073709548310\n",
    "cut.cnf": "[client\n", "key.conf": "[store main]\nurl = file:///x\nbogus = 1\n", "section.conf": "[nope]\nx = 1\n",
    "cut.conf": "[store main\nurl = x\n", "lost.conf": "host = x\n", "value.conf": "[defaults]\nworkers\n",
    "time.conf": "[source d]\nlock-hold = 5 parsecs\n", "nul.conf": "[defaults]\n\0host = x\n",
    "long.conf": "[defaults]\nhost = " + "x" * 500 + "\n",
}


@pytest.fixture(scope="module")
def bench(servers, tmp_path_factory):
    """A server, a store with a backup, and files with faults."""
    from conftest import Store
    tmp = tmp_path_factory.mktemp("bad")
    store = Store(f"file://{tmp}/store", path=tmp / "store")
    server = servers("mariadb", "source")
    server.clear()
    fill(server, rows=10, tables=2)
    server.sql("DROP USER IF EXISTS poor@localhost", "CREATE USER poor@localhost")
    names = {"id": backup(server, store), "tmp": str(tmp), "store": str(store.path), "socket": server.socket,
             "port": server.port, "S": store.args[0], "C": " ".join(server.args())}
    for name, text in FILES.items():
        (tmp / name).write_text(text)
        (tmp / name).chmod(0o600)
    (tmp / "open").chmod(0o644)
    yield server, store, names
    server.sql("DROP USER poor@localhost")
    server.clear()


@pytest.mark.parametrize("command,status,line", COMMAND_LINE, ids=[f"{n}" for n in range(len(COMMAND_LINE))])
def test_command_line(bench, command, status, line):
    server, store, names = bench
    before = store.keys(), server.schemas()
    program, *args = command.format(**names).split()
    done = run(program, *args)
    if line == "right":
        # its own test compares the words; here: refused, and the right is named
        assert done.status == status and "grant " in done.err.splitlines()[-1], done
    else:
        assert (done.status, done.err) == (status, f"{program}: {line.format(**names)}\n")
    assert done.out == ""
    assert (store.keys(), server.schemas()) == before


def test_environment_is_checked_as_options_are(bench):
    _, _, names = bench
    done = run("backupd", "run", "d", names["S"], *names["C"].split(), env={"KURA_LEVEL": "99"})
    assert (done.status, done.out) == (2, "") and "99: not 1 to 19" in done.err, done


TLS = "127.0.0.1:{port}: error 2026: TLS/SSL error: {why}; check --ssl-mode and --ssl-ca"
UNSIGNED, MISNAMED = "self-signed certificate in certificate chain", "Validation of SSL server certificate failed"


@pytest.mark.parametrize("mode,ca,why", [
    ("REQUIRED", None, None), ("VERIFY_CA", "ours", None), ("VERIFY_CA", "other", UNSIGNED),
    # one switch of the library for chain and name; the server's own certificate names no host
    ("VERIFY_CA", None, UNSIGNED), ("VERIFY_IDENTITY", "ours", MISNAMED), ("VERIFY_IDENTITY", "other", UNSIGNED),
])
def test_certificates(servers, directory, tmp_path, mode, ca, why):
    server = servers("mysql", "source")
    server.clear()
    server.sql("CREATE DATABASE d", "CREATE USER tls@'127.0.0.1' IDENTIFIED BY 'secret' REQUIRE SSL",
               "GRANT ALL ON *.* TO tls@'127.0.0.1'")
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out", other,
                    "-subj", "/CN=other"], check=True, capture_output=True)
    path = {"ours": server.dir / "data/ca.pem", "other": other}.get(ca)
    try:
        done = run("backupd", "run", "d", *directory.args, "--host=127.0.0.1", f"--port={server.port}", "--user=tls",
                   f"--ssl-mode={mode}", *([f"--ssl-ca={path}"] if path else []), env={"KURA_PASSWORD": "secret"})
    finally:
        server.sql("DROP USER tls@'127.0.0.1'")
        server.clear()
    if why is None:
        assert done.status == 0, done
    else:
        line = f"backupd: {TLS.format(port=server.port, why=why)}\n"
        assert (done.status, done.out, done.err) == (1, "", line)


BUCKETS = [
    ({"AWS_SECRET_ACCESS_KEY": "wrong"}, [], 1, r"s3://\S+/kura\.json: S3 answered 403 \w+, request \S+; " + GRANTED),
    ({"AWS_ACCESS_KEY_ID": "wrong"}, [], 1, r"s3://\S+/kura\.json: S3 answered 403 \w+, request \S+; " + GRANTED),
    ({}, ["--store=s3://no-such-bucket-of-kura/x"], 2,
     r"s3://no-such-bucket-of-kura/x/kura\.json: S3 answered 404 NoSuchBucket, request \S+; "
     "create the bucket, or correct its name"),
    ({}, ["--s3-endpoint=http://127.0.0.1:1", "--store-retry=1s"], 1,
     r"s3://\S+/kura\.json: .*127\.0\.0\.1.*; check the endpoint and the network"),
    ({}, ["--s3-endpoint=ftp://x"], 2, r".*ftp://x.*"),
]


@pytest.mark.parametrize("env,args,status,line", BUCKETS, ids=["secret", "key", "bucket", "away", "scheme"])
def test_bucket(bench, bucket, env, args, status, line):
    server, _, _ = bench
    done = run("backupd", "run", "d", *bucket.args, *server.args(), *args, env={**S3_ENV, **env})
    assert done.status == status and done.out == "", done
    last = done.err.splitlines()[-1]
    assert re.fullmatch(f"backupd: {line}", last), done
    assert bucket.keys() == []


# --- a disc that is full, read-only or not ours ---

def nobody(*command, env=None):
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"], "HOME": HOME, **(env or {})})


@pytest.fixture
def reachable(tmp_path, monkeypatch):
    """Programs and folders that an unprivileged account can get at."""
    if os.geteuid() != 0:
        pytest.fail("needs to be run by root, to become somebody else")
    folder = tmp_path
    for parent in [folder, *folder.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    for program in ("backupd", "catalog", "restore"):
        shutil.copy(BIN / program, folder / program)
    return folder


def test_unwritable_and_unreadable_folders(bench, reachable):
    server, store, _ = bench
    server.sql("CREATE OR REPLACE USER nobody@localhost IDENTIFIED VIA unix_socket", "GRANT ALL ON *.* TO nobody@localhost")
    os.chmod(server.dir, 0o755)
    try:
        shut = reachable / "shut"
        shut.mkdir(mode=0o555)
        done = nobody(str(reachable / "backupd"), "run", "d", f"--store=file://{shut}/store", f"--socket={server.socket}")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"backupd: {shut}/store: Permission denied\n"
        mine = reachable / "mine"
        shutil.copytree(store.path, mine)
        (mine / "sources").chmod(0o000)
        done = nobody(str(reachable / "catalog"), "list", f"--store=file://{mine}")
        assert (done.returncode, done.stdout) == (1, "") and done.stderr.count("\n") == 1, done.stderr
        assert "Permission denied" in done.stderr and str(mine) in done.stderr
    finally:
        server.sql("DROP USER nobody@localhost")


@pytest.fixture(scope="session")
def full_disc(tmp_path_factory):
    """A shim under which a folder is full after so many bytes."""
    path = tmp_path_factory.mktemp("shim") / "full.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(path), str(TOP / "tests/tools/full.c"), "-ldl"],
                   check=True)
    return path


@pytest.mark.parametrize("room", [0, 3000, 300000, 3000000])
def test_full_disc(bench, full_disc, servers, directory, room):
    server = servers("mysql", "source")
    server.clear()
    fill(server, rows=40000, tables=2)
    done = run("backupd", "run", "d", *directory.args, *server.args(),
               env={"LD_PRELOAD": str(full_disc), "FULL_DIR": str(directory.path), "FULL_AFTER": str(room)})
    assert done.status == 1 and done.out == "", done
    last = done.err.splitlines()[-1]
    assert last.startswith("backupd: ") and "No space left on device" in last and str(directory.path) in last, done
    assert [k for k in directory.keys() if "/heads/" in k] == []
    # with room again all is well, and the rest of the failed run is gone
    assert run("backupd", "run", "d", *directory.args, *server.args()).status == 0
    assert run("catalog", "verify", "--all", *directory.args).status == 0
    assert '"leftovers": []' in run("catalog", "leftovers", "--json", *directory.args).out
    assert not [f for f in every_file(directory) if "/.tmp/" in f], every_file(directory)
    server.clear()
