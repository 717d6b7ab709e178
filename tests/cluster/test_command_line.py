"""What the command line itself answers, whatever the verb: one line for what people cause."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from command_line import run_command

from bodyswap.rights.draft import EXAMPLE
from bodyswap.rights.signing_keys import make_signing_key, write_signing_key

RULES = "rules:\n- {name: plates, bucket: plates, subject: vega}\n"
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens at the port of `discard`."""


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("nowhere/consent.jws", "nowhere/consent.jws': No such file or directory; check that it"),
        (".", "': Is a directory; check that it"),
        ("/dev/full", "No space left on device; make room there"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_line_and_not_a_bug(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, told: str
) -> None:
    key = make_signing_key()
    write_signing_key(tmp_path / "key", key, None)
    draft = tmp_path / "draft.yaml"
    draft.write_text(EXAMPLE.replace("ed25519:...", key.public))
    code, _, err = run_command(
        capsys, "consent", "issue", draft, "--key", tmp_path / "key", "--out", tmp_path / out
    )
    assert code == 2 and told in err and err.count("\n") == 1


def test_whoever_interrupts_is_told_what_is_kept(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    command = [
        sys.executable, "-m", "cluster", "listen", "--rules", str(tmp_path / "rules.yaml"),
        "--http", "127.0.0.1:0", "--store", str(tmp_path / "store"),
    ]  # fmt: skip
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_S3": NOWHERE},
    ) as listening:
        assert listening.stdout is not None
        assert "listening at port" in listening.stdout.readline()
        listening.send_signal(signal.SIGINT)
        _, err = listening.communicate()
    assert listening.returncode == 130
    assert err.splitlines()[-1].startswith("bodyswap: interrupted; the same command goes on")


@pytest.mark.parametrize(
    ("environment", "code", "told"),
    [
        ({"AWS_ENDPOINT_URL_S3": NOWHERE}, 7, "check the network, AWS_ENDPOINT_URL_S3 and"),
        ({"AWS_ENDPOINT_URL_S3": "127.0.0.1:9"}, 2, "like https://host:9000"),
        ({"AWS_PROFILE": "nobody"}, 2, "(nobody) could not be found; check AWS_PROFILE"),
        ({"AWS_ACCESS_KEY_ID": ""}, 7, "no keys are set: check AWS_PROFILE"),
    ],
)
def test_a_bucket_that_is_not_reached_says_what_to_set(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    code: int,
    told: str,
) -> None:
    plain = {
        "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_S3": NOWHERE,
        "HOME": str(tmp_path),
    }  # fmt: skip
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the keys it was made with
    for name, value in (plain | environment).items():
        monkeypatch.setenv(name, value)
    if not os.environ["AWS_ACCESS_KEY_ID"]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
    ended, _, err = run_command(capsys, "list", "--store", "s3://plates/farm")
    assert ended == code and told in err and err.count("\n") == 1


def test_a_farm_that_could_never_start_ends_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up = ("farm", "up", "--store", tmp_path)
    assert run_command(capsys, *up, "--runtime", "rai")[0] == 2
    for text, told in (("wrkers: 3", "did you mean 'farm.workers'?"), ("a: [", "line 2")):
        (tmp_path / "farm.yaml").write_text(text + "\n")
        code, _, err = run_command(
            capsys, *up, "--runtime", "inline", "--farm", tmp_path / "farm.yaml"
        )
        assert code == 2 and told in err and err.count("\n") == 1
    (tmp_path / "farm.yaml").write_bytes(b"\xdf\xfe")
    code, _, err = run_command(capsys, *up, "--farm", tmp_path / "farm.yaml")
    assert code == 2 and "farm.yaml'" in err and err.count("\n") == 1
