# SPDX-License-Identifier: Apache-2.0
"""Of several servers of a source the first healthy replica that is not too far behind is dumped, and each is checked."""
import json

from conftest import free_port, run
from daemons import wait_for
from test_pitr import Judge, three      # noqa: F401 (a fixture)


def dumped(config, status=0):
    done = run("backupd", "run", "orders", f"--config={config}", "--json")
    assert done.status == status, done
    return done


def shown(store, done):
    return json.loads(run("catalog", "show", f"orders/{json.loads(done.out)['id']}", "--json", *store.args).out)


def test_the_check_tries_at_each_what_the_archive_needs(three, directory, tmp_path):      # noqa: F811
    source, _, replica = three
    for server in (source, replica):
        server.sql("CREATE USER kura_e@'%' IDENTIFIED BY 'e'", "GRANT ALL ON *.* TO kura_e@'%'")
    source.sql("CREATE DATABASE d")
    replica.sql("REVOKE REPLICATION SLAVE ON *.* FROM kura_e@'%'", "SET GLOBAL binlog_row_image = 'MINIMAL'")
    Judge(source, replica)
    try:
        secret, config = tmp_path / "secret", tmp_path / "kura.conf"
        secret.write_text("e\n")
        secret.chmod(0o600)
        where = f"127.0.0.1:{replica.port}"
        config.write_text(
            f"[store main]\nurl = {directory.url}\n[source orders]\nsocket = {source.socket}\nuser = kura_e\n"
            f"password-file = {secret}\nssl-mode = PREFERRED\nendpoints = {where}\narchive = yes\n")
        directory.path.mkdir()
        done = run("backupd", "check", f"--config={config}", "--json")
        # what another server lacks stops nothing yet
        assert done.status == 0, done
        found = [f["what"] for f in json.loads(done.out)["findings"] if f["where"] == f"orders at {where}"]
        assert all(f["level"] == "warning" for f in json.loads(done.out)["findings"] if f["where"] == f"orders at {where}")
        assert "no right REPLICATION SLAVE: binary logs cannot be read" in found, found
        marks = "it is a replica, and log_slave_updates is off" if source.kind == "mariadb" else ""
        assert f"what is archived cannot serve every restore: binlog_row_image is MINIMAL{', ' * bool(marks)}{marks}" in found, found
    finally:
        replica.sql("SET GLOBAL binlog_row_image = 'FULL'")
        for server in (source, replica):
            server.sql("DROP USER kura_e@'%'")


def test_the_first_healthy_replica_is_dumped(three, directory, tmp_path):      # noqa: F811
    source, _, replica = three
    source.sql("CREATE USER kura_e@'127.0.0.1' IDENTIFIED BY 'e'", "GRANT ALL ON *.* TO kura_e@'127.0.0.1'",
               "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
    judge = Judge(source, replica)
    start, stop = ("START SLAVE", "STOP SLAVE SQL_THREAD") if source.kind == "mariadb" else (
        "START REPLICA", "STOP REPLICA SQL_THREAD")
    running = "Slave_SQL_Running" if source.kind == "mariadb" else "Replica_SQL_Running"
    replica.sql(start)
    wait_for(lambda: replica.sql("SHOW TABLES IN d") if "d" in replica.schemas() else None)
    wait_for(lambda: replica.sql("SELECT COUNT(*) FROM d.t")[0][0] == 1)
    wait_for(lambda: judge.status(running) == "Yes")
    secret, config = tmp_path / "secret", tmp_path / "kura.conf"
    secret.write_text("e\n")
    secret.chmod(0o600)
    keys = (f"[store main]\nurl = {directory.url}\n[source orders]\nuser = kura_e\npassword-file = {secret}\n"
            f"ssl-mode = PREFERRED\nendpoints = 127.0.0.1:{free_port()}, 127.0.0.1:{replica.port}\n")
    config.write_text(keys)
    done = dumped(config)
    assert done.err.count("an endpoint is passed over") == 1, done
    head = shown(directory, done)
    assert head["server"]["server_id"] == replica.ident and head["coordinates"]["replica"] is not None
    # one that does not replicate is none
    replica.sql(stop)
    done = dumped(config, status=1)
    assert "backupd: none of 2 endpoints will do; the last: it is a replica that does not replicate\n" in done.err, done
    # unless there is the server itself
    config.write_text(keys + f"host = 127.0.0.1\nport = {source.port}\n")
    head = shown(directory, dumped(config))
    assert head["server"]["server_id"] == source.ident
    source.sql("DROP USER kura_e@'127.0.0.1'")
    replica.sql("DROP USER IF EXISTS kura_e@'127.0.0.1'")
