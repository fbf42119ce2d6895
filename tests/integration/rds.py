# SPDX-License-Identifier: Apache-2.0
"""The procedures by which RDS and Aurora let a user replicate, made on an ordinary server.

Written after the user guides: names, parameters, what they refuse, that they answer in rows and wait.  The real
ones were never seen at work.
"""
import contextlib

STATE = """(SELECT COALESCE(MAX(CASE WHEN c.service_state = 'ON' AND a.service_state = 'ON' THEN 'ON'
 WHEN c.service_state = 'OFF' AND a.service_state = 'OFF' THEN 'OFF' ELSE 'BROKEN' END), 'NONE')
 FROM performance_schema.replication_connection_status c
 JOIN performance_schema.replication_applier_status a USING (channel_name) WHERE channel_name = '')"""

PLACE = ("h VARCHAR(255), p INT, u TEXT, w TEXT, f TEXT, n BIGINT UNSIGNED, s TINYINT(1)",
         "', SOURCE_LOG_FILE=', QUOTE(f), ', SOURCE_LOG_POS=', n, ', SOURCE_AUTO_POSITION=0'")
GTID = ("h VARCHAR(255), p INT, u TEXT, w TEXT, s TINYINT(1)", "', SOURCE_AUTO_POSITION=1'")


def fail(text):
    return f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{text}';"


def connect(params, rest):
    return params, f"""IF {STATE} NOT IN ('OFF', 'NONE') THEN {fail('replication is running')} END IF;
 SET @kura_rds = CONCAT('CHANGE REPLICATION SOURCE TO SOURCE_HOST=', QUOTE(h), ', SOURCE_PORT=', p,
 ', SOURCE_USER=', QUOTE(u), ', SOURCE_PASSWORD=', QUOTE(w), ', SOURCE_SSL=', s, {rest}, " FOR CHANNEL ''");
 PREPARE kura_rds FROM @kura_rds; EXECUTE kura_rds; DEALLOCATE PREPARE kura_rds; SET @kura_rds = NULL;"""


def run(verb):
    return f"PREPARE kura_rds FROM \"{verb} FOR CHANNEL ''\"; EXECUTE kura_rds; DEALLOCATE PREPARE kura_rds;"


START = ("", f"""IF {STATE} = 'ON' THEN {fail('Replication may already be running')}
 ELSEIF {STATE} = 'NONE' THEN {fail('the replica is not configured')} END IF;
 {run('START REPLICA')} DO SLEEP(1);
 IF {STATE} <> 'ON' THEN {fail('Slave has encountered an error. Run SHOW SLAVE STATUS')} END IF;
 SELECT 'Replication started.' AS Message;""")
STOP = ("", f"""IF {STATE} IN ('OFF', 'NONE') THEN {fail('Slave is already stopped or may not be configured')} END IF;
 {run('STOP REPLICA')} SELECT 'Slave is down or disabled' AS Message;""")
RESET = ("", f"""IF {STATE} = 'NONE' THEN {fail('replication is not configured')}
 ELSEIF {STATE} <> 'OFF' THEN {run('STOP REPLICA')} END IF;
 {run('RESET REPLICA ALL')} SELECT 'Slave has been reset' AS message;""")
PURGED_RDS = ("id VARCHAR(36), a BIGINT, b BIGINT", f"""IF id NOT RLIKE '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'
 OR a < 1 OR b < a OR id = @@server_uuid THEN {fail('Invalid input value')}
 ELSEIF {STATE} = 'ON' THEN {fail('replication is already running')} END IF;
 SET GLOBAL gtid_purged = CONCAT('+', id, ':', a, '-', b);""")
PURGED_AURORA = ("s LONGTEXT", "SET GLOBAL gtid_purged = s;")

# what each kind of instance offers
OFFERS = {
    "rds": {"rds_set_external_source": connect(*PLACE),
            "rds_set_external_source_with_auto_position": connect(GTID[0] + ", d INT", GTID[1] + ", ', SOURCE_DELAY=', d"),
            "rds_start_replication": START, "rds_stop_replication": STOP, "rds_reset_external_source": RESET,
            "rds_set_external_source_gtid_purged": PURGED_RDS},
    "rds80": {"rds_set_external_master": connect(*PLACE),
              "rds_set_external_master_with_auto_position": connect(GTID[0] + ", d INT",
                                                                    GTID[1] + ", ', SOURCE_DELAY=', d"),
              "rds_start_replication": START, "rds_stop_replication": STOP, "rds_reset_external_master": RESET,
              "rds_set_external_source_gtid_purged": PURGED_RDS},
    "aurora": {"rds_set_external_source": connect(*PLACE),
               "rds_set_external_source_with_auto_position": connect(*GTID),
               "rds_start_replication": START, "rds_stop_replication": STOP, "rds_reset_external_source": RESET,
               "rds_gtid_purged": PURGED_AURORA},
}

# what the master user of RDS for MySQL is given (8.4: SET_ANY_DEFINER for SET_USER_ID)
RIGHTS = ("SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,"
          " CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW,"
          " CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE ROLE, DROP ROLE",
          "APPLICATION_PASSWORD_ADMIN, ROLE_ADMIN, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, XA_RECOVER_ADMIN,"
          " SHOW_ROUTINE, FLUSH_TABLES")
USER = "'kura_master'@'localhost'"


def drop(server):
    for name, in server.sql("SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mysql'"
                            " AND ROUTINE_NAME LIKE 'rds\\_%'"):
        server.sql(f"DROP PROCEDURE mysql.{name}")
    server.sql(f"DROP USER IF EXISTS {USER}")


@contextlib.contextmanager
def instance(server, offer):
    """The server as such an instance: its procedures and its master user, none of it in its log."""
    off = "SET SESSION sql_log_bin=0"
    drop(server)
    server.sql(off, *[f"CREATE DEFINER='root'@'localhost' PROCEDURE mysql.{name}({params}) SQL SECURITY DEFINER BEGIN"
                      f" {body} END" for name, (params, body) in OFFERS[offer].items()],
               f"CREATE USER {USER}", *[f"GRANT {rights} ON *.* TO {USER} WITH GRANT OPTION" for rights in RIGHTS])
    try:
        yield Master(server)
    finally:
        drop(server)


class Master:
    """The server, for its master user."""

    def __init__(self, server):
        self.server = server

    def args(self):
        return [f"--socket={self.server.socket}", "--user=kura_master"]

    def __getattr__(self, name):
        return getattr(self.server, name)
