# SPDX-License-Identifier: GPL-2.0-or-later
"""The fwknop client asks a web page for the own address by HTTPS: certificate, name, status, size and time are checked."""
import http.server
import os
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from harness import Skip, check, check_equal, main, need_tools, program
from lab import MS_BIND, Lab, _mount, libc

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
ASK = ["-T", "-A", "tcp/22", "-D", "127.0.0.1", "--key-rijndael", "k1", "--no-rc-file", "--no-save-args", "-R"]


def make_certificates(lab):
    """An authority that the machine trusts from now on, and a certificate for ip.example."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=lab.dir, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test authority",
            "-keyout", "ca.key", "-out", "ca.pem", "-days", "2")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ip.example",
            "-keyout", "server.key", "-out", "server.csr")
    lab.write("names", "subjectAltName=DNS:ip.example\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
            "-days", "2", "-extfile", "names")


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.agents.append(self.headers["User-Agent"])
        status, body, wait_s = self.server.pages[self.path]
        time.sleep(wait_s)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Site:
    """https://ip.example:PORT, and other.example, which has no certificate, in the client's namespace."""

    def __init__(self, lab, trusted=True):
        need_tools("openssl")
        if not os.path.exists(BUNDLE):
            raise Skip("ca-certificates is not installed")
        self.lab = lab
        make_certificates(lab)
        _mount(lab.write("hosts", "127.0.0.1 localhost ip.example other.example\n", mode=0o644), "/etc/hosts", flags=MS_BIND)
        _mount(lab.dir / "ca.pem" if trusted else lab.write("empty", "", mode=0o644), BUNDLE, flags=MS_BIND)
        with lab.client:
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.server.daemon_threads = True
        self.server.agents = []
        self.server.pages = {"/": (200, b" 5.6.7.8\n", 0), "/missing": (404, b"5.6.7.8", 0), "/large": (200, b"5" * 10**6, 0),
                             "/slow": (200, b"5.6.7.8", 30), "/html": (200, b"<html>5.6.7.8", 0)}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(lab.dir / "server.pem", lab.dir / "server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        libc.umount2(BUNDLE.encode(), 2)
        libc.umount2(b"/etc/hosts", 2)

    def ask(self, path, host="ip.example"):
        url = f"https://{host}:{self.server.server_port}{path}"
        return self.lab.client.run(program("fwknop"), *ASK, "--resolve-url", url, check=False,
                                   env={"PATH": os.environ["PATH"], "HOME": str(self.lab.dir), "LC_ALL": "C"})


def refused(done, reason):
    check_equal((done.returncode, done.stdout), (1, ""), done.stderr)
    check("Could not resolve IP via" in done.stderr and reason in done.stderr, done.stderr)


def test_page_of_a_trusted_server(lab):
    with Site(lab) as site:
        done = site.ask("/")
        check("Message String: 5.6.7.8,tcp/22" in done.stdout, done.stdout + done.stderr)
        check_equal(done.stderr, "")
        check(site.server.agents[0].startswith("Fwknop/"), repr(site.server.agents))


def test_certificate_of_nobody_known(lab):
    with Site(lab, trusted=False) as site:
        refused(site.ask("/"), "ertificate")
        check_equal(site.server.agents, [], "requests")


def test_certificate_for_another_name(lab):
    with Site(lab) as site:
        refused(site.ask("/", host="other.example"), "other.example")
        check_equal(site.server.agents, [], "requests")


def test_answers_that_are_no_address(lab):
    with Site(lab) as site:
        refused(site.ask("/missing"), "404")
        refused(site.ask("/html"), "does not begin with an address")
        refused(site.ask("/large"), "")
        begin = time.monotonic()
        refused(site.ask("/slow"), "")
        check(time.monotonic() - begin < 20, "no time limit")


if __name__ == "__main__":
    main(Lab)
