"""The engine: build_portrait -> analyse_speech -> generate_motion -> render. Nothing in here imports bpy."""

__version__ = "0.1.0"
