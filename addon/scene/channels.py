"""The 52 ARKit channels, sorted into the groups an animator sees in the Graph Editor.

The names and their order are those of `engine/motion/clip.py` (a test holds the two together: the add-on must not import
the engine). Left and right are the subject's.
"""

GROUP_OF: dict[str, str] = {
    "eyeBlinkLeft": "Blinks", "eyeLookDownLeft": "Gaze", "eyeLookInLeft": "Gaze", "eyeLookOutLeft": "Gaze",
    "eyeLookUpLeft": "Gaze", "eyeSquintLeft": "Lids", "eyeWideLeft": "Lids",
    "eyeBlinkRight": "Blinks", "eyeLookDownRight": "Gaze", "eyeLookInRight": "Gaze", "eyeLookOutRight": "Gaze",
    "eyeLookUpRight": "Gaze", "eyeSquintRight": "Lids", "eyeWideRight": "Lids",
    "jawForward": "Jaw", "jawRight": "Jaw", "jawLeft": "Jaw", "jawOpen": "Jaw",
    "mouthClose": "Lips", "mouthFunnel": "Lips", "mouthPucker": "Lips", "mouthRight": "Lips", "mouthLeft": "Lips",
    "mouthSmileLeft": "Lips", "mouthSmileRight": "Lips", "mouthFrownLeft": "Lips", "mouthFrownRight": "Lips",
    "mouthDimpleLeft": "Lips", "mouthDimpleRight": "Lips", "mouthStretchLeft": "Lips", "mouthStretchRight": "Lips",
    "mouthRollLower": "Lips", "mouthRollUpper": "Lips", "mouthShrugLower": "Lips", "mouthShrugUpper": "Lips",
    "mouthPressLeft": "Lips", "mouthPressRight": "Lips", "mouthLowerDownLeft": "Lips", "mouthLowerDownRight": "Lips",
    "mouthUpperUpLeft": "Lips", "mouthUpperUpRight": "Lips",
    "browDownLeft": "Brows", "browDownRight": "Brows", "browInnerUp": "Brows", "browOuterUpLeft": "Brows",
    "browOuterUpRight": "Brows",
    "cheekPuff": "Cheeks and Nose", "cheekSquintLeft": "Cheeks and Nose", "cheekSquintRight": "Cheeks and Nose",
    "noseSneerLeft": "Cheeks and Nose", "noseSneerRight": "Cheeks and Nose", "tongueOut": "Tongue",
}

CHANNELS: tuple[str, ...] = tuple(GROUP_OF)
"""Names in the order of the clip's columns and of the portrait's delta_channel."""

OWN_GROUP_OF: dict[str, str] = {"tongueUp": "Tongue", "tongueBack": "Tongue", "lipsTogether": "Lips"}
OWN_CHANNELS: tuple[str, ...] = tuple(OWN_GROUP_OF)
"""What ARKit has no names for; they follow its 52 in clips, portraits and rigs."""

RIG_CHANNELS: tuple[str, ...] = CHANNELS + OWN_CHANNELS
"""The shape keys of a rig."""

HEAD_GROUP, GAZE_GROUP = "Head", "Gaze"
