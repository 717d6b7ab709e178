"""What the environment says: the only place it is read. See `config` for what a render is set to.

It does not know who asks.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from bodyswap.errors import UsageError

_STREAM_OVER_MB = 256
_AHEAD_FRAMES = 8
_ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")


def cache_folder() -> Path:
    """Where downloads and prepared data are kept between runs."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "bodyswap"


def default_store_url() -> str:
    """The store used where none is named: $BODYSWAP_STORE, or a folder of the user's."""
    return os.environ.get("BODYSWAP_STORE") or str(Path.home() / ".local/share/bodyswap/store")


def metrics_address() -> str | None:
    """Where Prometheus is served, "HOST:PORT": $BODYSWAP_METRICS, or nowhere."""
    return os.environ.get("BODYSWAP_METRICS") or None


def stream_over_bytes() -> int:
    """Plates larger than this are read where they lie, not fetched: $BODYSWAP_STREAM_OVER_MB.

    Raises:
        UsageError: it is no number of megabytes.
    """
    text = os.environ.get("BODYSWAP_STREAM_OVER_MB") or str(_STREAM_OVER_MB)
    if not text.isdecimal():
        raise UsageError(f"BODYSWAP_STREAM_OVER_MB '{text}' is no number of megabytes, such as 256")
    return int(text) * 1000**2


def ahead_frames() -> int:
    """By how many frames decoding, rendering and so on may be ahead of the next stage:
    $BODYSWAP_AHEAD_FRAMES. 0 lets them take turns, which needs the least memory.

    Raises:
        UsageError: it is no number of frames.
    """
    text = os.environ.get("BODYSWAP_AHEAD_FRAMES") or str(_AHEAD_FRAMES)
    if not text.isdecimal():
        raise UsageError(f"BODYSWAP_AHEAD_FRAMES '{text}' is no number of frames, such as 8, or 0")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class S3WriteSettings:
    """How objects are written to S3: encrypted by the server with which key, under which tags."""

    encryption: str = ""
    key: str = ""
    tags: str = ""

    def __post_init__(self) -> None:
        if self.encryption not in ("", *_ENCRYPTIONS):
            raise UsageError(
                f"BODYSWAP_S3_SSE '{self.encryption}' is unknown; one of {', '.join(_ENCRYPTIONS)}"
            )
        if self.key and not self.encryption.startswith("aws:kms"):
            raise UsageError("BODYSWAP_S3_KMS_KEY needs BODYSWAP_S3_SSE=aws:kms")
        if self.tags and not all("=" in tag[1:] for tag in self.tags.split("&")):
            raise UsageError(
                f"BODYSWAP_S3_TAGS '{self.tags}' are no tags; write them name=value&name=value"
            )

    def parameters(self) -> dict[str, str]:
        """As S3's requests have them; what is not set is left to the bucket."""
        every = {
            "ServerSideEncryption": self.encryption, "SSEKMSKeyId": self.key, "Tagging": self.tags
        }  # fmt: skip
        return {name: value for name, value in every.items() if value}


def s3_write_settings() -> S3WriteSettings:
    """$BODYSWAP_S3_SSE, $BODYSWAP_S3_KMS_KEY and $BODYSWAP_S3_TAGS. Raises UsageError."""
    return S3WriteSettings(
        encryption=os.environ.get("BODYSWAP_S3_SSE", ""),
        key=os.environ.get("BODYSWAP_S3_KMS_KEY", ""),
        tags=os.environ.get("BODYSWAP_S3_TAGS", ""),
    )


def tracing_is_wanted() -> bool:
    """True where the standard environment names an OpenTelemetry collector."""
    return "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ


def event_token() -> str:
    """The secret that senders of pushed events must give; empty where there is none."""
    return os.environ.get("BODYSWAP_EVENT_TOKEN", "")


def webhook_file() -> Path | None:
    """The operator's webhook settings: $BODYSWAP_WEBHOOKS."""
    path = os.environ.get("BODYSWAP_WEBHOOKS")
    return Path(path) if path else None


def webhook_secret() -> str:
    """What webhooks are signed with, where it is not in their settings."""
    return os.environ.get("BODYSWAP_WEBHOOK_SECRET", "")


def rights_file() -> Path:
    """The operator's list of whom to trust: $BODYSWAP_RIGHTS, or a file of the user's."""
    named = os.environ.get("BODYSWAP_RIGHTS")
    return Path(named) if named else Path.home() / ".config/bodyswap/rights.yaml"


def is_rights_file_named() -> bool:
    """Whether somebody chose the list of whom to trust, and it is not only looked for."""
    return bool(os.environ.get("BODYSWAP_RIGHTS"))


def worker_kind() -> str:
    """What kind of worker this process is, for its price: $BODYSWAP_WORKER_KIND, else cpu or gpu.

    A process that Ray gave no GPU has an empty $CUDA_VISIBLE_DEVICES, or none.
    """
    named = os.environ.get("BODYSWAP_WORKER_KIND")
    return named or ("gpu" if os.environ.get("CUDA_VISIBLE_DEVICES") else "cpu")


@dataclass(frozen=True, kw_only=True)
class RayAccess:
    """How Ray's ports are guarded: its mode as set, empty where unset, and whether a token is."""

    mode: str
    has_token: bool


def ray_access() -> RayAccess:
    """As Ray itself will read the environment."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(named) if named else Path.home() / ".ray/auth_token"
    has_token = bool(os.environ.get("RAY_AUTH_TOKEN")) or path.is_file()
    return RayAccess(mode=os.environ.get("RAY_AUTH_MODE", "").lower(), has_token=has_token)


def gpu_is_required() -> bool:
    """True where tests must fail, not skip, without a GPU."""
    return os.environ.get("BODYSWAP_REQUIRE_GPU") == "1"
