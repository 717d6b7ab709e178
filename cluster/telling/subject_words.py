"""A subject's card in words for a person, and in facts for a program.

It does not know where the card came from.
"""

from dataclasses import asdict, dataclass

from bodyswap.nets.card import SubjectCard
from bodyswap.nets.figures import Contraction, HeldOut
from bodyswap.quality.coverage import CoverageIndex


@dataclass(frozen=True, kw_only=True)
class SubjectShown:
    """A subject to be told about: their card, and the index of their poses if there is one."""

    card: SubjectCard
    place: str
    index: CoverageIndex | None

    def to_dict(self) -> dict[str, object]:
        card = self.card
        plain = asdict(card)
        training = plain["training"]
        settings = training.pop("settings")
        return {
            "name": card.name,
            "place": self.place,
            "skeleton": card.skeleton,
            "width": card.width,
            "height": card.height,
            "warmup_frames": card.warmup_frames,
            "contraction": plain["contraction"],
            "held_out": plain["held_out"],
            "consent": card.origin.consent,
            "data": list(card.origin.footage_sha256),
            "settings": settings,
            "generator": plain["generator"],
            "stance": plain["stance"],
            "coverage": self._coverage(),
            "training": training,
            "files": plain["files"],
        }

    def lines(self) -> list[str]:
        card = self.card
        rows = {
            "place": self.place,
            "consent": card.origin.consent or "not recorded",
            "picture": f"{card.width}x{card.height}, skeleton {card.skeleton}",
            "warm-up": f"{card.warmup_frames} frames, {_contraction_words(card.contraction)}",
            "held out": _held_out_words(card.held_out),
            "training": f"{card.training.steps} steps in {card.training.seconds / 60:.0f} minutes, "
            f"on {card.training.frames} frames",
            "coverage": self._coverage_words(),
            "data": ", ".join(one[:12] for one in card.origin.footage_sha256) or "not recorded",
            "files": ", ".join(card.files) or "none",
        }
        return [card.name, *(f"  {head:<10}{words}" for head, words in rows.items())]

    def _coverage(self) -> dict[str, int] | None:
        if self.index is None:
            return None
        return {
            "poses": int(self.index.count_C.sum()),
            "representatives": len(self.index.poses),
        }

    def _coverage_words(self) -> str:
        found = self._coverage()
        if found is None:
            return "no index of their poses"
        return f"{found['poses']} poses filmed, {found['representatives']} stand for them"


def _contraction_words(contraction: Contraction | None) -> str:
    if contraction is None:
        return "not measured"
    ends = ", ".join(
        f"{start} {curve[0]:.1f} to {curve[-1]:.2f}" for start, curve in contraction.curves.items()
    )
    first = "never forgets" if contraction.warmup_frames is None else "measured"
    return f"{first} (grey levels over {contraction.measured_frames} frames, from {ends})"


def _held_out_words(held_out: HeldOut | None) -> str:
    if held_out is None:
        return "not measured"
    parts = [f"{held_out.frames} frames: PSNR {held_out.psnr_db:.2f} dB"]
    if held_out.person_psnr_db is not None:
        parts.append(f"around the person {held_out.person_psnr_db:.2f} dB")
    parts.append(f"SSIM {held_out.ssim:.4f}")
    others = {
        "LPIPS": held_out.lpips,
        "face SSIM": held_out.face_ssim,
        "warping error": held_out.warping_error,
    }
    parts += [f"{name} {value:.4f}" for name, value in others.items() if value is not None]
    return ", ".join(parts)
