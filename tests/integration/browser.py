# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium over its debugging pipe: what a page shows, and what it complains about."""
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--no-first-run",
           "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
LIMIT = 60


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="kura-chromium-")
        theirs_in, self.out = os.pipe()
        self.inp, theirs_out = os.pipe()

        def pipes():
            # Above 4 first: the ends must not be overwritten by each other.
            one, two = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(one, 3)
            os.dup2(two, 4)

        # stdin keeps 3 and 4 free of descriptors that Python opens itself.
        self.process = subprocess.Popen(
            ["chromium", *OPTIONS, f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=pipes, close_fds=False, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.rest, self.number, self.events = b"", 0, []
        self.fresh()

    def fresh(self):
        """Another page, whose time goes by as usual."""
        self.page = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.page = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def read(self, deadline):
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.inp], [], [], left)[0], "chromium is silent"
            some = os.read(self.inp, 1 << 20)
            assert some, "chromium ended"
            self.rest += some
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.page:
            message["sessionId"] = self.page
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + LIMIT
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        """Until this event has come."""
        deadline = time.monotonic() + LIMIT
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.read(deadline))

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def pass_time(self, ms):
        """Let this much of the page's own time go by at once; then it stands still."""
        self.events = [e for e in self.events
                       if e.get("method") != "Emulation.virtualTimeBudgetExpired"]
        self.call("Emulation.setVirtualTimePolicy", policy="pauseIfNetworkFetchesPending",
                  budget=ms)
        self.wait("Emulation.virtualTimeBudgetExpired")

    def complaints(self):
        """Errors of scripts, of the policy, and what was not found."""
        self.value("0")         # whatever was said before is read by now
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Log.entryAdded":
                found.append(params["entry"]["text"])
            elif event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled",
                                         "Network.loadingFailed"):
                found.append(json.dumps(params)[:500])
        return found

    def close(self):
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, 9)
        self.process.wait(timeout=30)
        os.close(self.out)
        os.close(self.inp)
        shutil.rmtree(self.profile, ignore_errors=True)
