# SPDX-License-Identifier: Apache-2.0
"""vcity-studio with the real Blender, FFmpeg, Tesseract and eSpeak NG, without a network."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest
import wave

from pictures import pixels_of, write_png

ROOT = pathlib.Path(__file__).resolve().parents[2]
STUDIO = os.environ["VCITY_STUDIO"]
DATA = ROOT / "docs/examples/apps/data"


class StudioTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vcity-studio-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def studio(self, *words, code=0, before=(), **variables):
        result = subprocess.run([*before, STUDIO, *map(str, words)], text=True, capture_output=True, timeout=120,
                                env={**os.environ, **variables})
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def results(self, folder, index=0):
        return [json.loads(line) for line in (folder / f"results-{index}.jsonl").read_text().splitlines()]


class Render(StudioTest):
    BLOCK = ("--frame-first", 7, "--frames", 1, "--tiles", "2x1", "--resolution", "101x45", "--samples", 4)

    def tile(self, out, *words, scene=DATA / "scene.blend", **options):
        return self.studio("render", "tile", "--scene", scene, "--out", out, *words, **options)

    def test_tiles_are_the_frame_and_a_changed_pixel_is_found(self):
        tiles, again, whole = self.folder / "tiles-0", self.folder / "verify-0", self.folder / "whole"
        for index in (0, 1):
            said = self.tile(tiles / str(index), *self.BLOCK, VCITY_INDEX=str(index), VCITY_NODE=f"0x{index}{index}")
            self.assertEqual(json.loads(said.stdout.splitlines()[-1])["event"], "done")
        # Another number of threads, and the wish for what this processor is best at.
        self.tile(again / "0", *self.BLOCK, "--picks", "1", before=("taskset", "-c", "0"), VCITY_NODE="0x99")
        stitch = ("render", "stitch", *self.BLOCK, "--from", tiles, "--again", again, "--picks", "1", "--out")
        self.studio(*stitch, self.folder / "stitch-0/0")
        summary = json.loads((self.folder / "stitch-0/0/summary.json").read_text())
        self.assertEqual(summary["checked"], ["frame 7, tile column 1 row 0"])
        self.tile(whole, "--frame-first", 7, "--resolution", "101x45", "--samples", 4)
        frame = self.folder / "stitch-0/0/frame-000007.png"
        one, other = pixels_of(frame), pixels_of(whole / "tile.png")
        self.assertEqual(one[:2] + one[3:], other[:2] + other[3:])
        self.film()
        self.customer_checks(frame)

        width, height, depth, rows = pixels_of(tiles / "1/tile.png")
        rows[5] = rows[5][:9] + bytes([rows[5][9] ^ 1]) + rows[5][10:]
        write_png(tiles / "1/tile.png", width, height, depth, rows)
        wrong = self.studio(*stitch, self.folder / "wrong", code=3).stderr
        self.assertIn("frame 7, tile column 1 row 0: 1 of 2295 pixels differ, the first at x 53 y 5", wrong)
        self.assertIn("step tiles-0/1 (node 0x11, Blender 3.4.1)", wrong)
        self.assertIn("step verify-0/0 (node 0x99, Blender 3.4.1)", wrong)
        self.assertTrue((self.folder / "wrong/mismatches.json").is_file())
        self.assertFalse(list((self.folder / "wrong").glob("frame-*")))

        for name, content, reason in (("tile.png", b"\x89PNG", "tile.png: is no PNG"), ("tile.json", b"[]", "is no JSON object"),
                                      ("tile.json", b'{"frame":9,"column":0,"row":0}', "tile.json: is of frame 9")):
            (tiles / "0" / name).write_bytes(content)
            wrong = self.studio(*stitch[:-5], "--out", self.folder / "wrong", code=3).stderr
            self.assertIn("frame 7, tile column 0 row 0: step tiles-0/0", wrong)
            self.assertIn(reason, wrong)

    def film(self):
        for video, codec in (("mp4", "h264"), ("webm", "vp9")):
            self.studio("render", "film", "--frame-first", 7, "--frames", 1, "--from", self.folder / "stitch-0", "--video",
                        video, "--out", self.folder / "film")
            told = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries",
                                   "stream=codec_name,width,height,nb_read_frames", "-of", "json",
                                   self.folder / f"film/film.{video}"], text=True, capture_output=True, check=True).stdout
            stream = json.loads(told)["streams"][0]
            self.assertEqual((stream["codec_name"], stream["width"], stream["height"], stream["nb_read_frames"]),
                             (codec, 102, 46, "1"))
        lacks = self.studio("render", "film", "--frame-first", 7, "--frames", 2, "--from", self.folder / "stitch-0",
                            "--out", self.folder / "film", code=2).stderr
        self.assertIn("frame-000008.png: is in none of the folders", lacks)

    def customer_checks(self, frame):
        words = ("render", "check", "--scene", DATA / "scene.blend", *self.BLOCK, "--picks", "0", "--from", frame.parent,
                 "--out", self.folder / "own")
        self.studio(*words)
        copy = self.folder / "copy" / frame.name
        copy.parent.mkdir()
        width, height, depth, rows = pixels_of(frame)
        rows[40] = bytes([rows[40][0] ^ 4]) + rows[40][1:]
        write_png(copy, width, height, depth, rows)
        wrong = self.studio(*words[:-4], "--from", copy.parent, "--out", self.folder / "own", code=3).stderr
        self.assertIn("frame 7, tile column 0 row 0: 1 of 2250 pixels differ, the first at x 0 y 40", wrong)

    def test_bad_scenes_are_refused_with_their_fields(self):
        subprocess.run(["blender", "--background", "--factory-startup", "--python",
                        ROOT / "tests/e2e/make_hostile_scenes.py", "--", self.folder], check=True, capture_output=True)
        wanted = {
            "scripts.blend": ["texts['evil.py'].use_module: asks to be run", "objects['Cube'].location: is driven by Python"],
            "files.blend": ["blend_paths: names '/etc/passwd', outside the job's folder",
                            "images['up'].filepath: is '//../../outside.png', outside",
                            "images['gone'].filepath: is '//gone.png', which is not there",
                            "modifiers['water']: is of type FLUID", "modifiers['cape'].point_cache: is a simulation"],
            "settings.blend": ["scene.use_nodes: compositing", "scene.render.use_freestyle: is on",
                               "scene.cycles.shading_system: is Open Shading Language", "scene.camera: is missing"],
            "eevee.blend": ["scene.render.engine: is BLENDER_EEVEE; only CYCLES is rendered"],
        }
        for scene, reasons in wanted.items():
            wrong = self.tile(self.folder / "out", scene=self.folder / scene, code=2).stderr
            for reason in reasons:
                self.assertIn(f"{scene}: ", wrong)
                self.assertIn(reason, wrong)
        # A driver without Python is no problem; nothing that the scene brought has run.
        self.assertEqual(self.tile(self.folder / "out", scene=self.folder / "scripts.blend", code=2).stderr.count("driven"), 1)
        self.assertFalse((self.folder / "escaped").exists())
        self.damaged((self.folder / "scripts.blend").read_bytes())

        for out in ("one", "two"):
            self.tile(self.folder / out, scene=self.folder / "restless.blend")
        self.assertEqual(pixels_of(self.folder / "one/tile.png"), pixels_of(self.folder / "two/tile.png"))

    def damaged(self, scene):
        bad = self.folder / "bad.blend"
        packed = (DATA / "scene.blend").read_bytes()
        for content, reason in ((b"no scene at all", "byte 0: is no file of Blender"), (scene[:-500], ", of which "),
                                (scene[:9] + b"499" + scene[12:], "was made by Blender 4.99; nodes have 3.4"),
                                (packed[:-9000], "bad.blend: ")):
            bad.write_bytes(content)
            wrong = self.tile(self.folder / "out", scene=bad, code=2).stderr
            self.assertIn("bad.blend: ", wrong)
            self.assertIn(reason, wrong)
        self.assertIn("--picks: '9'", self.tile(self.folder / "out", *self.BLOCK, "--picks", "0,9", code=2).stderr)
        self.assertIn("has no 30 x 30 tiles", self.tile(self.folder / "out", "--tiles", "30x30", "--resolution", "20x20", code=2).stderr)


class Generate(StudioTest):
    def test_text_of_a_page_in_two_languages(self):
        self.studio("generate", "ocr", "--out", self.folder, DATA / "page.png")
        line = self.results(self.folder)[0]
        self.assertEqual(line["text"], "Vcity renders frames on idle cards.\n每张闲置的显卡都有一座城市")
        self.assertGreater(line["confidence"], 80)
        self.assertEqual((self.folder / line["file"]).read_text(), line["text"] + "\n")

    def test_larger_pictures_have_their_size_and_the_same_bytes(self):
        write_png(self.folder / "small.png", 40, 20, 3, [bytes((x * y) % 256 for x in range(120)) for y in range(20)])
        for scale in (2, 4):
            for out in ("one", "two"):
                self.studio("generate", "upscale", "--scale", scale, "--out", self.folder / out, self.folder / "small.png")
            width, height, _, _ = pixels_of(self.folder / "one/00000.png")
            self.assertEqual((width, height), (40 * scale, 20 * scale))
            self.assertEqual((self.folder / "one/00000.png").read_bytes(), (self.folder / "two/00000.png").read_bytes())
        wrong = self.studio("generate", "upscale", "--scale", 5, "--out", self.folder, self.folder / "small.png", code=2)
        self.assertIn("--scale: there is no esrgan-slim for 5", wrong.stderr)

    def test_speech_has_its_length_and_is_heard(self):
        prompts = self.folder / "prompts.jsonl"
        lines = [{"prompt": "One."}, {"prompt": "Every idle card has a city to live in, and every city has a card."},
                 {"prompt": "每张闲置的显卡都有一座城。"}, {"prompt": "Nobody.", "voice": "klingon9"}, {"prompt": "Two."}]
        prompts.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        for index in (0, 1):
            self.studio("generate", "speech", "--prompts", prompts, "--out", self.folder, VCITY_INDEX=str(index), VCITY_COUNT="2")
        made = self.results(self.folder, 0) + self.results(self.folder, 1)
        self.assertEqual([line["item"] for line in made], [0, 1, 2, 3, 4])
        self.assertIn("prompts.jsonl, line 4: voice 'klingon9'", made[3]["error"])
        self.assertEqual([made[at]["voice"] for at in (0, 1, 2)], ["en", "en", "cmn"])
        for at, (least, most) in {0: (0.2, 1.5), 1: (2.5, 7), 2: (2, 7), 4: (0.2, 1.5)}.items():
            with wave.open(str(self.folder / made[at]["file"])) as sound:
                frames = sound.readframes(sound.getnframes())
                seconds = len(frames) / 2 / sound.getframerate()
            samples = struct.unpack(f"<{len(frames) // 2}h", frames)
            self.assertTrue(least < seconds < most, (at, seconds))
            self.assertGreater(sum(abs(sample) > 1000 for sample in samples) / len(samples), 0.1)
            self.assertAlmostEqual(made[at]["seconds"], seconds, places=3)

    def test_images_are_what_their_prompts_say(self):
        prompts = self.folder / "prompts.jsonl"
        lines = [{"prompt": "a red circle on a blue background", "seed": 7}, {"prompt": "green square on white"}]
        prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
        for out in ("one", "two"):
            self.studio("generate", "image", "--prompts", prompts, "--out", self.folder / out, "--steps", 8, "--scale", 2)
        made = self.results(self.folder / "one")
        self.assertEqual([(line["width"], line["height"], line["seed"]) for line in made], [(64, 64, 7), (64, 64, 2)])
        self.assertEqual((self.folder / "one/00000.png").read_bytes(), (self.folder / "two/00000.png").read_bytes())
        for line, strong, ground in ((made[0], 0, 2), (made[1], 1, None)):
            _, _, depth, rows = pixels_of(self.folder / "one" / line["file"])
            middle, corner = (row[at * depth:at * depth + 3] for row, at in ((rows[32], 32), (rows[4], 4)))
            self.assertGreater(middle[strong], middle[2 if strong == 0 else 0] + 40, line)
            if ground is None:
                self.assertGreater(min(corner), 180, "white around")
            else:
                self.assertGreater(corner[ground], corner[strong] + 60, line)
        self.assertFalse(list((self.folder / "one").glob("*.ppm")))
        for words, reason in ((("--model", "../x"), "--model: '../x' is not known"), (("--worker", ""), "no vcity-worker"),
                              (("--scale", 5), "--scale: there is no esrgan-slim for 5")):
            wrong = self.studio("generate", "image", "--prompts", prompts, "--out", self.folder / "bad", *words, code=2)
            self.assertIn(reason, wrong.stderr)
        prompts.write_text('{"prompt": "a", "seed": -1}')
        wrong = self.studio("generate", "image", "--prompts", prompts, "--out", self.folder / "bad", code=2)
        self.assertIn("prompts.jsonl, line 1: seed: must be a whole number", wrong.stderr)

    def test_bad_orders_are_refused_with_file_line_and_field(self):
        bad = self.folder / "prompts.jsonl"
        for content, reason in (('{"prompt": 7}', "prompts.jsonl, line 1: prompt: must be a text"),
                                ('{"prompt": "a"}\n\n{"prompt"', "prompts.jsonl, line 3: "),
                                ('{"prompt": "a", "voice": 1}', "line 1: voice: must be a text")):
            bad.write_text(content)
            self.assertIn(reason, self.studio("generate", "speech", "--prompts", bad, "--out", self.folder, code=2).stderr)
        (self.folder / "page.png").write_text("no picture")
        for task in ("ocr", "upscale"):
            wrong = self.studio("generate", task, "--out", self.folder, self.folder / "page.png", code=2).stderr
            self.assertIn("page.png: is no PNG", wrong)
        self.assertIn("nothing to work on", self.studio("generate", "speech", "--out", self.folder, code=2).stderr)
        self.assertIn("--language", self.studio("generate", "ocr", "--language", "../x", "--out", self.folder, DATA / "page.png", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
