"""The commands of `soliloquy`, grouped by what they are about. Thin: they gather arguments, call the verbs and say what came out.

Heavy libraries are imported inside the commands, so that --help answers at once.
"""
