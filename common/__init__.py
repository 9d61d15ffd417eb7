"""What the engine and the add-on both need: NumPy and the standard library, no Blender, no engine, no add-on."""
