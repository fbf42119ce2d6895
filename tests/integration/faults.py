# SPDX-License-Identifier: Apache-2.0
"""What may befall an archive and a restore: one thing a round, and after each all is as a replica has it."""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time
import uuid

import pymysql

import archives
from archives import SEGMENT, wait_for
from conftest import BIN, HOME, Server, Store, run
from test_consistency import forget_source, reset      # noqa: F401 (for the tests)
from test_pitr import Judge, compare, wipe

FAULTS = ("kill-archiver", "kill-source", "kill-restore", "kill-target", "stop-archiver", "store-away", "purge", "cut")
DAMAGES = ("flip", "truncate", "missing", "swap", "repeat")
KEPT = ("/binlog/", "/files/", "/index/", "/histories/", "/heads/", "/data/", "kura.json")
ACCOUNTS = 40
# a killed server has what it said it has; nobody pulls the plug
SAFE = ("--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M")


class Load:
    """Transfers with a constant sum, a counter, and now and then a definition or a new binary log."""

    def __init__(self, source, seed, writers=2):
        self.source, self.random = source, random.Random(seed)
        self.stop_now, self.threads, self.writers = threading.Event(), [], writers
        self.quiet = threading.Lock()       # whoever has it wants no definitions

    @staticmethod
    def prepare(source):
        source.sql("CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'repl'",
                   "GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'", "CREATE DATABASE bank",
                   "CREATE TABLE bank.account (id INT PRIMARY KEY, balance INT NOT NULL)",
                   "CREATE TABLE bank.transfer (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b INT, amount INT, pad BLOB)",
                   "CREATE TABLE bank.counter (one INT PRIMARY KEY, n INT)", "INSERT INTO bank.counter VALUES (1, 0)",
                   "INSERT INTO bank.account VALUES " + ",".join(f"({n}, 1000)" for n in range(ACCOUNTS)))

    def transfer(self, cursor, pick):
        a, b = pick.sample(range(ACCOUNTS), 2)
        amount = pick.randrange(1, 20)
        cursor.execute("BEGIN")
        for x, sign in sorted([(a, "-"), (b, "+")]):    # in one order: nobody waits for each other
            cursor.execute(f"UPDATE bank.account SET balance = balance {sign} {amount} WHERE id = {x}")
        # more, now and then, than a packet or a block of the archiver
        size = pick.choice((20, 100, 400)) if pick.random() < 0.99 else pick.randrange(300000)
        cursor.execute("INSERT INTO bank.transfer (a, b, amount, pad) VALUES (%s, %s, %s, %s)",
                       (a, b, amount, pick.randbytes(size)))
        cursor.execute("UPDATE bank.counter SET n = n + 1")
        cursor.execute("COMMIT")

    def define(self, cursor, pick):
        table = f"bank.x{pick.randrange(4)}"
        with self.quiet:
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
            cursor.execute(pick.choice((f"ALTER TABLE {table} COMMENT '{pick.randrange(1000)}'", f"DROP TABLE {table}",
                                        f"INSERT INTO {table} (v) VALUES (1), (2)", f"TRUNCATE TABLE {table}",
                                        "FLUSH BINARY LOGS")))
        self.stop_now.wait(0.4)

    def work(self, job, seed):
        pick = random.Random(seed)
        while not self.stop_now.is_set():
            try:
                with contextlib.closing(self.source.connect()) as c, c.cursor() as cursor:
                    while not self.stop_now.is_set():
                        job(cursor, pick)
                        self.stop_now.wait(0.003)
            except pymysql.MySQLError:      # the server was killed
                self.stop_now.wait(0.1)

    def __enter__(self):
        self.stop_now.clear()
        jobs = [self.transfer] * self.writers + [self.define]
        self.threads = [threading.Thread(target=self.work, args=(j, self.random.random())) for j in jobs]
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop_now.set()
        for t in self.threads:
            t.join()


def holds(server):
    """Every moment between two transactions is such."""
    with contextlib.closing(server.connect()) as c, c.cursor() as cursor:
        cursor.execute("SELECT (SELECT SUM(balance) FROM bank.account), (SELECT n FROM bank.counter),"
                       " (SELECT COUNT(*) FROM bank.transfer)")
        total, n, count = cursor.fetchone()
    assert (total, n) == (ACCOUNTS * 1000, count)


def transactions(data):
    """(GTID, offset) of each transaction in a binary log's bytes."""
    at, out = 4, []
    while at + 19 <= len(data):
        kind, size = data[at + 4], int.from_bytes(data[at + 9:at + 13], "little")
        if kind == 33:
            number = int.from_bytes(data[at + 36:at + 44], "little")
            out.append((f"{uuid.UUID(bytes=data[at + 20:at + 36])}:{number}", at))
        elif kind == 162:
            server = int.from_bytes(data[at + 5:at + 9], "little")
            number = int.from_bytes(data[at + 19:at + 27], "little")
            domain = int.from_bytes(data[at + 27:at + 31], "little")
            out.append((f"{domain}-{server}-{number}", at))
        at += size
    return out


class Archiver:
    def __init__(self, ground):
        ground.archivers += 1
        self.log = ground.folder / f"archiver-{ground.archivers}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(BIN / "backupd"), "archive", *ground.store.args, *ground.source.args(), "--segment-age=500ms",
                 "s"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "HOME": HOME})

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def term(self):
        self.signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.said()

    def said(self):
        return f"{self.log}: " + self.log.read_text()[-1500:]

    def lives(self):
        assert self.process.poll() is None, f"the archiver ended with {self.process.returncode}: {self.said()}"


class Ground:
    """A source with its archive, a target, and the judge; goes from round to round."""

    def __init__(self, source, target, replica, folder, seed):
        self.source, self.target, self.replica = source, target, replica
        self.folder, self.random, self.seed = pathlib.Path(folder), random.Random(seed), seed
        self.store = Store(f"file://{folder}/store", path=self.folder / "store")
        for server in (source, target, replica):
            reset(server)
        Load.prepare(source)
        self.load = Load(source, self.random.random())
        self.judge = Judge(source, replica)
        self.archivers, self.archiver, self.backup = 0, None, None
        self.seen, self.unpacked, self.purged = {}, {}, {}
        self.gaps = 0
        self.judged = None          # the GTID where the judge stands
        self.took = 2.0             # seconds of a restore
        self.told = ""              # of the round, should it fail

    def close(self):
        if self.archiver:
            self.archiver.kill()

    # --- the store ---

    def look(self):
        """Nothing that was written is ever written over, and only what is marked may go."""
        keys = [k for k in self.store.keys() if any(part in k for part in KEPT)]
        marks = "".join(archives.fetch(self.store, k).decode() for k in self.store.keys() if "/marks/" in k)
        for key in set(self.seen) - set(keys):
            assert f'"{key}"' in marks, f"{key} is gone"
        for key in keys:
            data = archives.fetch(self.store, key)
            now = len(data), hashlib.sha256(data).hexdigest()
            assert self.seen.setdefault(key, now) == now, f"{key} has changed: {self.seen[key]}, {now}"

    def unpack(self, store, key):
        if key not in self.unpacked:
            self.unpacked[key] = archives.unzstd(archives.fetch(store, key))
        return self.unpacked[key]

    def archived(self, history):
        return archives.archived(self.store, history, unpack=self.unpack)

    def histories(self):
        return sorted(archives.histories(self.store), key=lambda h: h["opened"])

    def caught_up(self):
        self.archiver.lives()
        history = self.histories()[-1]
        try:
            files = self.archived(history)
        except archives.Hole:       # several segments are on their way at once
            return False
        first = list(files)[0] if files else None
        names = [n for n in archives.logs(self.source) if first and n >= first]
        return (bool(names) and files.get(names[-1]) == archives.on_disk(self.source, names[-1]) and
                set(names[:-1]) <= set(archives.finished(self.store, history)))

    def equal(self):
        """What is archived is the server's; [(history, name, GTID, offset)] of the newest history."""
        names, found = archives.logs(self.source), []
        histories = self.histories()
        for history in histories:
            files = self.archived(history)
            for name, data in files.items():
                theirs = archives.on_disk(self.source, name) if name in names else self.purged[name]
                assert theirs.startswith(data), f"{name} of {history['id']} differs from the server's"
                # a crashed server leaves a torn transaction at a file's end; a gap ends in the middle
                if name != list(files)[-1]:
                    assert len(transactions(theirs)) - len(transactions(data)) <= (theirs != data), f"{name} is short"
                if history is histories[-1]:
                    found += [(name, gtid, at) for gtid, at in transactions(data)]
        return found

    # --- what may happen ---

    def pause(self, least=0.3, most=2.0):
        time.sleep(self.random.uniform(least, most))

    def kill_archiver(self):
        self.pause()
        self.archiver.kill()
        self.pause(0, 0.5)
        self.archiver = Archiver(self)

    def kill_source(self):
        self.pause()
        kill(self.source)
        self.pause(0, 1)
        self.source.start()

    def stop_archiver(self):
        self.pause()
        first = self.archiver
        first.signal(signal.SIGSTOP)
        second = self.archiver = Archiver(self)
        self.pause(1, 3)
        first.signal(signal.SIGCONT)
        self.pause(1, 3)
        first.lives()
        second.lives()
        gone, self.archiver = self.random.sample((first, second), 2)
        gone.term()

    def store_away(self):
        self.pause()
        away = self.folder / "away"
        self.store.path.rename(away)
        self.pause(1, 4)
        assert not self.store.path.exists(), "a store that was away was made anew"
        away.rename(self.store.path)

    def cut(self):
        self.pause()
        for (ident,) in self.source.sql("SELECT ID FROM information_schema.PROCESSLIST"
                                        " WHERE COMMAND LIKE 'Binlog Dump%'"):
            with contextlib.suppress(pymysql.MySQLError):
                self.source.sql(f"KILL {ident}")

    def purge(self):
        """Files that nobody archived are purged: a gap."""
        self.pause()
        self.archiver.kill()
        self.pause()
        self.load.__exit__()
        self.source.sql("FLUSH BINARY LOGS")
        names = archives.logs(self.source)
        for name in names:
            self.purged[name] = archives.on_disk(self.source, name)
        last = [gtid for name in names for gtid, _ in transactions(self.purged[name])][-1]
        self.judge.to(last)
        self.judged, self.gaps = last, self.gaps + 1
        before = len(self.histories())

        def is_purged():
            self.source.sql(f"PURGE BINARY LOGS TO '{names[-1]}'")
            return archives.logs(self.source)[0] == names[-1]
        wait_for(is_purged)
        self.load.__enter__()
        self.archiver = Archiver(self)
        wait_for(lambda: self.archiver.lives() or len(self.histories()) > before, 60)
        self.back_up()

    # --- a round ---

    def back_up(self):
        with self.load.quiet:
            done = run("backupd", "run", *self.store.args, *self.source.args(), "--json", "s")
        assert done.status == 0, done
        self.backup = json.loads(done.out)

    def restore(self, *args, store=None):
        return [BIN / "restore", "run", "s", *(store or self.store).args, *self.target.args(), "--yes",
                f"--backup={self.backup['id']}", f"--replay={self.replay}", *args]

    def restored(self, *args, status=0, store=None):
        began = time.monotonic()
        done = run(*self.restore(*args, store=store))
        assert done.status == status, done
        self.took = time.monotonic() - began
        return done

    def harmed(self, fault, *args):
        """A restore that is killed, or whose target is, until it is done; how often."""
        for n in range(4):
            p = archives.start(*self.restore(*args))
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(self.random.uniform(0, self.took))
            over = p.poll() is not None
            if not over and fault == "kill-restore":
                p.kill()
            elif not over:
                kill(self.target)
            _, err = p.communicate(timeout=180)
            if over and p.returncode == 0:
                return n
            assert fault == "kill-restore" and p.returncode == -9 or p.returncode == 1, (p.returncode, err)
            assert fault == "kill-restore" or err.count("\n") >= 1, err
            if fault == "kill-target":
                self.target.start()
            wait_for(lambda: self.target.sql("SELECT IS_FREE_LOCK('kura_restore')")[0][0] == 1)
        self.restored(*args)
        return n + 1

    def choose(self, found):
        """Indices of the last transaction before a segment that will be damaged, of the end, and that segment."""
        gtids = [gtid for _, gtid, _ in found]
        place = self.backup["coordinates"]["file"], self.backup["coordinates"]["position"]
        low = next((i for i, (name, _, at) in enumerate(found) if (name, at) >= place), len(found))
        if self.judged in gtids:
            low = max(low, gtids.index(self.judged) + 1)
        history = self.histories()[-1]
        first = int(history["first_file"].rsplit(".", 1)[1])
        done = {f["seq"]: [(o["start"], o["end"]) for o in f["objects"]]
                for f in archives.finished(self.store, history).values()}
        cover, ends = [], {}
        for key in self.store.keys():
            m = SEGMENT.search(key)
            if m and m[2] == history["id"]:
                cover.append((int(m[3]), int(m[4]), -int(m[5]), key))
        usable = []
        for seq, begin, end, key in sorted(cover):
            if -end <= ends.get(seq, 0) or (seq in done and (begin, -end) not in done[seq]):
                continue
            ends[seq] = -end
            inside = [i for i, (name, _, at) in enumerate(found)
                      if int(name.rsplit(".", 1)[1]) == first + seq - 1 and begin <= at < -end]
            if inside and inside[0] > low:
                usable.append((inside[0] - 1, inside[-1], key))
        assert usable, "too few segments to damage one"
        before, last, key = self.random.choice(usable)
        # behind the segment, so that its last byte matters
        to = self.random.choice((len(found) - 1, self.random.randrange(min(last + 1, len(found) - 1), len(found))))
        return before, to, key, [k for _, _, k in usable if k > key]

    def damage(self, key, others):
        """A copy of the store in which one segment is not what it was; how, and the objects to be named."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.store.path, copy)
        how = self.random.choice([d for d in DAMAGES if others or d in ("flip", "truncate")])     # the rest takes two
        path, data, keys = copy / key, (copy / key).read_bytes(), [key]
        if how == "flip":
            at = self.random.randrange(len(data))
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1:])
        elif how == "truncate":
            path.write_bytes(data[:self.random.randrange(len(data))])
        elif how == "missing":
            path.unlink()
            keys += ["the archive is broken after", "lacks its first"]
        else:
            other = self.random.choice(others)      # a later one
            path.write_bytes((copy / other).read_bytes())
            if how == "swap":
                (copy / other).write_bytes(data)
                keys.append(other)
        return Store(f"file://{copy}", path=copy), how, keys

    def judge_at(self, gtid):
        if gtid != self.judged:
            self.judge.to(gtid)
        self.judged = gtid
        compare(self.replica, self.target)
        holds(self.target)

    def catalog(self, verb, *args, store=None, status=0):
        done = run("catalog", verb, "s", *(store or self.store).args, *args)
        assert done.status == status, done
        return done

    def timeline(self, last):
        facts = json.loads(self.catalog("timeline", "--json").out)
        assert facts["damage"] == [] and 1 <= len(facts["windows"]) <= 1 + self.gaps, facts
        assert facts["backups"][-1]["id"] == self.backup["id"], facts
        self.catalog("verify")
        done = run("restore", "plan", "s", *self.store.args, *self.target.args(), "--to=latest", "--json")
        assert done.status == 0, done
        facts = json.loads(done.out)
        assert facts["replay"]["last"]["gtid"] == last, facts

    def round(self, fault):
        """What happened, in words; AssertionError."""
        self.replay, self.told = self.random.choice(("serve", "apply")), ""
        wipe(self.target)
        with self.load:
            if self.backup is None or self.random.random() < 0.3:
                self.back_up()
            if self.archiver is None:
                self.archiver = Archiver(self)
            if fault in ("kill-restore", "kill-target"):
                self.pause(1.5, 2.5)
            else:
                getattr(self, fault.replace("-", "_"))()
            self.pause(0.3, 0.6)
            # so that segments begin behind the backup, whatever was finished
            self.source.sql("FLUSH BINARY LOGS")
            self.pause(1, 1.5)
        wait_for(self.caught_up, 90)
        self.look()
        found = self.equal()
        self.timeline(found[-1][1])
        before, to, key, others = self.choose(found)
        store, how, keys = self.damage(key, others)
        self.told = f"{how} {keys}, {self.replay} from {self.backup['id']} to {found[before]}, {found[to]}"
        done = self.catalog("verify", store=store, status=3)
        assert any(k in done.out + done.err for k in keys), done
        self.restored(f"--to={found[before][1]}", store=store)
        self.judge_at(found[before][1])
        done = self.restored(f"--to={found[to][1]}", store=store, status=3)
        assert any(k in done.err for k in keys), done
        kills = 0
        if fault in ("kill-restore", "kill-target"):
            if self.random.random() < 0.7:
                wipe(self.target)
            kills = self.harmed(fault, f"--to={found[to][1]}")
        else:
            self.restored(f"--to={found[to][1]}")
        self.judge_at(found[to][1])
        self.look()
        return (f"{len(found)} transactions in {len(self.histories())} histories, {how} named, {self.replay} to "
                f"{found[to][1].split(':')[-1]}{f', {kills} kills' if kills else ''}: equal")


def kill(server):
    name = "mariadbd.pid" if server.kind == "mariadb" else "mysqld.pid"
    pid = int((server.dir / name).read_text())
    os.kill(pid, signal.SIGKILL)

    def is_gone():
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            return True
    wait_for(is_gone)


def server(kind, name, ident):
    return Server(kind, name, ident, SAFE)
