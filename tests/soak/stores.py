# SPDX-License-Identifier: Apache-2.0
"""Where a month's backups go, and what may befall that: a folder on a disc of its own, or a bucket behind a proxy."""
import contextlib
import os
import shutil
import subprocess
import sys

from conftest import S3_KEY, S3_SECRET, TOP, Store, new_bucket, running_gateway

sys.path.insert(0, str(TOP / "tests/tools"))
from faults3 import Faults      # noqa: E402

MANY = 10**9


class Folder:
    RATE = 4320             # a day is 20 seconds

    def __init__(self, folder):
        self.disc, self.folder = folder / "disc", folder
        self.disc.mkdir()
        # a disc of its own can be full; only root has one to give
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "kura-soak", self.disc],
                                      capture_output=True).returncode == 0
        self.faults = ("store_away",) + ("full",) * self.mounted
        self.store = Store(f"file://{self.disc}/store", path=self.disc / "store")

    def heads(self, sources):
        """(source, id, how to read it)"""
        return [(path.parts[-3], path.stem, path.read_text) for path in self.store.path.glob("sources/*/heads/*.json")]

    def shift(self, seconds):
        """Its clock is this host's."""

    def remove(self, key):
        (self.store.path / key).unlink()

    def unfinished(self):
        return [str(p) for p in self.store.path.rglob("*") if p.is_file() and ".tmp" in p.parts]

    def store_away(self, pick):
        away = self.disc / "away"
        self.store.path.rename(away)
        yield pick.uniform(0.2, 3)
        assert not self.store.path.exists(), "a store that was away was made anew"
        away.rename(self.store.path)

    def full(self, pick):
        stuff = self.disc / "stuff"
        with contextlib.suppress(OSError), stuff.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20 if os.statvfs(self.disc).f_bavail > 512 else 4096))
        yield pick.uniform(1, 4)
        stuff.unlink()

    def close(self, keep):
        if self.mounted:
            if keep:
                shutil.copytree(self.store.path, self.folder / "store")
            subprocess.run(["umount", self.disc])


class Bucket:
    RATE = 1440             # a day is a minute: an answer's way must be far below the 5 minutes that clocks may differ

    faults = ("store_away", "busy", "slow", "broken", "store_clock")

    def __init__(self, folder):
        self.folder, self.stack = folder, contextlib.ExitStack()
        gateway = self.stack.enter_context(running_gateway())
        self.proxy = Faults(gateway, S3_KEY, S3_SECRET, exact=True)
        self.stack.callback(self.proxy.close)
        real = new_bucket(gateway)
        self.client, self.bucket = real.client, real.bucket
        self.store = Store(real.url, [f"--s3-endpoint={self.proxy.url}"], real.env, client=real.client, bucket=real.bucket)

    def read(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()

    def heads(self, sources):
        out = []
        for source in sources:
            prefix = f"backups/sources/{source}/heads/"
            found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ())
            out += [(source, o["Key"][len(prefix):-5], lambda key=o["Key"]: self.read(key)) for o in found]
        return out

    def shift(self, seconds):
        self.proxy.shift = seconds

    def remove(self, key):
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def unfinished(self):
        return [u["Key"] for u in self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())]

    def store_away(self, pick):
        self.proxy.away = True
        yield pick.uniform(0.2, 6)
        self.proxy.away = False

    def rules(self, seconds, *rules):
        for rule in rules:
            self.proxy.add(*rule)
        yield seconds
        self.proxy.rules.clear()

    def busy(self, pick):
        return self.rules(pick.uniform(1, 6), ("503", "*", ".", MANY))

    def slow(self, pick):
        """Each answer takes two seconds: 48 minutes of that clock."""
        return self.rules(pick.uniform(4, 12), ("slow", "*", ".", MANY))

    def broken(self, pick):
        """Answers are lost, whether or not the work was done."""
        return self.rules(pick.uniform(2, 8), *[(what, method, ".", n) for what, method, n in
                                                (("lost", "PUT", 4), ("reset", "*", 4), ("500", "*", 4), ("lost", "POST", 2),
                                                 ("lost", "DELETE", 2), ("lost", "GET", 2))])

    def store_clock(self, pick):
        """Up to two hours of that clock, this way or that."""
        self.shift(pick.choice((-1, 1)) * pick.uniform(1, 5))
        yield pick.uniform(2, 8)
        self.shift(0)

    def close(self, keep):
        for key in self.store.keys() if keep else ():
            path = self.folder / "store" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        self.stack.close()
