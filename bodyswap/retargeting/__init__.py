"""The parts of retargeting: limbs, the floor and what touches it, place, and planted feet."""
