# SPDX-License-Identifier: Apache-2.0
"""Faults of S3 that no healthy gateway shows: a proxy before a real one.

Each rule is (action, method, pattern, times): a request whose method and path match gets the action, `times` times.
Actions: 503, 500, 403, reset (no answer), lost (done, but the answer is lost), error200 (200 with an error as its body),
slow (answered after a while).  Properties: away (refuses every connection while set), shift (its clock, in seconds;
exact: it tells microseconds, which no HTTP date has and tests with a faster clock need),
region, token (the only ones it takes: another session token has expired)."""
import datetime
import re
import socket
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>fault</Message>{}</Error>'
CODES = {"503": "SlowDown", "500": "InternalError", "403": "AccessDenied"}


class Faults:
    def __init__(self, gateway, key, secret, exact=False):
        self.gateway = urlsplit(gateway).netloc
        self.keys = Credentials(key, secret)
        self.rules, self.log, self.lock = [], [], threading.Lock()
        self.exact = exact
        self.away, self.shift, self.region, self.token = False, 0, None, None
        faults = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one_request(self):
                if faults.away:
                    faults.hang_up(self.connection)
                    self.close_connection = True
                    return
                super().handle_one_request()

            def serve(self):
                faults.serve(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def hang_up(sock):
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def action(self, method, path):
        with self.lock:
            self.log.append((method, path))
            for rule in self.rules:
                if rule[3] > 0 and rule[1] in (method, "*") and re.search(rule[2], path):
                    rule[3] -= 1
                    return rule[0]
        return None

    def add(self, action, method, pattern, times=1):
        self.rules.append([action, method, pattern, times])

    def spent(self):
        return all(rule[3] == 0 for rule in self.rules)

    def own_date(self, handler):
        handler._headers_buffer = [h for h in handler._headers_buffer if not h.startswith(b"Date:")]
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.shift)
        handler.send_header("Date", now.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if self.exact else "%a, %d %b %Y %H:%M:%S GMT"))

    def reply(self, handler, status, body, headers=()):
        data = body.encode()
        handler.send_response(status)
        if self.shift or self.exact:
            self.own_date(handler)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/xml")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)

    def refused(self, handler):
        """Clock, region and session token, as AWS judges them."""
        stamp = handler.headers.get("x-amz-date", "")
        if self.shift:
            try:
                sent = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
            except ValueError:
                sent = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.shift)
            if abs((now - sent).total_seconds()) > 900:
                self.reply(handler, 403, ERROR.format("RequestTimeTooSkewed", ""))
                return True
        if self.region and f"/{self.region}/s3/aws4_request" not in handler.headers.get("authorization", ""):
            self.reply(handler, 400, ERROR.format("AuthorizationHeaderMalformed", f"<Region>{self.region}</Region>"),
                       [("x-amz-bucket-region", self.region)])
            return True
        if self.token and handler.headers.get("x-amz-security-token") != self.token:
            self.reply(handler, 400, ERROR.format("ExpiredToken", ""))
            return True
        return False

    def forward(self, handler, body):
        headers = {k: v for k, v in handler.headers.items() if k.lower() != "connection"}
        if self.shift or self.region or self.token:     # the real one has the real clock: sign anew
            for name in [k for k in headers if k.lower() in ("authorization", "x-amz-date", "x-amz-security-token", "host")]:
                del headers[name]
            request = AWSRequest(handler.command, f"http://{self.gateway}{handler.path}", headers=headers, data=body)
            S3SigV4Auth(self.keys, "s3", "us-east-1").add_auth(request)
            headers = dict(request.headers)
            headers["Host"] = self.gateway
        upstream = HTTPConnection(self.gateway, timeout=60)
        upstream.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            upstream.putheader(name, value)
        upstream.endheaders()
        if body:
            upstream.send(body)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        return answer, data

    def serve(self, handler):
        body = b""
        if handler.headers.get("expect", "").lower() == "100-continue":
            pass        # the handler has sent it already
        length = int(handler.headers.get("content-length") or 0)
        while len(body) < length:
            got = handler.rfile.read(min(1 << 20, length - len(body)))
            if not got:
                return
            body += got
        what = self.action(handler.command, handler.path)
        if self.away or what == "reset":
            handler.close_connection = True
            self.hang_up(handler.connection)
            return
        if what in CODES:
            return self.reply(handler, int(what), ERROR.format(CODES[what], ""))
        if what == "error200":
            return self.reply(handler, 200, ERROR.format("InternalError", ""))
        if self.refused(handler):
            return
        if what == "slow":
            time.sleep(2)
        try:
            answer, data = self.forward(handler, body)
        except OSError:
            handler.close_connection = True
            return
        if what == "lost":
            handler.close_connection = True
            self.hang_up(handler.connection)
            return
        handler.send_response(answer.status)
        handler._headers_buffer = [h for h in handler._headers_buffer if not h.startswith((b"Date:", b"Server:"))]
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                if name.lower() == "date" and (self.shift or self.exact):
                    self.own_date(handler)
                else:
                    handler.send_header(name, value)
        if handler.command == "HEAD":
            handler.send_header("Content-Length", answer.getheader("content-length") or "0")
        elif answer.status != 204:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)
