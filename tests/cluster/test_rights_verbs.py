"""A performer and a producer, a farm, a change of mind: the verbs as people use them."""

import json
import re
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tiny_farm import TinyFarm, make_farm

from bodyswap.errors import ConsentError
from bodyswap.rights.signing_keys import read_signing_key
from bodyswap.rights.trust import Capacity, Issuer, Trust, TrustedKey
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.cli.app import main
from cluster.jobs.job import JobState
from cluster.jobs.keys import JobKeys, TrainingKeys
from cluster.jobs.refs import PlateRef
from cluster.jobs.training_spec import StoredPart, TrainingSpec
from cluster.stores.record import to_yaml


@dataclass(frozen=True)
class Office:
    """A folder with everybody's keys, run from by the command line."""

    folder: Path
    farm: TinyFarm
    environment: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def run(self, *words: object) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of `bodyswap WORDS`."""
        self.environment.setattr(sys, "argv", ["bodyswap", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        out, error = self.capture.readouterr()
        return code, out.strip(), error.strip()

    def stored(self, *words: object) -> tuple[int, str, str]:
        return self.run(*words, "--store", self.farm.store.url)

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def draft(self, **changes: object) -> Path:
        today = datetime.now(UTC).date()
        terms = {
            "subject": "tiny",
            "signers": [
                {"name": "Mara", "capacity": "performer", "key": self.public("mara")},
                {"name": "Studio", "capacity": "producer", "key": self.public("studio")},
            ],
            "productions": ["nightfall"], "shots": ["*"], "uses": ["stunt"],
            "territories": ["*"], "media": ["cinema"], "training": False, "footage": [],
            "checkpoints": ["*"], "not_before": today, "expires": today + timedelta(days=30),
            "delete_by": today + timedelta(days=60), "contact": "agent@example.org", **changes,
        }  # fmt: skip
        path = self.folder / "mara.yaml"
        path.write_bytes(msgspec.yaml.encode(terms))
        return path

    def public(self, name: str) -> str:
        return read_signing_key(self.key(name)).public


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    office = Office(tmp_path, make_farm(tmp_path), monkeypatch, capsys)
    for name in ("mara", "studio", "registry", "auditor"):
        assert office.run("consent", "key", office.key(name))[0] == 0
    trust = Trust(
        issuers=(
            Issuer(name="Mara", key=office.public("mara"), capacities=(Capacity.PERFORMER,)),
            Issuer(name="Studio", key=office.public("studio"), capacities=(Capacity.PRODUCER,)),
        ),
        revokers=(TrustedKey(name="registry", key=office.public("registry")),),
        auditors=(TrustedKey(name="auditor", key=office.public("auditor")),),
        required=(Capacity.PRODUCER,),
        audit_key=str(office.key("auditor")),
    )
    rights = tmp_path / "rights.yaml"
    rights.write_bytes(msgspec.yaml.encode(trust))
    monkeypatch.setenv("BODYSWAP_RIGHTS", str(rights))
    return office


def _agreed(office: Office) -> str:
    """Signed by both and stored; the consent's id."""
    consent = office.folder / "mara.jws"
    code, told, _ = office.run("consent", "issue", office.draft(), "--key", office.key("mara"))
    assert code == 0 and told.endswith("still to sign: Studio")
    code, told, _ = office.run("consent", "sign", consent, "--key", office.key("studio"))
    assert code == 0 and told.endswith("signed by all")
    assert office.stored("consent", "renew", "--key", office.key("registry"))[0] == 0
    code, told, _ = office.stored("consent", "push", consent)
    assert code == 0
    return told


def _published(office: Office) -> str:
    job = office.farm.client.submit(_request(office))
    assert office.farm.run_inline(job).state is JobState.PUBLISHED
    return job


def _request(office: Office) -> JobRequest:
    return replace(office.farm.request(), project="nightfall")


def test_two_people_agree_a_shot_is_rendered_and_one_of_them_takes_it_back(
    office: Office,
) -> None:
    consent = _agreed(office)
    code, told, _ = office.stored("consent", "verify", consent)
    assert (code, told) == (0, f"{consent} of 'tiny' stands")
    job = _published(office)
    # What lay beside: a signed copy of the shot, and what a training of hers had come to.
    store = office.farm.store
    clip = PlateRef(sha256="0" * 64, name="me.mp4", frame_count=9)
    part = StoredPart(clip=clip, frames=FrameRange(start=0, stop=9))
    spec = TrainingSpec(
        subject="tiny", consent=consent, height=64, parts=(part,), held_out=(), settings={},
        software="tests",
    )  # fmt: skip
    keys = TrainingKeys(training=spec.training)
    for name in (f"{JobKeys(job=job).sealed}ab/shot.mp4", f"{keys.states}1/generator.safetensors"):
        store.put(name, b"hers")
    store.put(keys.spec, to_yaml(spec))
    key = office.key("registry")
    code, told, _ = office.stored(
        "consent", "revoke", consent, "--key", key, "--reason", "she changed her mind", "--json"
    )
    moved = json.loads(told)["quarantined"]
    assert code == 0 and f"{JobKeys(job=job).out}shot.mp4" in moved
    assert any(name.startswith("subjects/tiny/") for name in moved)
    assert f"{JobKeys(job=job).sealed}ab/shot.mp4" in moved
    assert f"{keys.states}1/generator.safetensors" in moved
    assert office.farm.store.list_keys(JobKeys(job=job).out) == []
    assert office.farm.store.list_keys("subjects/") == []
    assert {f"quarantine/{name}" for name in moved} == set(
        office.farm.store.list_keys("quarantine/")
    )
    code, _, wrong = office.stored("consent", "verify", consent)
    assert code == ConsentError.exit_code and "she changed her mind" in wrong
    with pytest.raises(ConsentError, match="was revoked"):
        office.farm.client.submit(_request(office))


def test_the_performer_reads_what_was_done_and_the_log_is_signed(office: Office) -> None:
    consent = _agreed(office)
    job = _published(office)
    office.farm.client.fetch(job, office.folder / "out")
    with pytest.raises(ConsentError):
        office.farm.client.submit(office.farm.request())
    code, told, _ = office.stored("audit", "report", "tiny")
    assert code == 0
    for words in (
        "Shot plate of nightfall, for stunt", consent, "released, frames 1001-1040",
        "fetched 1 times", "Refused 1 times", "production 'default'",
    ):  # fmt: skip
        assert words in told, told
    code, told, _ = office.stored("audit", "verify", "--json")
    log = json.loads(told)
    assert code == 0 and log["signed_up_to"] == log["entries"] - 1
    code, _, _ = office.stored("audit", "export", office.folder / "log.jsonl")
    lines = (office.folder / "log.jsonl").read_text().splitlines()
    assert code == 0 and len(lines) == log["entries"]
    assert json.loads(lines[0])["fact"]["event"] == "consent stored"
    entry = office.farm.store.list_keys("audit/entries/")[2]
    office.farm.store.put(entry, (office.farm.store.get(entry) or b"").replace(b"tiny", b"nora"))
    code, _, wrong = office.stored("audit", "verify")
    assert code == 7 and "audit entry 3 does not follow entry 2" in wrong


def test_show_tells_everything_a_consent_says_and_who_has_yet_to_sign(office: Office) -> None:
    office.run("consent", "issue", office.draft(), "--key", office.key("mara"))
    code, told, _ = office.run("consent", "show", office.folder / "mara.jws")
    assert code == 0
    for words in ("subject tiny", "Mara as performer", "nightfall", "NOT SIGNED by Studio"):
        assert words in told
    code, _, wrong = office.run("consent", "verify", office.folder / "mara.jws")
    assert code == 9 and "not signed by Studio" in wrong
    code, _, wrong = office.stored("consent", "push", office.folder / "mara.jws")
    assert code == 9 and "not signed by Studio" in wrong


def test_only_somebody_the_draft_names_can_sign_it(office: Office) -> None:
    code, _, wrong = office.run("consent", "issue", office.draft(), "--key", office.key("auditor"))
    assert code == 2 and "which the consent names nowhere" in wrong
    assert not (office.folder / "mara.jws").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shotz": ["*"]}, "shotz"), ({"expires": "soon"}, "expires"), ({"subject": "a/b"}, "a/b"),
        ({"signers": []}, "0 signers"), ({"media": "cinema"}, "media"),
    ],
)  # fmt: skip
def test_a_draft_that_makes_no_sense_is_refused_in_one_line(
    office: Office, changes: dict[str, object], words: str
) -> None:
    path = office.draft(**changes)
    code, _, wrong = office.run("consent", "issue", path, "--key", office.key("mara"))
    assert code == 2 and words in wrong and "\n" not in wrong


def test_the_example_draft_can_be_issued_once_its_keys_are_filled_in(office: Office) -> None:
    text = office.run("consent", "draft")[1]
    path = office.folder / "example.yaml"
    path.write_text(re.sub(r'"ed25519:\.\.\."', office.public("mara"), text))
    code, told, _ = office.run("consent", "issue", path, "--key", office.key("mara"), "--json")
    assert code == 0 and json.loads(told)["unsigned"] == []


def test_only_a_revoker_can_revoke_and_only_what_is_there(office: Office) -> None:
    consent = _agreed(office)
    code, _, wrong = office.stored("consent", "revoke", consent, "--key", office.key("mara"))
    assert code == 9 and "which is no revoker" in wrong
    assert office.stored("consent", "verify", consent)[0] == 0
    code, _, wrong = office.stored(
        "consent", "revoke", "consent-0", "--key", office.key("registry")
    )
    assert code == 9 and "'consent-0' is neither a file nor" in wrong
