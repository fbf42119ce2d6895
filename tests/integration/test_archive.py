# SPDX-License-Identifier: Apache-2.0
"""The archive of binary logs holds the server's own bytes, whatever happens."""
import contextlib
import hashlib
import json
import signal
import threading
import time

import archives
import pymysql
from conftest import run


def once(store, source, *args):
    done = run("backupd", "archive", "--stop-at-end", *store.args, *source.args(), *args, "s", env=store.env)
    assert done.status == 0, done
    return done


def write(source, n=20):
    source.sql("CREATE DATABASE IF NOT EXISTS d",
               "CREATE TABLE IF NOT EXISTS d.t (id INT PRIMARY KEY AUTO_INCREMENT, pad LONGTEXT)",
               *["INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 20)), (UUID())",
                 "UPDATE d.t SET pad = CONCAT(pad, 'x') ORDER BY id DESC LIMIT 3"] * n)


def settled(source):
    """MariaDB writes which file a crash recovery begins with a little after a file begins."""
    def is_written():
        name = archives.logs(source)[-1]
        return any(r[2] == "Binlog_checkpoint" and r[5] == name for r in source.sql(f"SHOW BINLOG EVENTS IN '{name}'"))
    if source.kind == "mariadb":
        archives.wait_for(is_written)


def fresh(source):
    """The binary log begins anew, so that tests need not share it."""
    source.sql("RESET MASTER" if source.kind == "mariadb" else "RESET BINARY LOGS AND GTIDS")
    settled(source)


def flush(source):
    source.sql("FLUSH BINARY LOGS")
    settled(source)


def kept(store):
    """All but what says until when the server was seen."""
    return [k for k in store.keys() if not k.endswith("/stand.json")]


def test_archive_equals_the_servers_files(source, store, tmp_path):
    fresh(source)
    write(source)
    once(store, source)
    for checksum in ("NONE", "CRC32"):
        source.sql(f"SET GLOBAL binlog_checksum = {checksum}")
        settled(source)
        write(source, 5)
        flush(source)
    write(source, 3)
    once(store, source)
    files = archives.archived(store)
    names = archives.logs(source)
    assert list(files) == names and len(names) >= 5
    fetched = archives.raw(source, names, tmp_path)
    for name in names:
        assert files[name] == fetched[name], name
        assert files[name] == archives.on_disk(source, name), name


def test_archive_goes_on_where_it_stood(source, directory):
    fresh(source)
    write(source, 2)
    once(directory, source)
    first = kept(directory)
    once(directory, source)
    assert kept(directory) == first, "nothing was written, and something was stored"
    write(source, 2)
    once(directory, source)
    assert len(kept(directory)) == len(first) + 1
    assert len(archives.histories(directory)) == 1
    name = archives.logs(source)[-1]
    assert archives.archived(directory) == {name: archives.on_disk(source, name)}


def test_archive_finishes_files(source, store):
    fresh(source)
    for _ in range(3):
        write(source, 2)
        once(store, source)
    flush(source)
    write(source, 3)
    flush(source)
    write(source, 1)
    done = once(store, source)
    assert "from=store" in done.err and "from=server" in done.err, done
    history = archives.histories(store)[-1]
    files = archives.finished(store)
    names = archives.logs(source)
    assert list(files) == names[:-1]
    marked = [k for key in store.keys() if "/marks/" in key for k in json.loads(archives.fetch(store, key))["keys"]]
    for name in names[:-1]:
        f = files[name]
        data = archives.objects(store, f, history)
        assert data == archives.on_disk(source, name)
        assert (f["size"], f["sha256"], f["closed"]) == (len(data), hashlib.sha256(data).hexdigest(), "rotate")
        lines = archives.index(store, f, history)
        assert f["transactions"] == len(lines) > 0
        assert len(f["objects"]) == 1
        assert f["gtid_before"] == ("" if name == names[0] else before)
        # What follows on one file's GTIDs is the next one's list.
        before = ",".join(filter(None, [f["gtid_before"], f["gtids"]]))
        if source.kind == "mysql":
            before = source.sql(f"SELECT GTID_SUBTRACT('{before}', '')")[0][0].replace("\n", "")
        else:
            before = f["gtids"]
    small = [k[k.index("sources/"):] for k in store.keys() if "/binlog/" in k and "/00000001/" in k]
    assert len(small) >= 4 and len(set(marked) & set(small)) == len(small) - 1
    assert archives.archived(store)[names[0]] == archives.on_disk(source, names[0])
    before = kept(store)
    once(store, source)
    assert kept(store) == before


def test_archive_takes_events_over_16_mib(source, directory):
    fresh(source)
    write(source, 1)
    with source.connect() as c, c.cursor() as cursor:
        cursor.execute("SET GLOBAL max_allowed_packet = 128*1024*1024")
    source.sql("INSERT INTO d.t (pad) VALUES (REPEAT(UUID(), 1000000))")
    write(source, 1)
    once(directory, source, "--archive-memory=16MiB")
    name = archives.logs(source)[-1]
    assert archives.archived(directory) == {name: archives.on_disk(source, name)}
    assert len(archives.on_disk(source, name)) > 36 << 20


def test_archive_stores_within_its_age_and_stops_when_told(source, directory):
    fresh(source)
    p = archives.start("backupd", "archive", *directory.args, *source.args(), "--segment-age=1s", "s")
    try:
        archives.wait_for(lambda: archives.histories(directory))
        write(source, 1)
        name = archives.logs(source)[-1]
        archives.wait_for(lambda: archives.archived(directory) == {name: archives.on_disk(source, name)})
        write(source, 1)
        p.send_signal(signal.SIGTERM)
        _, err = p.communicate(timeout=15)
        assert p.returncode == 0 and "warn" not in err, err
        assert archives.archived(directory) == {name: archives.on_disk(source, name)}
    finally:
        p.kill()
        p.wait()


def test_archive_acknowledges_what_is_stored(source, directory):
    """Semi-synchronous replication: a commit returns once the store has it, however long segments stay open."""
    fresh(source)
    maria = source.kind == "mariadb"
    role = "master" if maria else "source"
    if not maria:
        source.sql("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")

    def status(name):
        return source.sql(f"SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_{role}_{name}'")[0][1]
    source.sql(f"SET GLOBAL rpl_semi_sync_{role}_timeout = 20000", f"SET GLOBAL rpl_semi_sync_{role}_enabled = ON")
    p = archives.start("backupd", "archive", *directory.args, *source.args(), "--segment-age=1h", "--ack", "s")
    try:
        archives.wait_for(lambda: status("clients") == "1")
        without = int(status("no_tx"))
        source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, x INT)")
        name = archives.logs(source)[-1]
        for _ in range(5):
            source.sql("INSERT INTO d.t (x) VALUES (1)")
            assert archives.archived(directory)[name] == archives.on_disk(source, name)
        flush(source)
        source.sql("INSERT INTO d.t (x) VALUES (2)")
        last = archives.logs(source)[-1]
        assert archives.archived(directory)[last] == archives.on_disk(source, last)
        assert int(status("no_tx")) == without and int(status("yes_tx")) >= 8
        p = stored_but_not_acknowledged(source, directory, p)
        assert int(status("no_tx")) == without
    finally:
        source.sql(f"SET GLOBAL rpl_semi_sync_{role}_enabled = OFF")
        p.kill()
        p.wait()
        if not maria:
            archives.wait_for(lambda: status("clients") == "0" or not kill_dumps(source))
            source.sql("UNINSTALL PLUGIN rpl_semi_sync_source")


def stored_but_not_acknowledged(source, directory, p):
    """A commit waits although it is stored, as when a link is lost just then: the next one says so."""
    p.kill()
    p.wait()
    args = ["backupd", "archive", *directory.args, *source.args()]
    last = archives.logs(source)[-1]
    before = archives.on_disk(source, last)
    commit = threading.Thread(target=source.sql, args=("INSERT INTO d.t (x) VALUES (3)",))
    commit.start()
    archives.wait_for(lambda: archives.on_disk(source, last) != before)
    archives.wait_for(lambda: run(*args, "--stop-at-end", "s") and archives.archived(directory)[last] != before)
    assert commit.is_alive(), "it did not wait"
    p = archives.start(*args, "--segment-age=1h", "--ack", "s")
    commit.join()
    return p


def kill_dumps(source):
    dumps = source.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'")
    for (ident,) in dumps:
        with contextlib.suppress(pymysql.err.OperationalError):     # it has gone meanwhile
            source.sql(f"KILL {ident}")
    return dumps


def test_archive_survives_being_killed(source, directory):
    """Whenever it is killed, what is stored is a prefix of the server's bytes, and the next one goes on."""
    fresh(source)
    once(directory, source)     # the history begins with this file, and not with whichever is active then
    for i in range(6):
        p = archives.start("backupd", "archive", *directory.args, *source.args(), "--segment-age=50ms", "s")
        write(source, 3 + i)
        if i % 2:
            source.sql("FLUSH BINARY LOGS")
        time.sleep(0.05 * i)    # another moment in each round
        p.kill()
        p.wait()
    settled(source)
    once(directory, source)
    assert len(archives.histories(directory)) == 1
    files = archives.archived(directory)
    assert list(files) == archives.logs(source)
    for name, data in files.items():
        assert data == archives.on_disk(source, name)
    assert list(archives.finished(directory)) == archives.logs(source)[:-1]


def test_archive_waits_for_a_store_that_is_away(source, directory):
    fresh(source)
    p = archives.start("backupd", "archive", *directory.args, *source.args(), "--segment-age=100ms", "s")
    try:
        archives.wait_for(lambda: archives.histories(directory))
        away = directory.path.with_name("away")
        directory.path.rename(away)
        directory.path.write_text("no directory")
        write(source, 5)
        archives.wait_for(lambda: "cannot be stored" in p.stderr.readline())
        directory.path.unlink()
        away.rename(directory.path)
        name = archives.logs(source)[-1]
        archives.wait_for(lambda: archives.holds(directory, source, name))
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=15)
        assert p.returncode == 0
    finally:
        p.kill()
        p.wait()


def test_archive_second_one_takes_over_from_a_stopped_one(source, directory):
    fresh(source)
    args = ["backupd", "archive", *directory.args, *source.args(), "--segment-age=100ms", "s"]
    one = archives.start(*args)
    try:
        archives.wait_for(lambda: archives.histories(directory))
        one.send_signal(signal.SIGSTOP)
        write(source, 3)
        once(directory, source)
        write(source, 3)
        one.send_signal(signal.SIGCONT)
        name = archives.logs(source)[-1]
        archives.wait_for(lambda: archives.holds(directory, source, name))
        assert len(archives.histories(directory)) == 1
    finally:
        one.kill()
        one.wait()


def test_archive_tells_of_another_one(source, directory, tmp_path):
    """Each takes the other's place at the server: no byte is lost, but somebody should end one of them. Once each gives way."""
    fresh(source)
    for n in (1, 2):
        archives.start("backupd", "archive", *directory.args, *source.args(), "--segment-age=100ms", "s",
                       log=tmp_path / f"log{n}")
        archives.wait_for(lambda: " following " in (tmp_path / "log1").read_text())
    archives.wait_for(lambda: all("another archiver of this store follows the source: end one of them" in
                                  (tmp_path / f"log{n}").read_text() for n in (1, 2)), 120)
    assert all((tmp_path / f"log{n}").read_text().count("this one waits for a while") == 1 for n in (1, 2))
    write(source, 2)
    name = archives.logs(source)[-1]
    archives.wait_for(lambda: archives.holds(directory, source, name))
    assert len(archives.histories(directory)) == 1


def test_archive_follows_several_sources(servers, directory, tmp_path):
    both = [servers(kind, "source") for kind in ("mariadb", "mysql")]
    for source in both:
        source.clear()
        fresh(source)
        write(source, 2)
    conf = tmp_path / "kura.conf"
    conf.write_text("".join(f"[source {s.kind}]\nsocket = {s.socket}\nuser = root\n" for s in both))
    done = run("backupd", "archive", "--stop-at-end", f"--config={conf}", *directory.args, "mariadb", "mysql")
    assert done.status == 0, done
    for source in both:
        name = archives.logs(source)[-1]
        assert archives.archived(directory, source=source.kind) == {name: archives.on_disk(source, name)}


def test_archive_takes_compressed_events_with_the_least_grants(source, directory):
    fresh(source)
    grants = run("backupd", "grants", f"--for={source.kind}").out.replace("'choose a password'", "'p'")
    once(directory, source)     # the history begins here
    on = "log_bin_compress" if source.kind == "mariadb" else "binlog_transaction_compression"
    source.sql("DROP USER IF EXISTS 'kura'@'%'", *[g for g in grants.split(";\n") if g.strip()], f"SET GLOBAL {on} = ON")
    try:
        write(source, 3)
        flush(source)
        write(source, 1)
        done = run("backupd", "archive", "--stop-at-end", *directory.args, f"--socket={source.socket}", "--user=kura", "s",
                   env={"KURA_PASSWORD": "p"})
        assert done.status == 0, done
    finally:
        source.sql(f"SET GLOBAL {on} = OFF", "DROP USER 'kura'@'%'")
    once(directory, source)
    files = archives.archived(directory)
    history = archives.histories(directory)[-1]
    for name, data in files.items():
        assert data == archives.on_disk(source, name)
    for name, f in archives.finished(directory).items():
        lines = archives.index(directory, f, history)
        assert sum(t["writes"] for line in lines for t in line.get("tables", ()) if "writes" in t) >= 2, name
