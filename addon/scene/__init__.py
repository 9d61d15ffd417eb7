"""From the engine's files to things in a scene: the rig, the curves, the strips."""
