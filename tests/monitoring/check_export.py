#!/usr/bin/env python3
"""roost export against a real broker and a real Prometheus server.

    check_export.py SOURCE_DIRECTORY PROGRAMS_DIRECTORY EVERY_METRIC

EVERY_METRIC is the program that prints each metric there can be.

Ends with exit status 1 and a sentence at the first thing that is not right.
"""

import http.client
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import check_shipped

PATIENCE = 60  # seconds, for whatever is waited for


def fail(message):
    sys.exit(message)


def until(what, look):
    """Looks again until it is true, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    fail(f"in {PATIENCE} s never: {what}")


class Host:
    """A broker with its exporter, and a Prometheus that scrapes it, all in one scratch directory."""

    def __init__(self, programs, scratch):
        self.programs = programs
        self.scratch = scratch
        self.environment = dict(os.environ, ROOST_SOCKET=str(scratch / "roost.sock"))
        self.children = []
        self.broker = None

    def start(self, command, **options):
        child = subprocess.Popen([str(part) for part in command], env=self.environment, text=True, **options)
        self.children.append(child)
        return child

    def start_broker(self):
        ready, ready_end = os.pipe()
        self.broker = self.start(
            [self.programs / "roostd", "--data", self.scratch / "data", "--ready-fd", ready_end],
            pass_fds=[ready_end],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ready_end)
        if not select.select([ready], [], [], PATIENCE)[0] or not os.read(ready, 16):
            fail("roostd did not become ready")
        os.close(ready)

    def start_exporter(self, *arguments):
        """Returns its process and its port."""
        exporter = self.start(
            [self.programs / "roost", "export", "--listen", "127.0.0.1:0", *arguments], stdout=subprocess.PIPE
        )
        line = exporter.stdout.readline()
        port = re.fullmatch(r"metrics at http://127\.0\.0\.1:(\d+)/metrics\n", line)
        if not port:
            fail(f"roost export said {line!r}")
        return exporter, int(port[1])

    def roost(self, *arguments, expect=0):
        done = subprocess.run(
            [str(self.programs / "roost"), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != expect:
            fail(f"roost {' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def stop_all(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.kill()
            child.wait()


def request(port, path="/metrics", method="GET", **headers):
    """Returns (status, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def expect(what, found, wanted):
    if found != wanted:
        fail(f"{what}: {found!r}, not {wanted!r}")


def check_rules_of_http(host, port):
    expect("GET /metrics", request(port)[0], 200)
    expect("Host of another name", request(port, Host="evil.example:9464")[0], 403)
    expect("Host localhost", request(port, Host=f"localhost:{port}")[0], 200)
    expect("Host IPv6", request(port, Host="[::1]:9464")[0], 200)
    expect("POST", request(port, method="POST")[0], 405)
    expect("HEAD", request(port, method="HEAD"), (200, ""))
    expect("another path", request(port, "/../etc/passwd")[0], 404)
    host.roost("export", "--listen", "0.0.0.0:0", expect=2)
    host.roost("export", "--listen", "example.org:1", expect=2)
    host.roost("export", "--listen", f"127.0.0.1:{port}", expect=1)

    token = host.scratch / "token"
    token.write_text("0123456789abcdef0123\n")
    token.chmod(0o644)
    host.roost("export", "--token-file", str(token), expect=1)
    token.chmod(0o600)
    guarded, port = host.start_exporter("--token-file", token, "--host", "roost.example")
    expect("no token", request(port)[0], 401)
    expect("a wrong token", request(port, Authorization="Bearer 0123456789abcdef0124")[0], 401)
    expect("the token", request(port, Authorization="Bearer 0123456789abcdef0123", Host="roost.example")[0], 200)
    guarded.terminate()
    expect("exit status after SIGTERM", guarded.wait(timeout=PATIENCE), 0)


def check_shipped_files(host, source, exported, live):
    """`exported` has every metric there can be, `live` those of a real broker."""
    unknown = set(check_shipped.series_of(live)) - set(check_shipped.series_of(exported))
    expect("metrics that every_metric does not know", unknown, set())
    rules = source / "packaging/prometheus/roost.rules.yml"
    subprocess.run(["promtool", "check", "rules", rules], check=True, stdout=subprocess.DEVNULL)
    test = host.scratch / "rules.test.yml"
    test.write_text((source / "tests/monitoring/roost.rules.test.yml").read_text().replace("RULES", str(rules)))
    subprocess.run(["promtool", "test", "rules", test], check=True, stdout=subprocess.DEVNULL)
    alerts = set(re.findall(r"- alert: (\w+)", rules.read_text()))
    tested = set(re.findall(r'alertname="(\w+)"', test.read_text()))
    expect("alerts that a test sees firing", tested, alerts)

    count, faults = check_shipped.check(source / "packaging/grafana/roost.json", rules, exported)
    faults += check_shipped.check_document(source / "docs/monitoring.md", exported)
    if faults or count < 30:
        fail("\n".join(faults) or f"only {count} queries were found")
    # What the check itself is worth: each of these is wrong in one way.
    series = check_shipped.series_of(exported)
    for wrong in (
        "rate(roost_events_total[5m])",
        "roost_request_duration_seconds",
        'rate(roost_requests_total{kind="apend"}[5m])',
        'rate(roost_requests_total{sort="append"}[5m])',
        "sum by (agent) (roost_up)",
    ):
        if not list(check_shipped.faults_of("", wrong, "", series)):
            fail(f"nothing was found wrong with {wrong}")


class Prometheus:
    def __init__(self, host, port):
        config = host.scratch / "prometheus.yml"
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
                    "scrape_configs": [{"job_name": "roost", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
                }
            )
        )
        self.log = host.scratch / "prometheus.log"
        with open(self.log, "w", encoding="utf-8") as log:
            host.start(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={host.scratch / 'tsdb'}",
                    "--web.listen-address=127.0.0.1:0",
                ],
                stdout=log,
                stderr=log,
            )
        self.port = until("Prometheus listens", self.find_port)

    def find_port(self):
        found = re.search(r'Listening on"? address=127\.0\.0\.1:(\d+)', self.log.read_text())
        return int(found[1]) if found else 0

    def query(self, expression):
        """[(labels, value)] of an instant query; nothing while it is not ready."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return [(one["metric"], float(one["value"][1])) for one in result]

    def value(self, expression):
        found = self.query(expression)
        return found[0][1] if len(found) == 1 else None


def check_in_prometheus(host, prometheus):
    until("the scrape is up", lambda: prometheus.value('up{job="roost"}') == 1)
    until("the broker is up", lambda: prometheus.value("roost_up") == 1)
    until("all appends are counted", lambda: prometheus.value('roost_requests_total{kind="append"}') == 4)
    until("the lag is known", lambda: prometheus.value('roost_group_lag_events{stream="work",group="g"}') == 3)
    p99 = until(
        "an append has a latency",
        lambda: prometheus.value('histogram_quantile(0.99, roost_request_duration_seconds_bucket{kind="append"})'),
    )
    if not 0 < p99 < 10:
        fail(f"p99 of append is {p99} s")
    expect("samples outside the buckets", prometheus.value('roost_request_duration_seconds_bucket{kind="append",le="+Inf"}'), 4)

    host.broker.send_signal(signal.SIGSTOP)
    until("a stopped broker is not up", lambda: prometheus.value("roost_up") == 0)
    expect("its state", prometheus.query("roost_health_state == 1")[0][0]["state"], "stopped")
    expect("what it counted stays", prometheus.value('roost_requests_total{kind="append"}'), 4)
    host.broker.send_signal(signal.SIGCONT)
    until("it goes on", lambda: prometheus.value("roost_up") == 1)

    host.broker.kill()
    host.broker.wait()
    until("a dead broker is not up", lambda: prometheus.value("roost_up") == 0)
    until("its series have ended", lambda: prometheus.query("roost_requests_total") == [])
    expect("the scrape itself goes on", prometheus.value('up{job="roost"}'), 1)

    host.start_broker()
    until("the next broker is up", lambda: prometheus.value("roost_up") == 1)
    host.roost("append", "work", "job", "{}")
    until("its counts begin anew", lambda: prometheus.value('roost_requests_total{kind="append"}') == 1)
    until("that is a reset", lambda: prometheus.value('resets(roost_requests_total{kind="append"}[1h])') == 1)


def main():
    source, programs, every_metric = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    every = subprocess.run([every_metric], capture_output=True, text=True, check=True).stdout
    subprocess.run(["promtool", "check", "metrics"], input=every, text=True, check=True)
    with tempfile.TemporaryDirectory(prefix="roost-export-") as directory:
        host = Host(programs, pathlib.Path(directory))
        try:
            host.start_broker()
            for number in range(4):
                host.roost("append", "work", "job", json.dumps({"n": number}))
            host.roost("take", "work", "g", "--", "true")
            waiting = host.start([programs / "roost", "--socket", host.environment["ROOST_SOCKET"], "tail", "-n", "0"],
                                 stdout=subprocess.DEVNULL)
            _, port = host.start_exporter("--sessions", "2")
            exported = until("a session and the group are shown", lambda: complete(request(port)[1]))
            subprocess.run(["promtool", "check", "metrics"], input=exported, text=True, check=True)
            check_rules_of_http(host, port)
            check_shipped_files(host, source, every, exported)
            check_in_prometheus(host, Prometheus(host, port))
            waiting.kill()
        finally:
            host.stop_all()
    print("exported, scraped, and seen to die and come back")


def complete(exported):
    return exported if "roost_session_requests_total{" in exported and "roost_group_lag_events{" in exported else ""


if __name__ == "__main__":
    main()
