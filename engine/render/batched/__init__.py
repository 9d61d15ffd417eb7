"""The renderer on a graphics card: many frames at once as tensors, the same pictures as render/drawing.py makes one by one."""
