"""People's joints: the door to MMPose, its weights, and the maps drawn from poses."""
