"""Rules choose objects by where they lie; one that cannot be meant is refused when it is read."""

from pathlib import Path

import pytest

from bodyswap.errors import UsageError
from cluster.events.notification import PlacedObject
from cluster.events.rules import ListenConfig, read_rules, read_sidecar

RULES = r"""
queue: http://127.0.0.1/1/plates
rules:
  - name: stunts
    bucket: plates
    prefix: in/
    suffix: .mov
    pattern: 'in/(?P<show>\w+)/(?P<shot>\w+)/[^/]+'
    subject: vega
    settings: {codec: ffv1}
    project: "{show}"
    deliver_to: s3://shots/{show}/{shot}/{stem}/
  - name: everything else
    bucket: plates
    subject: rex
"""


def _read(folder: Path, text: str) -> ListenConfig:
    path = folder / "rules.yaml"
    path.write_text(text)
    return read_rules(path)


def _placed(key: str, bucket: str = "plates") -> PlacedObject:
    return PlacedObject(bucket=bucket, key=key, etag="e")


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("in/dune/s10/plate.mov", "stunts"),
        ("in/dune/s10/plate.mp4", "everything else"),
        ("in/dune/plate.mov", "everything else"),
        ("out/dune/s10/plate.mov", "everything else"),
        ("in/dune/s10/shot.yaml", None),
    ],
)
def test_the_first_rule_that_fits_is_taken_and_a_sidecar_is_no_plate(
    tmp_path: Path, key: str, rule: str | None
) -> None:
    found = _read(tmp_path, RULES).rule_for(_placed(key))
    assert (None if found is None else found.name) == rule


def test_another_bucket_fits_no_rule(tmp_path: Path) -> None:
    assert _read(tmp_path, RULES).rule_for(_placed("in/dune/s10/plate.mov", "other")) is None


def test_names_in_the_key_name_project_and_destination(tmp_path: Path) -> None:
    rule = _read(tmp_path, RULES).rules[0]
    names = rule.match(_placed("in/dune/s10/plate.mov"))
    assert names is not None
    assert rule.filled(rule.project, names) == "dune"
    assert rule.filled(rule.deliver_to, names) == "s3://shots/dune/s10/plate/"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("suffix: .mov", "sufix: .mov", "sufix"),
        ("codec: ffv1", "codek: ffv1", "did you mean 'codec'"),
        (r"(?P<show>\w+)", "(?P<show>", "pattern"),
        ('"{show}"', '"{shwo}"', "known: job, shot, show, stem, subject"),
        ("s3://shots/{show}", "shots/{show}", "no s3://bucket/prefix/"),
        ("name: everything else", "name: stunts", "two rules have one name"),
        ("subject: vega", "subject: vega\n    priority: 100", "priority 100"),
        ("subject: vega", "subject: [vega]", "subject"),
        ("subject: vega", "subject: vega\n    sequence: {quiet_s: -1}", "quiet_s -1"),
        ("subject: vega", "subject: vega\n    sequence: {markr: R}", "markr"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in RULES
    with pytest.raises(UsageError, match=message):
        _read(tmp_path, RULES.replace(old, new))


def test_a_sidecar_says_what_differs_for_its_plate() -> None:
    ask = read_sidecar(b"frames: 1001-1020\npriority: 90\n")
    assert (ask.frames, ask.priority, ask.subject) == ("1001-1020", 90, None)
    with pytest.raises(UsageError, match="subjct"):
        read_sidecar(b"subjct: rex\n")
    with pytest.raises(UsageError, match="at most"):
        read_sidecar(b"#" * 70_000)
