"""Runs inside one Blender, or in a Python with the module bpy: does one thing of the table and writes what came of it.

Arguments, after "--": the thing, the folder to work in (with performance/, face.png, voice.wav), the file for the answer.
"""

import importlib
import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = "bl_ext.user_default.soliloquy"
SCREEN_STEP_S = 0.5


def loaded() -> str:
    """Name of the package, registered: the extension that Blender has switched on, or this repository."""
    if EXTENSION in sys.modules:  # not in the preferences: --addons switches it on for this run only
        return EXTENSION
    spec = importlib.util.spec_from_file_location("soliloquy", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    package = importlib.util.module_from_spec(spec)
    sys.modules["soliloquy"] = package
    spec.loader.exec_module(package)
    package.register()
    return "soliloquy"


def part(name: str):
    return importlib.import_module(f"{loaded_name}.addon.{name}")


def register(_folder: Path) -> str:
    """Off and on a hundred times: nothing stays behind, memory does not grow, and how long it takes."""
    package = importlib.import_module(loaded_name)
    package.unregister()
    before, used = footprint(), []
    times = []
    for _ in range(100):
        started = time.perf_counter()
        package.register()
        times.append(time.perf_counter() - started)
        package.unregister()
        used.append(resident_mb())
    assert footprint() == before, f"left behind: {footprint()} instead of {before}"
    grown = used[-1] - used[19] if used[-1] is not None else 0.0
    assert grown < 4, f"{grown:.1f} MB more after 80 times"
    return f"{sorted(times)[50] * 1000:.0f} ms"


def footprint() -> tuple:
    """Everything of ours that Blender could still hold."""
    handlers = [len(getattr(bpy.app.handlers, name)) for name in dir(bpy.app.handlers)
                if isinstance(getattr(bpy.app.handlers, name), list)]
    return (sorted(name for name in dir(bpy.types) if "soliloquy" in name.lower()), hasattr(bpy.types.Scene, "soliloquy"),
            hasattr(bpy.types.WindowManager, "soliloquy"), dir(bpy.ops.soliloquy), handlers)


def resident_mb() -> float | None:
    """Memory of this process; None where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, ValueError, AttributeError):
        return None


def animate(folder: Path) -> str:
    """A picture and a voice through the real engine, by the button's operator."""
    settings = bpy.context.scene.soliloquy
    settings.picture, settings.voice = str(folder / "face.png"), str(folder / "voice.wav")
    settings.rights, settings.output_folder = "public-domain", str(folder / f"made-{os.getpid()}")
    settings.rights_statement = "a test picture"
    assert bpy.ops.soliloquy.animate() == {"FINISHED"}, bpy.context.window_manager.soliloquy.message
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    return f"{int(rig.animation_data.action.frame_range[1])} frames"


def bring_in(folder: Path, **options) -> None:
    assert bpy.ops.soliloquy.import_performance(directory=str(folder / "performance"), **options) == {"FINISHED"}


def keyframes(folder: Path) -> str:
    """54 keys, 48 frames, on their exact times, with the clip's own numbers."""
    import numpy as np

    bring_in(folder, strips=False)
    clip = part("scene.clip_file").read_clip(folder / "performance" / "motion.json")
    face = next(item for item in bpy.data.objects if item.get("soliloquy_part") == "face")
    curves = {curve.data_path: curve for curve in part("compat").curves_of(face.data.shape_keys).fcurves}
    assert len(curves) == 54, f"{len(curves)} curves"
    column = part("scene.channels").CHANNELS.index("jawOpen")
    found = [point.co[1] for point in curves['key_blocks["jawOpen"].value'].keyframe_points]
    assert np.allclose(found, clip.channels[:, column], atol=1e-6), "other numbers than the clip's"
    return f"{len(curves)} x {len(found)}"


def strips(folder: Path) -> str:
    """Pictures and voice, as long as the performance."""
    bring_in(folder, rig=False)
    compat = part("compat")
    found = {strip.type: compat.strip_range(strip) for strip in compat.strips_of(bpy.context.scene)}
    assert set(found) == {"IMAGE", "SOUND"} and len(set(found.values())) == 1, found
    return "{} frames".format(found["IMAGE"][1] - found["IMAGE"][0])


def save(folder: Path) -> str:
    """Save, open again, and all is there and moves."""
    bring_in(folder)
    path = folder / f"saved-{os.getpid()}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    face = next(item for item in bpy.data.objects if item.get("soliloquy_part") == "face")
    values = []
    for frame in (1, 12, 24):
        bpy.context.scene.frame_set(frame)
        values.append(round(face.data.shape_keys.key_blocks["jawOpen"].value, 4))
    assert len(set(values)) == 3, values
    assert len(part("compat").strips_of(bpy.context.scene)) == 2
    return f"{path.stat().st_size / 2**20:.1f} MB"


def export(folder: Path) -> str:
    """A character with our keys, the performance on it, out as glTF and FBX and in again with the same curves."""
    channels = part("scene.channels").CHANNELS
    mesh = bpy.data.meshes.new("Ada")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 0, 1)], [], [(0, 1, 2)])
    item = bpy.data.objects.new("Ada", mesh)
    bpy.context.scene.collection.objects.link(item)
    for name in ("Basis", *channels):
        item.shape_key_add(name=name, from_mix=False).data[0].co.z = len(name)
    for other in bpy.context.selected_objects:
        other.select_set(False)
    item.select_set(True)
    bpy.context.view_layer.objects.active = item
    assert bpy.ops.soliloquy.apply_performance(filepath=str(folder / "performance"), mapping="AUTO") == {"FINISHED"}
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, 48
    bpy.context.scene.frame_set(10)
    expected = item.data.shape_keys.key_blocks["jawOpen"].value
    sizes = []
    for suffix, addon in (("glb", "io_scene_gltf2"), ("fbx", "io_scene_fbx")):
        path = folder / f"ada-{os.getpid()}.{suffix}"
        if addon not in bpy.context.preferences.addons:
            bpy.ops.preferences.addon_enable(module=addon)
        item.select_set(True)  # an import selects what it brought
        if suffix == "glb":
            bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True, export_animations=True)
        else:
            # as said in docs/blender.md: with either of them on, FBX takes actions of objects only, not those of shape keys
            bpy.ops.export_scene.fbx(filepath=str(path), use_selection=True, bake_anim_use_nla_strips=False,
                                     bake_anim_use_all_actions=False)
        check_exported(path, expected)
        sizes.append(f"{path.stat().st_size // 1024} KB {'glTF' if suffix == 'glb' else 'FBX'}")
    return ", ".join(sizes)


def check_exported(path: Path, jaw_at_10: float) -> None:
    """Read it in again: all shape keys, and the curve's value at frame 10."""
    before = {*bpy.data.objects, *bpy.data.actions}
    (bpy.ops.import_scene.gltf if path.suffix == ".glb" else bpy.ops.import_scene.fbx)(filepath=str(path))
    fresh = [thing for thing in bpy.data.objects if thing not in before]
    back = next(thing for thing in fresh if thing.type == "MESH" and thing.data.shape_keys)
    blocks = back.data.shape_keys.key_blocks
    assert not set(part("scene.channels").CHANNELS) - set(blocks.keys()), f"{path.suffix}: {len(blocks)} keys came back"
    found = []
    for frame in range(8, 13):
        bpy.context.scene.frame_set(frame)
        found.append(blocks["jawOpen"].value)
    assert min(abs(value - jaw_at_10) for value in found) < 1e-3, (path.suffix, found, jaw_at_10)
    for kept in (bpy.data.objects, bpy.data.actions):  # FBX would export the actions of the glTF file, too
        for thing in [thing for thing in kept if thing not in before]:
            kept.remove(thing)


def window(_folder: Path, answer: Path) -> None:
    """Every panel of ours is drawn in the real window, without an error."""
    drawn, failed = set(), []
    panels = [cls for cls in bpy.types.Panel.__subclasses__() if cls.__name__.startswith("SOLILOQUY_PT_")]
    open_all(panels)
    for panel in panels:
        watch(panel, drawn, failed)

    def show(kind: str) -> None:
        area = max(bpy.context.window_manager.windows[0].screen.areas, key=lambda area: area.width * area.height)
        area.type = kind
        area.spaces.active.show_region_ui = True

    def tab() -> None:
        area = max(bpy.context.window_manager.windows[0].screen.areas, key=lambda area: area.width * area.height)
        next(region for region in area.regions if region.type == "UI").active_panel_category = "Soliloquy"
        area.tag_redraw()

    def end() -> None:
        wanted = {panel.__name__ for panel in panels}
        missing = sorted(wanted - drawn)
        problem = failed[0] if failed else f"not drawn: {', '.join(missing)}" if missing or not drawn else ""
        tell(answer, not problem, problem or f"{len(drawn)} panels")
        os._exit(0)

    steps = [lambda: show("VIEW_3D"), tab, tab, lambda: show("SEQUENCE_EDITOR"), tab, tab, end]

    def step() -> float | None:
        try:
            steps.pop(0)()
        except Exception:
            tell(answer, False, traceback.format_exc().splitlines()[-1])
            os._exit(0)
        return SCREEN_STEP_S

    bpy.app.timers.register(step, first_interval=2.0)


def open_all(panels: list[type]) -> None:
    """Closed panels do not draw what is in them: let none be closed at first. Parents are registered before their children."""
    parents_first = sorted(panels, key=lambda panel: bool(getattr(panel, "bl_parent_id", "")))
    for panel in reversed(parents_first):
        bpy.utils.unregister_class(panel)
    for panel in parents_first:
        panel.bl_options = set(getattr(panel, "bl_options", ())) - {"DEFAULT_CLOSED"}
        bpy.utils.register_class(panel)


def watch(panel: type, drawn: set, failed: list) -> None:
    """Note every drawing of a panel and every error in it."""
    draw = panel.draw

    def watched(self, context):
        try:
            draw(self, context)
            drawn.add(panel.__name__)
        except Exception:
            failed.append(f"{panel.__name__}: {traceback.format_exc().splitlines()[-1]}")

    panel.draw = watched


def tell(answer: Path, done: bool, text: str) -> None:
    answer.write_text(json.dumps({"ok": done, "text": text, "blender": bpy.app.version_string,
                                  "python": ".".join(map(str, sys.version_info[:3]))}), encoding="utf-8")


if __name__ == "__main__":
    what, folder, answer = sys.argv[sys.argv.index("--") + 1:]
    loaded_name = loaded()
    if what == "window":
        window(Path(folder), Path(answer))
    else:
        try:
            text = globals()[what](Path(folder))
            tell(Path(answer), True, text)
        except Exception as error:
            traceback.print_exc()
            tell(Path(answer), False, " ".join(str(error).split())[:120] or type(error).__name__)
        sys.stdout.flush()
        os._exit(0)  # the bpy wheel (seen in 4.5.15) can wait for its own audio thread for ever at the end
