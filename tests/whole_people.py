"""Poses of other skeletons, made from COCO-17's: hands, feet and faces about where they are."""

from dataclasses import replace

import numpy as np

from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_17, Skeleton

_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")


def as_skeleton(poses: PoseSequence, skeleton: Skeleton) -> PoseSequence:
    """The same motion with all of the skeleton's joints, every one as certain as the surest."""
    body = {name: poses.keypoints_NK2[:, index] for index, name in enumerate(COCO_17.joints)}
    keypoints = np.stack([_place(name, body) for name in skeleton.joints], axis=1)
    confidence = np.repeat(poses.confidence_NK.max(axis=1, keepdims=True), len(skeleton.joints), 1)
    return replace(
        poses, skeleton=skeleton, keypoints_NK2=keypoints.astype(np.float32),
        confidence_NK=confidence,
    )  # fmt: skip


def _place(name: str, body: dict[str, np.ndarray]) -> np.ndarray:
    if name in body:
        return body[name]
    neck = (body["left_shoulder"] + body["right_shoulder"]) / 2
    hip = (body["left_hip"] + body["right_hip"]) / 2
    if name in ("neck", "hip"):
        return neck if name == "neck" else hip
    if name == "head":
        return neck + 1.8 * (body["nose"] - neck)
    if name.startswith("face-"):
        turn = 2 * np.pi * int(name.removeprefix("face-")) / 68
        size = 0.12 * np.linalg.norm(hip - neck, axis=1, keepdims=True)
        return body["nose"] + size * np.array([np.cos(turn), np.sin(turn)])
    side, _, end = name.partition("_")
    if end in ("big_toe", "small_toe", "heel"):
        shin = body[f"{side}_ankle"] - body[f"{side}_knee"]
        across = np.stack([shin[:, 1], -shin[:, 0]], axis=1)
        return body[f"{side}_ankle"] + {"big_toe": 0.3, "small_toe": 0.25}.get(end, -0.1) * across
    wrist, elbow = body[f"{side}_wrist"], body[f"{side}_elbow"]
    if end == "hand_root":
        return wrist + 0.05 * (wrist - elbow)
    finger, number = end[:-1], int(end[-1])
    along = wrist - elbow
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    return wrist + 0.1 * number * along + 0.06 * (_FINGERS.index(finger) - 2) * across
