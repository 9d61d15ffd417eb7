"""Time stamps: a service that the policy names dates every signature; nothing is asked without one, and one that fails is
found early."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from soliloquy.engine.errors import InputError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.policy import FILE_VARIABLE, load_policy
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import INTACT, verify

CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """An RFC 3161 service on this machine: openssl's, with a certificate of its own. Yields (address, list of requests)."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command to play a time stamp service")
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
    (folder / "extensions").write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        folder / "ca.key",
        "-out",
        folder / "ca.pem",
        "-subj",
        "/O=Clock/CN=Clock CA",
        "-days",
        30,
    )
    openssl(
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        folder / "tsa.key",
        "-out",
        folder / "tsa.csr",
        "-subj",
        "/O=Clock/CN=Clock",
    )
    openssl(
        "x509",
        "-req",
        "-in",
        folder / "tsa.csr",
        "-CA",
        folder / "ca.pem",
        "-CAkey",
        folder / "ca.key",
        "-CAcreateserial",
        "-days",
        30,
        "-extfile",
        folder / "extensions",
        "-out",
        folder / "tsa.pem",
    )
    asked: list[int] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(1)
            openssl(
                "ts",
                "-reply",
                "-config",
                folder / "tsa.cnf",
                "-queryfile",
                folder / "query",
                "-signer",
                folder / "tsa.pem",
                "-inkey",
                folder / "tsa.key",
                "-chain",
                folder / "ca.pem",
                "-out",
                folder / "reply",
            )
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write((folder / "reply").read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()


def sealed(folder: Path, policy: str, monkeypatch) -> Path:
    """A picture signed under this policy."""
    monkeypatch.setenv(FILE_VARIABLE, str(folder / "policy.toml"))
    (folder / "policy.toml").write_text(policy)
    seal = Seal(load_policy(), Rights("self").stated(), clip=MotionClip.neutral(1), inputs={}, sources={})
    cv2.imwrite(str(folder / "a.png"), np.full((128, 128, 3), 99, np.uint8))
    seal.sign_file(folder / "a.png", "a")
    return folder / "a.png"


def test_a_named_service_dates_the_signature(service, tmp_path, monkeypatch):
    address, asked = service
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(
            name, "none://soliloquy-works-offline"
        )  # as after `stop_telemetry`: the policy's service is asked all the same
    path = sealed(tmp_path, f'[credentials]\ntime_authority = "{address}"\n', monkeypatch)
    (finding,) = verify(path)
    assert asked and finding.status == INTACT, finding.text()
    assert finding.credentials.signed_at.startswith("20") and "by a time stamp service" in finding.text()


def test_nobody_is_asked_otherwise(service, tmp_path, monkeypatch):
    _, asked = service
    before = len(asked)
    (finding,) = verify(sealed(tmp_path, "", monkeypatch))
    assert len(asked) == before and finding.credentials.signed_at == "" and "time stamp" not in finding.text()


def test_a_service_that_does_not_answer_is_found_before_the_rendering(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="time stamp") as caught:
        sealed(tmp_path, '[credentials]\ntime_authority = "http://127.0.0.1:9/"\n', monkeypatch)
    assert "\n" not in str(caught.value)


def test_an_address_is_wanted(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="address"):
        sealed(tmp_path, '[credentials]\ntime_authority = "clock"\n', monkeypatch)
