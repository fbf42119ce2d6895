# SPDX-License-Identifier: Apache-2.0
"""Where only the procedures of RDS and Aurora may make a replica, they do: emulated on a real server."""
import re

import pytest
import rds
from conftest import Server
from test_consistency import forget_source, reset
from test_pitr import Judge, applied, archive, backup, busy, compare, plan, restore, rows, settings, small, transactions, \
    wipe, without_gtids
from test_dump import start, wait_for

pytestmark = pytest.mark.parametrize("kind", ["mysql"], indirect=True)


@pytest.fixture(scope="module")
def quiet():
    """A server without a binary log, as an instance without automated backups is."""
    server = Server("mysql", "rds", 190, ["--skip-log-bin"])
    yield server
    server.stop()


@pytest.fixture
def pair(servers, quiet, kind):
    source, replica = servers(kind, "source"), servers(kind, "replica")
    forget_source(replica)
    for server in (source, replica, quiet):
        wipe(server)
    source.sql("SET SESSION sql_log_bin=0", "CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'",
               "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    yield source, quiet, replica
    forget_source(replica)
    for server in (source, replica, quiet):
        wipe(server)


def nothing_left(target, before):
    assert settings(target) == before
    assert target.sql("SHOW REPLICA STATUS") == ()
    assert target.sql("SELECT name FROM kura_restore.memo WHERE name LIKE 'was.%'") == ()


@pytest.mark.parametrize("offer", ["rds", "rds80", "aurora"])
def test_any_moment_equals_a_replica_stopped_there(pair, directory, offer):
    source, server, replica = pair
    with rds.instance(server, offer) as target:
        busy(source, 40)
        backup(source, directory)
        busy(source, 400)
        archive(source, directory)
        log = transactions(source)
        middle, before = log[len(log) // 2][0], settings(target)
        args = [f"--to={middle}", "--replay=serve", "--accounts=none"]
        facts = plan(target, directory, *args)["replay"]
        by = "mysql.rds_set_external_" + ("master" if offer == "rds80" else "source") + "_with_auto_position"
        assert (facts["way"], facts["by"]) == ("serve", by)
        assert target.sql("SHOW REPLICA STATUS") == () and applied(target) == "" and target.schemas() == []
        done = restore(target, directory, *args)
        assert re.search(rf"(?m)^way +serve: the target replicates from 127\.0\.0\.1:\d+, by {by}$", done.out), done
        assert not re.search(r"(?m)^sets ", done.out), done
        assert re.search(r"(?m)^proven: \d+ row changes in \d+ tables were given and made$", done.out), done
        nothing_left(target, before)
        judge = Judge(source, replica)
        judge.to(middle)
        compare(replica, target)
        assert applied(target) == applied(replica)
        restore(target, directory, "--to=latest", "--replay=serve", "--accounts=none")
        judge.to(log[-1][0])
        compare(replica, target)
        assert applied(target) == applied(replica)
        nothing_left(target, before)


def killed(target, store, *args, most):
    """A restore that is killed as it replays."""
    p = start("restore", "run", "orders", *store.args, *target.args(), "--yes", "--accounts=none", *args)
    wait_for(lambda: p.poll() is not None or rows(target) > most, 120)
    assert p.poll() is None, p.communicate()
    p.kill()
    p.communicate()
    wait_for(lambda: target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)


def test_killed_it_goes_on_and_leaves_nothing(pair, directory):
    source, server, _ = pair
    with rds.instance(server, "rds") as target:
        busy(source, 40)
        backup(source, directory)
        busy(source, 8000)
        archive(source, directory)
        before = settings(target)
        for most in 60, 600:
            killed(target, directory, "--to=latest", "--replay=serve", most=most)
            assert len(target.sql("SHOW REPLICA STATUS")) == 1, "it was not killed while it replayed"
        restore(target, directory, "--to=latest", "--replay=serve", "--accounts=none")
        compare(source, target)
        assert applied(target) == source.sql("SELECT @@GLOBAL.gtid_executed")[0][0]
        nothing_left(target, before)


def test_what_a_killed_one_left_goes_with_another_restore(pair, directory):
    source, server, _ = pair
    with rds.instance(server, "rds") as target:
        busy(source, 40)
        backup(source, directory)
        busy(source, 4000)
        archive(source, directory)
        before = settings(target)
        killed(target, directory, "--to=latest", "--replay=serve", most=60)
        restore(target, directory, "--restart", "--overwrite", "--accounts=none", "--gtid=none")
        assert rows(target) == 40 and target.sql("SHOW REPLICA STATUS") == () and settings(target) == before


def test_a_log_without_gtids_goes_by_position(pair, directory):
    source, server, _ = pair
    with without_gtids(source, server), rds.instance(server, "rds80") as target:
        busy(source, 40)
        backup(source, directory)
        busy(source, 8000)
        archive(source, directory)
        facts = plan(target, directory, "--to=latest", "--replay=serve", "--accounts=none")["replay"]
        assert facts["by"] == "mysql.rds_set_external_master"
        before = settings(target)
        killed(target, directory, "--to=latest", "--replay=serve", most=60)
        restore(target, directory, "--to=latest", "--replay=serve", "--accounts=none")
        compare(source, target)
        nothing_left(target, before)


def test_an_instance_that_logs(servers, pair, directory):
    """Who may switch the log off in a session is served; what the instance has made of itself stays beside."""
    source, _, _ = pair
    server = servers("mysql", "target")
    wipe(server)
    try:
        with rds.instance(server, "rds") as target:
            server.sql("CREATE DATABASE mine", "DROP DATABASE mine")
            own = applied(server)
            small(source, directory)
            args = ["--to=latest", "--accounts=none", "--replay=serve"]
            done = restore(target, directory, *args, status=2)
            assert "--replay=serve: the target logs what is restored under GTIDs of its own" in done.err, done
            server.sql("SET SESSION sql_log_bin=0", f"GRANT SESSION_VARIABLES_ADMIN ON *.* TO {rds.USER}")
            restore(target, directory, *args)
            compare(source, target)
            have, want = applied(target), applied(source)
            assert server.sql(f"SELECT GTID_SUBTRACT('{have}', '{want}'), GTID_SUBSET('{want}', '{have}')") == ((own, 1),)
    finally:
        wipe(server)


def test_what_would_be_lost_is_refused(pair, directory):
    source, server, _ = pair
    with rds.instance(server, "rds") as target:
        small(source, directory)

        def refused(*args):
            done = restore(target, directory, "--to=latest", "--accounts=none", "--replay=serve", *args, status=2)
            assert target.schemas() == []
            return done.err.splitlines()[-1]

        own = server.sql("SELECT @@server_id")[0][0]
        try:
            server.sql("SET GLOBAL replica_exec_mode='IDEMPOTENT'")
            assert re.match(r"restore: --replay=serve: (replica|slave)_exec_mode is IDEMPOTENT on the target and must be "
                            r"STRICT in its parameter group$", refused())
            server.sql("SET GLOBAL replica_exec_mode='STRICT'", f"SET GLOBAL server_id={source.ident}")
            assert f"the target has the source's server id {source.ident}" in refused()
        finally:
            server.sql("SET GLOBAL replica_exec_mode='STRICT'", f"SET GLOBAL server_id={own}")
        # a replica of somebody stays his
        server.sql("CHANGE REPLICATION SOURCE TO SOURCE_HOST='elsewhere', SOURCE_USER='kura_repl'")
        assert "it is a replica of elsewhere" in refused()
        assert server.sql("SELECT HOST FROM performance_schema.replication_connection_configuration") == (("elsewhere",),)
        server.sql("RESET REPLICA ALL")
        # nobody's GTIDs may be passed over
        strange = "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa:1-3"
        server.sql(f"SET GLOBAL gtid_purged='{strange}'")
        done = restore(target, directory, "--to=latest", "--accounts=none", "--replay=serve", status=2)
        assert "the target does not get the backup's GTIDs" in done.err
        assert f"the backup's GTIDs: the target has others: {strange}" in refused("--gtid=set")
        reset(server)
        server.sql("DROP PROCEDURE mysql.rds_set_external_source_gtid_purged")
        assert "this account may call no mysql.rds_gtid_purged" in refused("--gtid=set")
        assert target.sql("SHOW REPLICA STATUS") == ()


def test_a_backup_alone_gets_its_gtids(pair, directory):
    source, server, _ = pair
    with rds.instance(server, "rds") as target:
        small(source, directory)
        # a run that was killed as it set them
        own, last = applied(source).split(":1-")
        server.sql(f"SET GLOBAL gtid_purged='{own}:1-2'")
        done = restore(target, directory, "--accounts=none")
        assert applied(target).startswith(own + ":1-") and int(applied(target).split("-")[-1]) < int(last)
        call, begin = done.out.splitlines()[-1].strip().split("; ")
        assert begin == "CALL mysql.rds_start_replication();"
        assert re.fullmatch(r"CALL mysql\.rds_set_external_source_with_auto_position\('.*', "
                            r"\d+, '\.\.\.', '\.\.\.', 1, 0\)", call)
        target.sql(re.sub(r"\('.*?', \d+, '\.\.\.', '\.\.\.'", f"('127.0.0.1', {source.port}, 'repl', 'repl'", call), begin,
                   user="kura_master")
        try:
            wait_for(lambda: applied(target) == applied(source), 60)
            compare(source, target)
        finally:
            target.sql("CALL mysql.rds_reset_external_source()", user="kura_master")


def test_filters(pair, directory):
    source, server, _ = pair
    with rds.instance(server, "rds") as target:
        small(source, directory)
        args = ["--to=latest", "--accounts=none", "--replay=serve"]
        try:
            server.sql("CHANGE REPLICATION FILTER REPLICATE_IGNORE_TABLE=(d.t)")
            done = restore(target, directory, *args, status=2)
            assert "the target has replication filters" in done.err
            server.sql("CHANGE REPLICATION FILTER REPLICATE_IGNORE_TABLE=(mysql.rds_history, mysql.plugin)")
            restore(target, directory, *args)
            compare(source, target)
        finally:
            server.sql("CHANGE REPLICATION FILTER REPLICATE_IGNORE_TABLE=()")


def test_the_log_of_the_target_itself(pair, directory):
    """What it wrote after the backup it would pass over, since nothing resets its GTIDs."""
    source, server, _ = pair
    small(source, directory)
    own = server.sql("SELECT @@server_uuid")[0][0]
    source.sql(f"SET SESSION gtid_next='{own}:1'", "INSERT INTO d.u VALUES (77)", "SET SESSION gtid_next='AUTOMATIC'")
    archive(source, directory)
    with rds.instance(server, "rds") as target:
        done = restore(target, directory, "--to=latest", "--accounts=none", "--replay=serve", status=2)
        assert "the log has transactions of the target itself, which it would pass over" in done.err, done
