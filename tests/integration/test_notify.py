# SPDX-License-Identifier: Apache-2.0
"""Notifiers against web servers and commands: what they get, and what never leaves Kura."""
import hashlib
import hmac
import http.server
import json
import signal
import ssl
import subprocess
import threading
import types

import pytest

from conftest import run
from daemons import Daemon, wait_for

SECRET = "s3cr3t-of-the-hook"


class Hooks(http.server.ThreadingHTTPServer):
    """Keeps what it was sent; answers with `answers`, then 200."""

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Hook)
        self.heard, self.answers, self.lock = [], [], threading.Lock()
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server_port}"

    def bodies(self, path=None):
        with self.lock:
            return [json.loads(body) for p, _, body in self.heard if path in (None, p)]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, address):
        pass        # a client that does not trust us


class Hook(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with self.server.lock:
            self.server.heard.append((self.path, dict(self.headers), b"{}"))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.heard.append((self.path, dict(self.headers), body))
            status, text = self.server.answers.pop(0) if self.server.answers else (200, b"ok")
        # Quotes all that it was sent, as some servers do.
        text = text if status < 400 else text + self.path.encode() + b" " + body
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


@pytest.fixture
def hooks():
    with Hooks() as server:
        yield server


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


def tried(tmp_path, *sections, args=(), env=None):
    config = tmp_path / "kura.conf"
    config.write_text("[daemon]\npage = https://kura.example/\n" + "".join(f"[notify n{i}]\n{s}\n" for i, s in enumerate(sections)))
    done = run("backupd", "notify", "--test", f"--config={config}", "--log-level=debug", *args, env=env)
    assert SECRET not in done.out + done.err
    return done


def test_webhook_is_signed(tmp_path, hooks, secret):
    done = tried(tmp_path, f"type = webhook\nurl = {hooks.url}/hook\nsecret-file = {secret}")
    assert done.status == 0, done
    assert done.out.startswith(f"n0: {hooks.url[7:]}: delivered: HTTP 200: ok, ")
    (path, headers, body), = hooks.heard
    want = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert path == "/hook" and headers["X-Kura-Signature"] == "sha256=" + want
    notice = json.loads(body)
    assert (notice["state"], notice["test"], notice["version"]) == ("firing", True, 1)
    assert notice["page"] == "https://kura.example/"
    assert notice["sent"].endswith("Z") and notice["sent"] >= notice["time"]


def test_pagerduty_opens_and_resolves(tmp_path, hooks, secret):
    done = tried(tmp_path, f"type = webhook\nformat = pagerduty\nurl = {hooks.url}\nsecret-file = {secret}")
    assert done.status == 0, done
    opened, resolved = hooks.bodies()
    assert (opened["event_action"], resolved["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == resolved["dedup_key"] == "kura:test/n0"
    assert opened["routing_key"] == SECRET
    assert {"summary", "source", "severity", "timestamp"} <= set(opened["payload"])
    assert "X-Kura-Signature" not in hooks.heard[0][1]


def test_slack_may_keep_its_url_in_a_file(tmp_path, hooks, secret):
    secret.write_text(f"{hooks.url}/services/{SECRET}\n")
    done = tried(tmp_path, f"type = webhook\nformat = slack\nsecret-file = {secret}")
    assert done.status == 0, done
    assert hooks.heard[0][0] == f"/services/{SECRET}"
    assert list(hooks.bodies()[0]) == ["text"] and "nothing is wrong" in hooks.bodies()[0]["text"]


@pytest.mark.parametrize("form", ["json", "slack", "pagerduty"])
def test_secrets_are_never_printed(tmp_path, hooks, secret, form):
    """Not even when the server says them; tried() looks."""
    hooks.answers = [(400, b"what is this: ")]
    done = tried(tmp_path, f"type = webhook\nformat = {form}\nurl = {hooks.url}/{SECRET}\nsecret-file = {secret}",
                 args=["--json"])
    assert done.status == 1 and done.err == "backupd: 1 of 1 notifiers failed\n"
    result, = json.loads(done.out)["notifiers"]
    assert not result["ok"] and "HTTP 400: what is this: " in result["error"]


def test_command_gets_one_line_and_nothing_else(tmp_path, secret):
    script = tmp_path / "page"
    script.write_text("#!/bin/sh\nread -r line; read -r more && exit 9\nenv | cut -d= -f1 | sort | tr '\\n' ' ' > "
                      f"{tmp_path}/env\nprintf '%s' \"$line\" > {tmp_path}/line\necho thank you\n")
    script.chmod(0o755)
    done = tried(tmp_path, f"type = exec\ncommand = {script}", env={"KURA_PASSWORD": SECRET})
    assert done.status == 0, done
    assert done.out.startswith(f"n0: {script}: delivered: status 0: thank you, ")
    assert json.loads((tmp_path / "line").read_text())["kind"] == "failure"
    names = set((tmp_path / "env").read_text().split()) - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names <= {"PATH", "HOME", "LANG", "TZ"}


def test_command_ends_with_its_time(tmp_path):
    done = tried(tmp_path, "type = exec\ncommand = sh -c 'sleep 1000 & wait'\ntime-limit = 300ms",
                 "type = exec\ncommand = sh -c 'echo no paper >&2; exit 3'", "type = exec\ncommand = true")
    assert done.status == 1 and done.err == "backupd: 2 of 3 notifiers failed\n"
    assert "n0: FAILED: sh: killed: not done after 300 ms, " in done.out
    assert "n1: FAILED: sh: status 3: no paper, " in done.out
    assert "n2: true: delivered: status 0, " in done.out


def certificate(tmp_path, days):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "pem",
                    "-out", tmp_path / "cert"], check=True, capture_output=True)
    return tmp_path / "cert", tmp_path / "pem"


def test_certificates_are_checked(tmp_path):
    cert, key = certificate(tmp_path, 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Hooks(context) as server:
        section = f"type = webhook\nurl = {server.url}"
        done = tried(tmp_path, section)
        assert done.status == 1 and "SSL peer certificate" in done.out
        done = tried(tmp_path, section, env={"CURL_CA_BUNDLE": str(cert)})
        assert done.status == 0, done
        assert len(server.heard) == 1


def test_secret_that_others_may_read_is_refused(tmp_path, hooks, secret):
    secret.chmod(0o644)
    done = tried(tmp_path, f"type = webhook\nurl = {hooks.url}\nsecret-file = {secret}")
    assert done.status == 2 and "chmod 600" in done.err
    assert hooks.heard == []


def test_daemon_tells_each_trouble_once_and_its_end(source, directory, tmp_path, hooks, secret):
    """A failing dump, through webhook, PagerDuty, command and ping; a receiver that is busy at first; a restart."""
    source.sql("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE USER kura_n@localhost")
    hooks.answers = [(503, b"busy: ")]
    told = tmp_path / "told"
    extra = f"""
[notify web]
type = webhook
url = {hooks.url}/web
secret-file = {secret}
[notify other]
type = webhook
url = {hooks.url}/other
on = gap, verify_failed
[notify nobody]
type = webhook
url = {hooks.url}/nobody
[notify pager]
type = webhook
format = pagerduty
url = {hooks.url}/pager
secret-file = {secret}
[notify run]
type = exec
command = sh -c 'cat >> {told}'
"""
    keys = {"archive": "no", "user": "kura_n", "ping-dump": f"{hooks.url}/ping?x=1", "notify": "web, other, pager, run"}
    with Daemon(tmp_path / "d", directory, {"orders": (source, keys)}, daemon={"retry-after": "1h"}, extra=extra) as d:
        d.run_job("orders", ok=False)
        wait_for(lambda: len(hooks.bodies("/web")) >= 2 or len(hooks.bodies("/pager")) >= 2)   # one had the 503
        wait_for(lambda: hooks.bodies("/web") and hooks.bodies("/pager") and told.exists() and told.read_text())
        first = hooks.bodies("/web")[0]
        assert (first["source"], first["job"], first["kind"], first["state"], first["severity"]) == (
            "orders", "dump", "failure", "firing", "error")
        assert first["text"].startswith("the last dump failed: ")
        assert len({b["id"] for b in hooks.bodies("/web")}) == 1
        wait_for(lambda: hooks.bodies("/ping/fail?x=1"))
        d.run_job("orders", ok=False)
        wait_for(lambda: len(hooks.bodies("/ping/fail?x=1")) == 2)
        d.end(signal.SIGTERM)
    # It ends while nobody is there to see; the next process tells the end of what its forerunner told.
    source.sql("GRANT ALL ON *.* TO kura_n@localhost WITH GRANT OPTION")
    before = len(hooks.bodies("/web"))
    with Daemon(tmp_path / "d", directory, {"orders": (source, keys)}, extra=extra) as d:
        wait_for(lambda: (d.job("orders", "dump") or {}).get("last"))
        d.run_job("orders")
        wait_for(lambda: hooks.bodies("/web")[-1]["state"] == "recovered" and
                 hooks.bodies("/pager")[-1]["event_action"] == "resolve" and "recovered" in told.read_text())
        wait_for(lambda: hooks.bodies("/ping?x=1"))
    assert len({b["id"] for b in hooks.bodies("/web")}) == 2 and len(hooks.bodies("/web")) == before + 1
    keys = {b["dedup_key"] for b in hooks.bodies("/pager")}
    assert keys == {"kura:orders/dump_failed"}
    assert [json.loads(line)["state"] for line in told.read_text().splitlines()] == ["firing", "recovered"]
    assert hooks.bodies("/other") == hooks.bodies("/nobody") == []
    assert SECRET not in d.said() and "/web" not in d.said() and "/ping" not in d.said()


def test_daemon_warns_of_certificates_that_end_soon(directory, tmp_path, hooks):
    """It needs no server; a certificate that is good for long is no news."""
    server = types.SimpleNamespace(socket=tmp_path / "nobody")
    (tmp_path / "long").mkdir()
    soon, _ = certificate(tmp_path, 3)
    late, _ = certificate(tmp_path / "long", 300)
    sources = {name: (server, {"archive": "no", "drill-ssl-ca": file}) for name, file in
               (("orders", soon), ("billing", late))}
    extra = f"[notify web]\ntype = webhook\nurl = {hooks.url}\non = credentials-expire\n"
    with Daemon(tmp_path / "d", directory, sources, extra=extra) as d:
        wait_for(hooks.bodies)
        shown, = d.status("orders")["problems"]
        assert shown["kind"] == "credentials_expire" and shown["severity"] == "warning"
        assert shown["text"] == f"the certificate {soon} expires in 2 days: renew it"
        assert d.status("billing")["problems"] == []
        soon.write_text(late.read_text())
        d.ask("reload")
        wait_for(lambda: hooks.bodies()[-1]["state"] == "recovered")
        # counted since the configuration was read
        wait_for(lambda: d.status()["notifiers"] == [
            {"name": "web", "delivered": 1, "failed": 0, "dropped": 0, "waiting": 0},
            {"name": "ping", "delivered": 0, "failed": 0, "dropped": 0, "waiting": 0}])
    assert [(b["source"], b["kind"]) for b in hooks.bodies()] == [("orders", "credentials-expire")] * 2


def test_daemon_warns_of_a_password_that_ends_soon(source, directory, tmp_path):
    """Of the account that archives, if it may see its own."""
    source.sql("CREATE USER kura_old@localhost IDENTIFIED BY 'old' PASSWORD EXPIRE INTERVAL 4 DAY",
               "CREATE USER kura_fresh@localhost IDENTIFIED BY 'fresh' PASSWORD EXPIRE NEVER",
               "CREATE USER kura_blind@localhost IDENTIFIED BY 'blind' PASSWORD EXPIRE INTERVAL 4 DAY",
               f"GRANT REPLICATION CLIENT, REPLICATION SLAVE{', SLAVE MONITOR' * (source.kind == 'mariadb')} ON *.*"
               " TO kura_blind@localhost",
               *[f"GRANT ALL ON *.* TO {name}@localhost" for name in ("kura_old", "kura_fresh")])
    secrets = {}
    for name in ("old", "fresh", "blind"):
        secrets[name] = tmp_path / name
        secrets[name].write_text(name + "\n")
        secrets[name].chmod(0o600)
    try:
        sources = {name: (source, {"user": f"kura_{name}", "password-file": secrets[name]}) for name in secrets}
        with Daemon(tmp_path / "d", directory, sources) as d:
            wait_for(lambda: all(map(d.follows, secrets)))
            # it looks once a minute, and after this
            wait_for(lambda: d.ask("reload") and d.status("old")["problems"])
            problem, = d.status("old")["problems"]
            assert (problem["kind"], problem["severity"]) == ("credentials_expire", "warning")
            assert problem["text"] == "the password of its account expires in 3 days: change it"
            assert d.status("fresh")["problems"] == d.status("blind")["problems"] == []
        done = run("backupd", "check", f"--config={d.file}")
        assert [line for line in done.out.splitlines() if "password of its account" in line] == [
            "old: warning: the password of its account expires in 3 days; give it a new one"], done
    finally:
        source.sql("DROP USER kura_old@localhost, kura_fresh@localhost, kura_blind@localhost")
