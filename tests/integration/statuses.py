# SPDX-License-Identifier: Apache-2.0
"""Status documents as the daemon makes them, without a daemon: for pages, metrics and alerts."""
import datetime
import json
import random
import sys

NOW = datetime.datetime(2026, 11, 27, 2, 14, 7, tzinfo=datetime.timezone.utc)
NAMES = ["orders", "billing", "users", "inventory", "search-index", "audit", "sessions",
         "reports", "mail", "catalogue", "payments", "shipping"]
HOSTILE = "\u8535" * 60 + "\"'<script>alert(1)</script>&amp;\n"


def at(**ago):
    moment = NOW - datetime.timedelta(**ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def backups(rng, days, base, hour=2):
    found = []
    for day in range(days, -1, -1):
        raw = int(base * (1 + (days - day) * 0.012) * rng.uniform(.97, 1.03))
        found.append({
            "id": f"202611{(27 - day) % 28 + 1:02}T021500Z-{rng.randrange(65536):04x}",
            "at": at(days=day, hours=0, minutes=-rng.randint(0, 5) + 8), "proven": True,
            "partial": False, "raw": raw, "stored": raw // 4, "rows": raw // 180,
            "seconds": round(raw / 9e7 * rng.uniform(.8, 1.3), 1)})
    return found


def job(name, schedule, ago_h, next_h, ok=True, seconds=60.0, message=None, running=None):
    last = None if ago_h is None else {
        "started": at(hours=ago_h, seconds=seconds), "finished": at(hours=ago_h), "ok": ok,
        "exit": 0 if ok else 1, "seconds": seconds, "message": message, "bytes": 1 << 32,
        "rows": 12345678, "stored": 1 << 30, "backup": "20261127T021500Z-7c1e"}
    return {"job": name, "schedule": schedule, "next": at(hours=-next_h), "overdue": False,
            "last": last, "last_success": at(hours=ago_h) if ok and ago_h is not None
            else at(days=3, hours=1), "running": running}


def source(rng, name, n):
    base = rng.choice([3e8, 2e9, 5e9, 4e10, 6e11])
    kept = backups(rng, 29, base)
    return {
        "name": name, "store": "main", "host": f"db{n}.example.net", "paused": False,
        "owner": "night-1", "ours": True, "state": "ok", "problems": [],
        "jobs": [job("dump", "15 2 * * *", 0.2, 23.8, seconds=kept[-1]["seconds"]),
                 job("expire", "after-dump", 0.1, 23.9, seconds=4.2),
                 job("verify", "0 6 * * *", 20, 4, seconds=611.0),
                 job("drill", "@weekly", 100, 68, seconds=2400.0)],
        "archive": {"state": "following", "history": "h-20261014T090000Z-11aa",
                    "server": f"db{n}.example.net:3306", "file": "binlog.000412",
                    "position": 73400320 + n, "lag_s": rng.choice([0, 0.4, 2]),
                    "lag_bytes": 4096, "last_commit": at(seconds=3),
                    "stored_bytes": 1 << 36, "gaps": 0, "ack": "off", "error": None},
        "backups": kept, "windows": [{"from": at(days=29), "to": at(seconds=3)}], "gaps": [],
        "drills": [{"at": at(days=d, hours=4), "ok": True, "seconds": 1900.0 + d}
                   for d in (26, 19, 12, 5)]}


def problem(kind, severity, text, **ago):
    return {"kind": kind, "severity": severity, "since": at(**ago), "text": text}


def trouble(found):
    """Give the first sources their bad days."""
    bad, gap, slow, fresh, paused, running, alien = found[:7]
    bad["state"] = "failing"
    bad["problems"] = [
        problem("dump_failed", "error", "The dump failed three nights in a row: orders.items was altered "
                "while it was read. The newest backup is three days old.", days=2, hours=20)]
    bad["jobs"][0] = job("dump", "15 2 * * *", 0.1, 23.8, ok=False, seconds=421.0,
                         message="table shop.items: altered before it was read; run it again")
    bad["backups"] = bad["backups"][:-3]
    bad["backups"][-9]["proven"] = False
    gap["state"] = "failing"
    gap["problems"] = [
        problem("gap", "error", "The server purged binlog.000388 before it was archived: the moments between "
                "9 Nov 03:10 and 9 Nov 14:55 cannot be restored.", days=18),
        problem("drill_failed", "error", "The last drill could not restore billing.ledger: its digest "
                "differs.", days=5)]
    gap["windows"] = [{"from": at(days=29), "to": at(days=18, hours=12)},
                      {"from": at(days=17, hours=23), "to": at(seconds=3)}]
    gap["gaps"] = [{"from": at(days=18, hours=12), "to": at(days=17, hours=23)}]
    gap["drills"][-1]["ok"] = False
    slow["state"] = "warning"
    slow["problems"] = [problem("archive_lag", "warning", "The archive is 12 minutes behind db3.example.net.",
                                minutes=40)]
    slow["archive"].update(lag_s=741.0, lag_bytes=912680550)
    fresh["state"] = "unknown"
    fresh.update(backups=[], windows=[], drills=[], archive=None, owner=None, ours=False,
                 jobs=[job("dump", "15 2 * * *", None, 23.8)])
    fresh["jobs"][0]["last_success"] = None
    paused["paused"] = True
    running["jobs"][0]["running"] = {
        "started": at(minutes=21), "phase": "rows", "bytes": 21 << 30, "total": 48 << 30,
        "rows": 118211345, "tables": 211, "rate": 17.4 * (1 << 20), "left_s": 1588}
    running["jobs"][2]["running"] = {"started": at(minutes=2), "phase": "reading", "bytes": 1 << 30,
                                     "total": 0, "rows": 0, "tables": 0, "rate": 9 << 20, "left_s": None}
    alien.update(owner="night-2", ours=False)


def status(n=12, seed=1, bad=True):
    rng = random.Random(seed)
    names = NAMES + [f"shard-{i:04}" for i in range(max(0, n - len(NAMES)))]
    found = [source(rng, name, i + 1) for i, name in enumerate(names[:n])]
    if bad and n >= 7:
        trouble(found)
    return {
        "version": 1, "now": at(),
        "daemon": {"id": "night-1", "host": "backup1.example.net", "tool": "backupd 0.5.0",
                   "started": at(days=3), "state": "running", "jobs": ["dump", "archive"],
                   "config": "/etc/kura/kura.conf"},
        "limits": {"max_jobs": 4, "running": 2 if bad else 0, "queued": 3 if bad else 0},
        "stores": [{"name": "main", "url": "s3://backups/mysql",
                    "requests": {"get": 1200, "put": 41822, "list": 310, "delete": 12, "other": 40},
                    "retries": 7, "open": not bad, "error": None, "bytes_in": 1 << 31, "bytes_out": 1 << 40}],
        "daemons": [{"id": "night-1", "host": "backup1.example.net", "tool": "backupd 0.5.0",
                     "alive": True, "sources": n - 1},
                    {"id": "night-2", "host": "backup2.example.net", "tool": "backupd 0.5.0",
                     "alive": not bad, "sources": 1}],
        "sources": found,
        "history": [{"source": rng.choice(names[:n]), "job": rng.choice(["dump", "expire", "verify"]),
                     "started": at(minutes=9 * i + 5), "finished": at(minutes=9 * i),
                     "ok": i % 7 != 3, "exit": 0 if i % 7 != 3 else 1,
                     "message": None if i % 7 != 3 else "connect db1.example.net: no answer within 10 s"}
                    for i in range(1, 31)],
        "problems": [problem("store_main", "error", "store main does not answer", minutes=3)]
        if bad else []}


def hostile():
    """One source of which every text is an attack."""
    doc = status(7)
    target = doc["sources"][0]
    target.update(name=HOSTILE, host=HOSTILE, store=HOSTILE, owner=HOSTILE)
    target["problems"] = [problem(HOSTILE, "error", HOSTILE, days=1)]
    target["jobs"][0].update(job=HOSTILE, schedule=HOSTILE)
    target["jobs"][0]["last"]["message"] = HOSTILE
    doc["daemon"].update(host=HOSTILE, tool=HOSTILE, id=HOSTILE)
    doc["daemons"][0].update(id=HOSTILE, host=HOSTILE, tool=HOSTILE)
    doc["stores"][0].update(name=HOSTILE, url=HOSTILE)
    doc["history"][0].update(source=HOSTILE, job=HOSTILE, message=HOSTILE, ok=False)
    return doc


if __name__ == "__main__":
    kind = sys.argv[1] if len(sys.argv) > 1 else "12"
    json.dump(hostile() if kind == "hostile" else status(int(kind.rstrip("g")), bad=not kind.endswith("g")),
              sys.stdout)
