# SPDX-License-Identifier: Apache-2.0
# Makes scene.blend: blender --background --factory-startup --python make_scene.py
import math
import os

import bpy

bpy.ops.wm.read_factory_settings(use_empty=True)
for kind in (bpy.data.brushes, bpy.data.linestyles, bpy.data.palettes):
    for data in list(kind):
        kind.remove(data)


def material(name, color, roughness):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*color, 1)
    shader.inputs["Roughness"].default_value = roughness
    return made


bpy.ops.mesh.primitive_plane_add(size=30)
bpy.context.object.data.materials.append(material("floor", (0.25, 0.3, 0.35), 0.8))
bpy.ops.mesh.primitive_torus_add(location=(0, 0, 0.9), rotation=(math.pi / 2.4, 0, 0), major_radius=1.2, minor_radius=0.4)
torus = bpy.context.object
bpy.ops.object.shade_smooth()
torus.data.materials.append(material("ring", (0.9, 0.35, 0.05), 0.25))
bpy.ops.mesh.primitive_uv_sphere_add(location=(0, 0, 0.9), radius=0.55)
bpy.ops.object.shade_smooth()
bpy.context.object.data.materials.append(material("ball", (0.05, 0.3, 0.8), 0.1))
for frame, turn in ((1, 0.0), (49, math.pi)):
    torus.rotation_euler.z = turn
    torus.keyframe_insert("rotation_euler", frame=frame)
bpy.ops.object.light_add(type="AREA", location=(3, -3, 5), rotation=(0.65, 0, 0.8))
bpy.context.object.data.energy = 500
bpy.context.object.data.size = 3
bpy.ops.object.camera_add(location=(0, -6.5, 3.2), rotation=(1.2, 0, 0))
scene = bpy.context.scene
scene.camera = bpy.context.object
scene.world = bpy.data.worlds.new("sky")
scene.world.color = (0.35, 0.4, 0.5)
scene.render.engine = "CYCLES"
scene.render.resolution_x, scene.render.resolution_y = 640, 360
scene.cycles.samples = 32
scene.frame_start, scene.frame_end = 1, 48
folder = os.path.dirname(os.path.abspath(__file__))
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "scene.blend"), compress=True)
