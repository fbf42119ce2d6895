# SPDX-License-Identifier: Apache-2.0
"""What the daemon shows over HTTP, and to whom: the HTTP side alone, over documents of statuses.py."""
import base64
import contextlib
import gzip
import http.client
import json
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import time
import warnings

import pytest

import browser
import statuses
from conftest import BIN, TOP

TOOL = BIN.parent / "tools/httpserve"
DEPLOY = TOP / "backupd/deploy"
TOKEN = "0123456789abcdef0123456789abcdef"


class Served:
    def __init__(self, folder, doc, *options):
        self.path = folder / "status.json"
        self.show(doc)
        self.process = subprocess.Popen([TOOL, *map(str, options), str(self.path)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.port = int(self.line() or 0)

    def show(self, doc):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(doc))
        fresh.rename(self.path)

    def line(self):
        assert select.select([self.process.stdout], [], [], 20)[0], "httpserve is silent"
        return self.process.stdout.readline().strip()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)
        return self.line()

    def connect(self, source="127.0.0.1"):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=20,
                                     source_address=(source, 0))
        return s

    def ask(self, path, method="GET", headers=None, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        c.request(method, path, headers=headers or {}, body=body)
        answer = c.getresponse()
        answer.body = answer.read()
        c.close()
        return answer

    def raw(self, data):
        """The answer to these bytes, b"" when there is none."""
        with contextlib.closing(self.connect()) as s:
            with contextlib.suppress(OSError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            return drain(s)

    def alive(self):
        with contextlib.suppress(ConnectionError):
            return self.ask("/healthz").status == 200
        return False

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=10) == 0, self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()


def drain(s):
    """All that still comes, until the peer closes."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while True:
            some = s.recv(65536)
            if not some:
                break
            got += some
    return got


@pytest.fixture
def served(tmp_path):
    running = []

    def start(doc, *options):
        running.append(Served(tmp_path, doc, *options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    one = Served(tmp_path_factory.mktemp("http"), statuses.status(12), "-h", 2000)
    yield one
    one.stop()


@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/metrics"])
def test_whoever_takes_gzip_gets_it(plain, path):
    clear, packed = plain.ask(path), plain.ask(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert clear.getheader("Content-Encoding") is None and packed.getheader("Content-Encoding") == "gzip"
    assert clear.getheader("Vary") == packed.getheader("Vary") == "Accept-Encoding"
    assert gzip.decompress(packed.body) == clear.body and len(packed.body) < len(clear.body) / 3
    assert plain.ask(path, headers={"Accept-Encoding": "gzip;q=0"}).body == clear.body
    head = plain.ask(path, "HEAD", headers={"Accept-Encoding": "gzip"})
    assert head.getheader("Content-Length") == packed.getheader("Content-Length") and head.body == b""


@pytest.mark.parametrize("path, kind, begin", [
    ("/", "text/html; charset=utf-8", b"<!doctype html>"),
    ("/sources/orders", "text/html; charset=utf-8", b"<!doctype html>"),
    ("/metrics", "text/plain; version=0.0.4; charset=utf-8", b"# HELP kura_"),
    ("/healthz", "text/plain; charset=utf-8", b"ok\n"),
    ("/readyz", "text/plain; charset=utf-8", b"ok\n"),
    ("/api/v1/status", "application/json", b'{"version":1'),
    ("/api/v1/sources", "application/json", b'{"version":1'),
    ("/api/v1/sources/orders", "application/json", b'{"version":1'),
    ("/api/v1/history", "application/json", b'{"version":1'),
])
def test_paths(plain, path, kind, begin):
    answer = plain.ask(path)
    assert answer.status == 200 and answer.body.startswith(begin)
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    if kind == "application/json":
        json.loads(answer.body)
    head = plain.ask(path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.body))


@pytest.mark.parametrize("path", ["/favicon.ico", "/metrics/", "/../etc/passwd", "/%2e%2e/", "//",
                                  "/api/v1/sources/", "/api/v1/sources/none", "/sources/none",
                                  "/healthz%00", "/api/v1/sources/orders%00"])
def test_nothing_there(plain, path):
    assert plain.ask(path).status == 404


def test_nothing_but_reading(plain):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        answer = plain.ask("/metrics", method)
        assert answer.status == 405, method
        assert answer.headers["Allow"] == "GET, HEAD"
    assert plain.ask("/metrics", body=b"x").status == 413
    big = plain.raw(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 100000)
    assert big.startswith(b"HTTP/1.1 413 ") or big == b""
    chunked = plain.raw(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert chunked.startswith(b"HTTP/1.1 413 ")
    assert plain.alive()


@pytest.mark.parametrize("data", [
    b"", b"\r\n\r\n", b"\0" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET  /  HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n folded: yes\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    bytes(range(256)) * 100,
], ids=range(20))
def test_malformed(plain, data):
    answer = plain.raw(data)
    # Nothing but a refusal; only what is harmless may be answered.
    assert answer == b"" or re.match(rb"HTTP/1\.[01] (4\d\d|5\d\d|200) ", answer), answer[:100]
    if answer.split(b" ")[1:2] == [b"200"]:
        assert len(data) < 100
    assert plain.alive()


def test_large_headers_are_refused(plain):
    assert plain.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000 + b"\r\n\r\n").startswith(
        (b"HTTP/1.1 431 ", b"HTTP/1.1 413 "))
    assert plain.raw(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 414 ")


def test_slow_askers_are_ended(served):
    """A byte now and then keeps no place: the whole request has one time limit."""
    one = served(statuses.status(3), "-h", 1500)
    slow = [one.connect() for _ in range(20)]
    text = b"GET / HTTP/1.1\r\nHost: " + b"x" * 5000
    begun, sent = time.monotonic(), 0
    open_ones = list(slow)
    while open_ones and time.monotonic() - begun < 30:
        for s in list(open_ones):
            readable = select.select([s], [], [], 0)[0]
            try:
                if readable and not s.recv(4096):
                    raise ConnectionError
                s.sendall(text[sent:sent + 1])
            except OSError:
                open_ones.remove(s)
        sent += 1
        assert one.alive()      # the others go on being answered
        select.select([], [], [], 0.05)
    assert not open_ones
    for s in slow:
        s.close()
    assert one.alive()


def test_slow_readers_are_ended(served):
    """Who takes little of an answer now and then keeps no place either."""
    doc = statuses.status(3)
    doc["history"] = [dict(doc["history"][0], message="x" * 100000)] * 400
    one = served(doc, "-a", 1500)
    folder = pathlib.Path(f"/proc/{one.process.pid}/fd")
    before = len(list(folder.iterdir()))
    with contextlib.closing(socket.socket()) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(20)
        s.connect(("127.0.0.1", one.port))
        s.sendall(b"GET /api/v1/history HTTP/1.1\r\nHost: x\r\n\r\n")
        assert s.recv(15) == b"HTTP/1.1 200 OK"
        assert one.alive()

        def ended():
            with contextlib.suppress(BlockingIOError, ConnectionError):
                s.recv(20000, socket.MSG_DONTWAIT)
            return len(list(folder.iterdir())) == before

        assert poll(ended)
        assert len(drain(s)) < 39000000, "all of it was sent"


def test_one_peer_leaves_room_for_others(served):
    one = served(statuses.status(3))
    with contextlib.ExitStack() as stack:
        for _ in range(80):
            with contextlib.suppress(OSError):
                stack.enter_context(contextlib.closing(one.connect()))
        s = stack.enter_context(contextlib.closing(one.connect("127.0.0.2")))
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert drain(s).startswith(b"HTTP/1.1 200 ")
    assert poll(one.alive)      # once it is seen that they are gone


def test_health(served):
    one = served(statuses.status(3))
    for ending, path, text in ((".sick", "/healthz", b"not healthy\n"), (".busy", "/readyz", b"not ready\n")):
        assert one.ask(path).status == 200
        flag = pathlib.Path(str(one.path) + ending)
        flag.touch()
        answer = one.ask(path)
        assert (answer.status, answer.body) == (503, text)
        flag.unlink()
    one.path.unlink()
    assert poll(lambda: one.ask("/metrics").status == 503)
    assert one.alive()


def poll(true, limit=20):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if true():
            return True
        select.select([], [], [], 0.05)
    return False


def secret(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_token(served, tmp_path):
    path = secret(tmp_path / "token", TOKEN + "\n")
    one = served(statuses.status(3), "-t", path)
    basic = "Basic " + base64.b64encode(b"anyone:" + TOKEN.encode()).decode()
    for where in ("/", "/metrics", "/api/v1/status", "/sources/orders"):
        for shown in (None, "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", TOKEN,
                      "Basic " + base64.b64encode(TOKEN.encode()).decode(), "Basic !", "Basic"):
            answer = one.ask(where, headers={"Authorization": shown} if shown else {})
            assert answer.status == 401, (where, shown)
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert b"orders" not in answer.body
        for shown in (f"Bearer {TOKEN}", basic):
            assert one.ask(where, headers={"Authorization": shown}).status == 200
    assert one.ask("/healthz").status == one.ask("/readyz").status == 200
    assert one.ask("/nothing").status == 401       # what there is is not told either
    # Another token by reload; one that is no good changes nothing.
    secret(path, "f" * 32)
    assert one.reload() == "reloaded"
    assert one.ask("/", headers={"Authorization": basic}).status == 401
    assert one.ask("/", headers={"Authorization": "Bearer " + "f" * 32}).status == 200
    secret(path, "short")
    assert one.reload() == f"{path}: a token has 16 to 512 characters, not 5"
    secret(path, TOKEN)
    path.chmod(0o644)
    assert one.reload() == f"{path}: others may read this password"
    assert one.ask("/", headers={"Authorization": "Bearer " + "f" * 32}).status == 200


def certificate(folder, name):
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                           "subjectAltName=DNS:localhost", "-keyout", folder / f"{name}.key",
                           "-out", folder / f"{name}.crt"], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return folder / f"{name}.crt", folder / f"{name}.key"


def over_tls(port, ca, **limits):
    context = ssl.create_default_context(cafile=str(ca))
    for name, value in limits.items():
        setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        with context.wrap_socket(s, server_hostname="localhost") as t:
            t.sendall(b"GET /api/v1/history HTTP/1.1\r\nHost: x\r\n\r\n")
            return drain(t)


def test_tls(served, tmp_path):
    cert, key = certificate(tmp_path, "one")
    other_cert, other_key = certificate(tmp_path, "two")
    one = served(statuses.status(3), "-c", cert, "-k", key)
    assert over_tls(one.port, cert).startswith(b"HTTP/1.1 200 ")
    with pytest.raises(ssl.SSLError):
        over_tls(one.port, other_cert)
    with pytest.raises((ssl.SSLError, ConnectionError)), warnings.catch_warnings():
        warnings.simplefilter("ignore")     # that these are old
        over_tls(one.port, cert, minimum_version=ssl.TLSVersion.TLSv1,
                 maximum_version=ssl.TLSVersion.TLSv1_1)
    assert b"200" not in one.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    # Renewed by reload; what does not fit changes nothing.
    before = cert.read_bytes()
    cert.write_bytes(other_cert.read_bytes())
    assert one.reload().startswith(f"tls-cert {cert}, tls-key {key}: ")
    old = tmp_path / "old.crt"
    old.write_bytes(before)
    assert over_tls(one.port, old).startswith(b"HTTP/1.1 200 ")
    key.write_bytes(other_key.read_bytes())
    assert one.reload() == "reloaded"
    assert over_tls(one.port, other_cert).startswith(b"HTTP/1.1 200 ")
    key.chmod(0o644)
    assert one.reload() == f"{key}: others may read this key"


def test_check_finds_what_start_refuses(kura, tmp_path):
    cert, key = certificate(tmp_path, "one")
    other, _ = certificate(tmp_path, "two")
    token = secret(tmp_path / "token", "short")
    config = tmp_path / "kura.conf"

    def check(cert):
        config.write_text(f"[store main]\nurl = file://{tmp_path}/store\n[source a]\nhost = db1\n[daemon]\n"
                          f"token-file = {token}\ntls-cert = {cert}\ntls-key = {key}\n")
        return kura("backupd", "check", "--offline", f"--config={config}")

    done = check(other)
    assert done.status == 2
    assert f"token-file: {token}: a token has 16 to 512 characters, not 5; openssl rand -hex 32 > {token}" in done.out
    assert f"tls-key: {key} is not the PEM key of {other}" in done.out
    assert check(config).out.count(f"tls-cert: {config} is no PEM certificate") == 1
    secret(token, TOKEN)
    assert check(cert).status == 0, check(cert)


def test_start_refuses(tmp_path, plain):
    for options, status, message in (
            (["-l", "nonsense"], 2, "listen 'nonsense': not ADDRESS:PORT; such as 127.0.0.1:9747, [::1]:9747 or "
                                    "*:9747"),
            (["-l", f"127.0.0.1:{plain.port}"], 75, f"listen 127.0.0.1:{plain.port}: Address already in use; stop "
                                                    "the other program or set listen"),
            (["-c", "/nowhere"], 2, "tls-cert and tls-key: one is of no use without the other")):
        done = subprocess.run([TOOL, *options, str(plain.path)], capture_output=True, text=True, timeout=20)
        assert (done.returncode, done.stderr) == (status, f"httpserve: {message}\n")


def test_six(served):
    one = served(statuses.status(3), "-l", "*:0")
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, one.port), timeout=20) as s:
            s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert b"200" in drain(s)


# --- Prometheus ---

def promtool(*args, stdin=b""):
    done = subprocess.run(["promtool", *map(str, args)], input=stdin, capture_output=True, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("doc", [statuses.status(12), statuses.hostile(), {}], ids=["usual", "hostile", "empty"])
def test_metrics_pass_promtool(served, doc):
    code, text = promtool("check", "metrics", stdin=served(doc).ask("/metrics").body)
    assert code == 0 and text == "", text


def test_alert_rules():
    code, text = promtool("check", "rules", DEPLOY / "alerts.yml")
    assert code == 0, text
    code, text = promtool("test", "rules", TOP / "tests/data/alerts/alerts_test.yml")
    assert code == 0, text
    rules = (DEPLOY / "alerts.yml").read_text()
    tested = (TOP / "tests/data/alerts/alerts_test.yml").read_text()
    for name in re.findall(r"alert: (\w+)", rules):
        assert f"alertname: {name}\n" in tested, f"{name} is not tested"


def test_metrics_are_named_alike_everywhere(plain):
    """The dashboard, the rules and the man page know the metrics that there are."""
    text = plain.ask("/metrics").body.decode()
    there = set(re.findall(r"^# TYPE (kura_\w+)", text, re.M))
    page = (TOP / "man/backupd.8").read_text()
    assert set(re.findall(r"\bkura_\w+", page)) - {"kura_restore"} == there
    for name in ("alerts.yml", "grafana-dashboard.json"):
        used = set(re.findall(r"\bkura_\w+", (DEPLOY / name).read_text()))
        assert used and used <= there, (name, used - there)


def test_dashboard_is_whole():
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    assert board["title"] == "Kura" and board["uid"] and len(board["panels"]) > 8
    ids = [p["id"] for p in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        assert panel["title"] and panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel.get("targets", ()):
            assert target["expr"] and target["datasource"]["uid"] == "${datasource}"


# --- a browser ---

def test_page_in_a_browser(served):
    doc = statuses.hostile()
    names = [s["name"].replace("\n", " ") for s in doc["sources"]]
    one = served(doc)
    seen = browser.Browser()
    try:
        address = f"http://127.0.0.1:{one.port}/"
        seen.open(address)
        shown = seen.value("[...document.querySelectorAll('.sources tbody th a')].map(a => a.textContent)")
        assert sorted(shown) == sorted(names)
        # Style and script are let in by their digests; nothing of the names is markup.
        assert seen.value("getComputedStyle(document.querySelector('header')).position") == "sticky"
        assert seen.value("document.getElementById('find').hidden") is False
        assert seen.value("document.scripts.length") == 1
        assert seen.complaints() == []
        # A word finds sources.
        seen.value("find = document.getElementById('find'), find.value = 'SESS',"
                   "find.dispatchEvent(new Event('input'))")
        assert seen.value("[...document.querySelectorAll('.sources tbody tr')]"
                          ".filter(r => r.offsetHeight > 0).length") == 1
        # The page renews itself.
        good = statuses.status(12, bad=False)
        one.show(good)
        assert poll(lambda: json.loads(one.ask("/api/v1/status").body) == good)
        seen.pass_time(11000)
        assert poll(lambda: seen.value("document.querySelector('h1').textContent") ==
                    "All is well with all 12 sources")
        assert seen.value("document.title") == "Kura: all is well"
        assert seen.value("find.value") == "SESS"
        assert seen.complaints() == []
        # On a phone nothing is wider than the screen.
        seen.fresh()
        for wide in (360, 820, 1440):
            seen.call("Emulation.setDeviceMetricsOverride", width=wide, height=800, deviceScaleFactor=1,
                      mobile=wide == 360)
            for path in ("", "sources/orders"):
                seen.open(address + path)
                assert seen.value("document.documentElement.scrollWidth") <= wide, (wide, path)
                assert seen.complaints() == []
        # Without scripts it is all there, and reloads.
        seen.call("Emulation.setScriptExecutionDisabled", value=True)
        seen.open(address)
        root = seen.call("DOM.getDocument", depth=-1)
        html = seen.call("DOM.getOuterHTML", nodeId=root["root"]["nodeId"])["outerHTML"]
        assert 'http-equiv="refresh"' in html
        for source in good["sources"]:
            assert f">{source['name']}</a>" in html
        assert seen.complaints() == []
    finally:
        seen.close()
