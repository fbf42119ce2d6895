# SPDX-License-Identifier: Apache-2.0
"""A daemon for tests: its configuration, its process, and what it says of itself."""
import json
import signal
import time
import urllib.request

from conftest import free_port, run, start


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)
    return found


class Daemon:
    """`backupd serve` over some servers; sources: {name: (server, {key: value})}."""

    def __init__(self, folder, store, sources, daemon=None, defaults=None, extra="", env=None, under=()):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.store, self.port, self.process = folder, store, free_port(), None
        self.file, self.log, self.extra = folder / "kura.conf", folder / "serve.log", extra
        self.daemon = {"listen": f"127.0.0.1:{self.port}", "state": folder / "state", "allow-root": "yes",
                       **(daemon or {})}
        self.defaults = {"store": "main", "archive": "yes", "zone": "UTC", "user": "root", "segment-age": "200ms",
                         **(defaults or {})}
        self.sources, self.env, self.under = dict(sources), env or {}, under
        self.write()

    def write(self):
        def section(name, keys):
            return f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
        text = section("daemon", self.daemon) + section("store main", {"url": self.store.url, **{
            a.lstrip("-").split("=")[0]: a.split("=", 1)[1] for a in self.store.args[1:]}})
        text += section("defaults", self.defaults)
        for name, (server, keys) in self.sources.items():
            text += section(f"source {name}", {"socket": server.socket, **keys})
        self.file.write_text(text + self.extra)
        self.file.chmod(0o600)

    def __enter__(self):
        self.process = start("backupd", "serve", f"--config={self.file}", env={**self.store.env, **self.env},
                             log=self.log, under=self.under)
        wait_for(lambda: self.lives() and (self.folder / "state/backupd.sock").exists() and
                 self.get("/readyz", ok=False) == "ok\n")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()

    def end(self, how=signal.SIGTERM):
        began = time.monotonic()
        self.process.send_signal(how)
        assert self.process.wait(30) == 0, self.said()
        return time.monotonic() - began

    def lives(self):
        assert self.process.poll() is None, self.said()
        return True

    def said(self):
        return self.log.read_text()

    def get(self, path, ok=True):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            if ok:
                raise
            return None

    def ask(self, verb, *args, status=0):
        done = run("backupd", verb, *args, f"--socket={self.folder}/state/backupd.sock")
        assert done.status == status, f"{done}\n{self.said()}"
        return done

    def status(self, source=None):
        doc = json.loads(self.ask("status", "--json").out)
        if source is None:
            return doc
        return next(s for s in doc["sources"] if s["name"] == source)

    def job(self, source, job):
        return next((j for j in self.status(source)["jobs"] if j["job"] == job), None)

    def follows(self, source):
        archive = self.status(source)["archive"]
        return archive is not None and archive["state"] == "following"

    def run_job(self, source, job="dump", ok=True):
        """Start a job by hand; how it ended."""
        last = (self.job(source, job) or {}).get("last")
        self.ask("start", source, job)

        def ended():
            self.lives()
            now = (self.job(source, job) or {}).get("last")
            return now if now != last else None
        done = wait_for(ended)
        assert done["ok"] == ok, f"{done}\n{self.said()}"
        return done

