# SPDX-License-Identifier: Apache-2.0
# Runs inside Blender: opens a scene that nobody trusts, refuses what cannot be rendered alike on every machine, and
# renders one rectangle of one frame. The order comes as JSON in VCITY_RENDER; what is said to vcity-studio are lines
# that begin with "VCITY " and hold one JSON object.
import json
import os
import sys

import bpy

ORDER = json.loads(os.environ["VCITY_RENDER"])
FOLDER = os.path.realpath(os.path.dirname(ORDER["scene"]))


def say(**fields):
    sys.stdout.write("VCITY " + json.dumps(fields) + "\n")
    sys.stdout.flush()


def leave(code):
    sys.stdout.flush()
    os._exit(code)


class Problems:
    def __init__(self):
        self.found = []

    def add(self, field, reason):
        self.found.append({"field": field, "reason": reason})

    def leave_if_any(self):
        if self.found:
            say(problems=self.found[:20])
            leave(3)


def name_of(data, kind):
    return f"{kind}['{data.name}']"


def collections():
    """Every data block of the file, with the name of its collection."""
    for prop in bpy.data.bl_rna.properties:
        if prop.type != "COLLECTION":
            continue
        for data in getattr(bpy.data, prop.identifier):
            if isinstance(data, bpy.types.ID):
                yield data, prop.identifier


def check_path(problems, field, path):
    absolute = bpy.path.abspath(path)
    real = os.path.realpath(absolute)
    if os.path.commonpath([real, FOLDER]) != FOLDER:
        problems.add(field, f"is '{path}', outside the job's folder: pack it into the scene")
    elif not os.path.exists(real):
        problems.add(field, f"is '{path}', which is not there: pack it into the scene or list it in 'files'")


def check_images(problems):
    for image in bpy.data.images:
        field = name_of(image, "images") + ".filepath"
        if image.source in {"SEQUENCE", "MOVIE", "TILED"}:
            problems.add(name_of(image, "images") + ".source", f"is {image.source}; only single, packed images are taken")
        elif image.source == "FILE" and image.packed_file is None and image.filepath:
            check_path(problems, field, image.filepath)


def check_files(problems):
    check_images(problems)
    for library in bpy.data.libraries:
        problems.add(name_of(library, "libraries") + ".filepath", f"links to '{library.filepath}': make it local")
    for font in bpy.data.fonts:
        if font.packed_file is None and font.filepath and font.filepath != "<builtin>":
            check_path(problems, name_of(font, "fonts") + ".filepath", font.filepath)
    for kind in ("movieclips", "sounds", "volumes", "cache_files"):
        for data in getattr(bpy.data, kind):
            if getattr(data, "packed_file", None) is None and data.filepath:
                check_path(problems, name_of(data, kind) + ".filepath", data.filepath)
    # Whatever else names a file: caches, scripts, textures of add-ons.
    for path in bpy.utils.blend_paths(absolute=True, packed=True, local=False):
        real = os.path.realpath(path)
        if os.path.commonpath([real, FOLDER]) != FOLDER:
            problems.add("blend_paths", f"names '{path}', outside the job's folder")


def check_scripts(problems):
    for data, kind in collections():
        animation = getattr(data, "animation_data", None)
        for curve in animation.drivers if animation else ():
            driver = curve.driver
            if driver.type == "SCRIPTED" and not driver.is_simple_expression:
                problems.add(f"{name_of(data, kind)}.{curve.data_path}", f"is driven by Python: {driver.expression[:80]!r}")
        tree = data if kind == "node_groups" else getattr(data, "node_tree", None)
        for node in tree.nodes if tree else ():
            if node.bl_idname == "ShaderNodeScript":
                problems.add(f"{name_of(data, kind)}.nodes['{node.name}']", "is a script in OSL, which is not run here")
    for text in bpy.data.texts:
        if text.use_module:
            problems.add(name_of(text, "texts") + ".use_module", "asks to be run when the scene is opened")


def check_simulations(problems):
    """A simulation without a baked cache depends on the frames before, which other machines render."""
    def baked(cache, field):
        if not cache.is_baked:
            problems.add(field, "is a simulation that is not baked")

    for scene in bpy.data.scenes:
        if scene.rigidbody_world:
            baked(scene.rigidbody_world.point_cache, name_of(scene, "scenes") + ".rigidbody_world.point_cache")
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            field = f"{name_of(thing, 'objects')}.modifiers['{modifier.name}']"
            if modifier.type in {"CLOTH", "SOFT_BODY"}:
                baked(modifier.point_cache, field + ".point_cache")
            elif modifier.type == "PARTICLE_SYSTEM" and modifier.particle_system.settings.type == "EMITTER":
                baked(modifier.particle_system.point_cache, field + ".point_cache")
            elif modifier.type in {"FLUID", "DYNAMIC_PAINT"}:
                problems.add(field, f"is of type {modifier.type}, which is not rendered here")


def check_scene(problems, scene):
    render = scene.render
    if render.engine != "CYCLES":
        problems.add("scene.render.engine", f"is {render.engine}; only CYCLES is rendered")
    if scene.camera is None:
        problems.add("scene.camera", "is missing")
    if scene.use_nodes and render.use_compositing and scene.node_tree:
        kept = {"CompositorNodeRLayers", "CompositorNodeComposite", "CompositorNodeViewer"}
        if any(node.bl_idname not in kept for node in scene.node_tree.nodes):
            problems.add("scene.use_nodes", "compositing cannot be done tile by tile: turn it off")
    if render.use_sequencer and scene.sequence_editor and len(scene.sequence_editor.sequences_all):
        problems.add("scene.sequence_editor", "has strips: only the 3D scene is rendered")
    for name in ("use_freestyle", "use_multiview"):
        if getattr(render, name):
            problems.add("scene.render." + name, "is on; it is not rendered here")
    if render.engine == "CYCLES" and scene.cycles.shading_system:
        problems.add("scene.cycles.shading_system", "is Open Shading Language, whose scripts are not run here")
    pixels = size_of(render)
    if max(pixels) > 32768 or min(pixels) < 1:
        problems.add("scene.render.resolution_x", f"is {pixels[0]} x {pixels[1]}; 1 to 32768 each are rendered")


def size_of(render):
    return [int(side * render.resolution_percentage / 100) for side in (render.resolution_x, render.resolution_y)]


def settle(scene):
    """What decides on the value of a pixel, and nothing that depends on the machine or on time."""
    render, cycles = scene.render, scene.cycles
    cycles.device = "CPU"
    for name, value in (("use_adaptive_sampling", False), ("use_denoising", False), ("time_limit", 0.0),
                        ("use_auto_tile", False), ("use_guiding", False), ("feature_set", "SUPPORTED")):
        if hasattr(cycles, name):
            setattr(cycles, name, value)
    if ORDER["samples"]:
        cycles.samples = ORDER["samples"]
    render.dither_intensity = 0
    render.use_stamp = False
    render.use_compositing = False
    render.use_sequencer = False
    render.use_persistent_data = False
    image = render.image_settings
    image.file_format = "PNG"
    image.color_mode = "RGBA" if render.film_transparent else "RGB"
    image.color_depth = "8"
    image.compression = 15


def open_scene(problems):
    name = os.path.basename(ORDER["scene"])
    try:
        bpy.ops.wm.open_mainfile(filepath=ORDER["scene"], load_ui=False, use_scripts=False)
    except RuntimeError as failure:
        problems.add("", str(failure).replace("Error: ", "").replace(ORDER["scene"], name).strip())
        problems.leave_if_any()
    if tuple(bpy.data.version[:2]) > bpy.app.version[:2]:
        problems.add("", "was made by Blender {}.{}, this node has {}.{}".format(*bpy.data.version[:2], *bpy.app.version[:2]))
    problems.leave_if_any()


def main():
    problems = Problems()
    open_scene(problems)
    scene = bpy.context.scene
    if ORDER["width"]:
        scene.render.resolution_x, scene.render.resolution_y = ORDER["width"], ORDER["height"]
        scene.render.resolution_percentage = 100
    for check in (check_files, check_scripts, check_simulations):
        check(problems)
    check_scene(problems, scene)
    problems.leave_if_any()
    settle(scene)
    scene.frame_set(ORDER["frame"])
    # A scene may animate what decides on a pixel; the settings are made again for the frame.
    settle(scene)
    width, height = size_of(scene.render)
    if ORDER["width"] and [width, height] != [ORDER["width"], ORDER["height"]]:
        problems.add("scene.render.resolution_x", "is animated")
        problems.leave_if_any()
    columns, rows, column, row = (ORDER[name] for name in ("columns", "rows", "column", "row"))
    if columns > width or rows > height:
        problems.add("scene.render.resolution_x", f"a picture of {width} x {height} has no {columns} x {rows} tiles")
        problems.leave_if_any()
    left, right = column * width // columns, (column + 1) * width // columns
    top, bottom = row * height // rows, (row + 1) * height // rows
    render = scene.render
    render.use_border = render.use_crop_to_border = True
    # Blender cuts off what follows the point, and counts rows from below.
    render.border_min_x, render.border_max_x = (left + 0.5) / width, min((right + 0.5) / width, 1.0)
    render.border_min_y, render.border_max_y = (height - bottom + 0.5) / height, min((height - top + 0.5) / height, 1.0)
    render.filepath = ORDER["out"]
    say(width=width, height=height, blender=bpy.app.version_string, samples=scene.cycles.samples)
    try:
        bpy.ops.render.render(write_still=True)
    except RuntimeError as failure:
        problems.add("", "cannot be rendered: " + str(failure).replace("Error: ", "").strip())
        problems.leave_if_any()
    say(done=True)
    leave(0)


main()
