"""No Ray is started or joined that lets in whoever reaches it."""

from pathlib import Path

import pytest
from command_line import run_command

from bodyswap.environment import RayAccess, ray_access
from bodyswap.errors import UsageError
from cluster.workers.ray_access import check_ray_access


@pytest.mark.parametrize("address", [None, "auto", "127.0.0.1:6379", "head.farm:6379"])
def test_a_ray_without_tokens_is_refused_wherever_it_is(address: str | None) -> None:
    with pytest.raises(UsageError, match="RAY_AUTH_MODE is 'disabled'"):
        check_ray_access(address, RayAccess(mode="disabled", has_token=True))


def test_a_ray_elsewhere_is_joined_only_with_a_token() -> None:
    for access, wrong in (
        (RayAccess(mode="", has_token=True), "without a token"),
        (RayAccess(mode="token", has_token=False), "no token for the Ray at head.farm:6379"),
    ):
        with pytest.raises(UsageError, match=wrong):
            check_ray_access("head.farm:6379", access)
    assert "head.farm" in check_ray_access(
        "head.farm:6379", RayAccess(mode="token", has_token=True)
    )
    assert "own" in check_ray_access(None, RayAccess(mode="", has_token=False))


def test_a_token_is_found_in_each_place_where_ray_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    assert ray_access() == RayAccess(mode="", has_token=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "TOKEN")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "x" * 32)
    assert ray_access() == RayAccess(mode="token", has_token=True)
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    (tmp_path / "token").write_text("x" * 32)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert ray_access().has_token
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH")
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray/auth_token").write_text("x" * 32)
    assert ray_access().has_token


@pytest.mark.parametrize("verb", [("farm", "up"), ("work",)])
def test_the_farm_does_not_come_up_on_an_open_ray(
    verb: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    code, _, wrong = run_command(capsys, *verb, "--runtime", "ray", "--store", tmp_path / "store")
    assert code == 2 and "whoever reaches this Ray runs code on it" in wrong
