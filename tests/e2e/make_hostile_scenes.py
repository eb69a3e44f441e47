# SPDX-License-Identifier: Apache-2.0
"""Runs inside Blender and saves scenes that must be refused: make_hostile_scenes.py -- FOLDER."""
import os
import sys

import bpy

FOLDER = sys.argv[-1]


def begin():
    bpy.ops.wm.read_factory_settings(use_empty=False)
    bpy.context.scene.render.engine = "CYCLES"
    return bpy.context.scene


def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, name), compress=False)


# A script that wants to run when the scene is opened, and again for every frame.
scene = begin()
text = bpy.data.texts.new("evil.py")
text.write("open('%s/escaped', 'w').write('x')\n" % FOLDER)
text.use_module = True
cube = bpy.data.objects["Cube"]
driver = cube.driver_add("location", 0).driver
driver.type = "SCRIPTED"
driver.expression = "__import__('os').system('touch %s/escaped')" % FOLDER
driver = cube.driver_add("location", 1).driver
driver.type = "SCRIPTED"
driver.expression = "frame * 0.1"  # simple: no Python
save("scripts.blend")

# Files outside the job's folder, and one that is not there.
scene = begin()
for name, path in (("secret", "/etc/passwd"), ("up", "//../../outside.png"), ("gone", "//gone.png")):
    image = bpy.data.images.new(name, 4, 4)
    image.source = "FILE"
    image.filepath = path
    image.use_fake_user = True
bpy.ops.mesh.primitive_cube_add()
bpy.context.object.modifiers.new("water", "FLUID")
bpy.ops.mesh.primitive_cube_add()
bpy.context.object.modifiers.new("cape", "CLOTH")
save("files.blend")

# What cannot be rendered tile by tile, or not alike everywhere.
scene = begin()
scene.use_nodes = True
scene.node_tree.nodes.new("CompositorNodeBlur")
scene.render.use_freestyle = True
scene.cycles.shading_system = True
bpy.data.objects.remove(bpy.data.objects["Camera"])
save("settings.blend")

scene = begin()
scene.render.engine = "BLENDER_EEVEE"
save("eevee.blend")

# Settings that would make two machines differ, and are switched off: this one must render, and alike.
scene = begin()
scene.cycles.use_adaptive_sampling = True
scene.cycles.use_denoising = True
scene.cycles.time_limit = 0.5
scene.cycles.use_animated_seed = True
scene.render.dither_intensity = 2.0
scene.render.use_stamp = True
scene.render.resolution_x, scene.render.resolution_y = 96, 54
scene.render.resolution_percentage = 100
scene.cycles.samples = 4
save("restless.blend")
