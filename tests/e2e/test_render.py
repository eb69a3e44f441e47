# SPDX-License-Identifier: Apache-2.0
"""Rendering and generation on a network of real nodes, from the app files of the examples."""
import json
import os
import subprocess
import unittest
import urllib.parse

from harness import ROOT, VCITY, NetworkTest, wait_for
from pictures import pixels_of

EXAMPLES = ROOT / "docs/examples/apps"


class Render(NetworkTest):
    EXTRA = ("--unit-memory-mib", "1024")  # Blender maps that much

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls("test_a_scene_becomes_frames_and_a_film")
        wait_for(lambda: len(test.units()) >= 3, "units of three nodes")

    def units(self):
        query = urllib.parse.urlencode({"q": "num_gpus=0 rentable=true"})
        return self.request("GET", "/v1/offers?" + query).json().get("data", [])

    def up(self, app, *words, code=0):
        result = subprocess.run([VCITY, "--settings", self.folder / "cli.toml", "--json", "up", "--yes", app, *words],
                                text=True, capture_output=True, timeout=200, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return json.loads(result.stdout)

    def file(self, job, place):
        answer = self.request("GET", f"/v1/jobs/{job['id']}/files/{place}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def names(self, job):
        return {file["name"] for file in self.request("GET", f"/v1/jobs/{job['id']}/files").json()["data"]}

    def test_a_scene_becomes_frames_and_a_film(self):
        job = self.up(EXAMPLES / "render.yaml")
        self.assertEqual(job["state"], "succeeded", job)
        stitched = self.file(job, "stitch-0/0/summary.json").json()
        self.assertEqual((stitched["frames"], stitched["tiles"], stitched["width"], stitched["height"]), (2, 4, 240, 136))
        self.assertEqual(len(stitched["checked"]), 2)
        self.assertTrue(self.file(job, "stitch-0/0/frame-000002.png").body.startswith("\ufffdPNG"))
        self.assertIn("ftyp", self.file(job, "film/0/film.mp4").body[:16])
        # Every tile says which node made it, and they were made on more than one.
        makers = {self.file(job, f"tiles-0/{index}/tile.json").json()["node"] for index in range(8)}
        self.assertGreater(len(makers), 1)
        self.assertTrue(all(len(maker) == 42 for maker in makers), makers)

    def test_a_scene_that_is_none_fails_with_its_reason(self):
        app = self.folder / "bad.yaml"
        (self.folder / "bad.blend").write_text("no scene")
        app.write_text("name: bad\nkind: render\nbudget: 0.10\nretries: 3\nrender: {scene: bad.blend}\n"
                       "resources: {cpus: 1, memory: 1}\ntime_limit: 5m\n")
        job = self.up(app, code=1)
        self.assertEqual(job["state"], "failed", job)
        said = self.request("GET", f"/v1/jobs/{job['id']}/logs?step=tiles-0/0").json()["data"]
        self.assertIn("scene.blend: byte 0: is no file of Blender", said)
        self.assertEqual({step["attempt"] for step in job["steps"] if step["group"].startswith("tiles")}, {1})

    def test_speech_comes_from_two_machines(self):
        job = self.up(EXAMPLES / "generate.yaml")
        self.assertEqual(job["state"], "succeeded", job)
        lines = [json.loads(self.file(job, f"generate/{index}/results-{index}.jsonl").body) for index in (0, 1)]
        self.assertEqual([line["voice"] for line in lines], ["en", "cmn"])
        self.assertGreater(lines[0]["seconds"], 1)
        self.assertTrue(self.file(job, "generate/1/00001.wav").body.startswith("RIFF"))

    def test_the_official_openai_client_hears_speech_and_sees_images(self):
        environment = {**os.environ, "OPENAI_BASE_URL": self.net.facts["gateway"] + "/v1", "OPENAI_API_KEY": self.key}
        result = subprocess.run(["node", "media.mjs", self.folder], cwd=ROOT / "tests/e2e/openai", env=environment,
                                text=True, capture_output=True, timeout=200)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for ending, codec in (("mp3", "mp3"), ("wav", "pcm_s16le"), ("opus", "opus"), ("aac", "aac"), ("flac", "flac")):
            told = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "json",
                                   self.folder / f"speech.{ending}"], text=True, capture_output=True, check=True).stdout
            sound = json.loads(told)
            self.assertEqual(sound["streams"][0]["codec_name"], codec)
            self.assertTrue(0.8 < float(sound["format"]["duration"]) < 8, (ending, sound))
        width, height, depth, rows = pixels_of(self.folder / "image-0.png")
        self.assertEqual((width, height), (64, 64))
        middle, corner = rows[32][32 * depth:32 * depth + 3], rows[4][4 * depth:4 * depth + 3]
        self.assertGreater(middle[0], middle[2] + 60, "red in the middle")
        self.assertGreater(corner[2], corner[0] + 60, "blue in the corner")

    def test_a_page_is_read_and_a_picture_grows(self):
        page = self.up(EXAMPLES / "ocr.yaml")
        read = json.loads(self.file(page, "generate/0/results-0.jsonl").body)
        self.assertIn("Vcity renders frames on idle cards.", read["text"])
        self.assertIn("每张闲置的显卡都有一座城市", read["text"])
        larger = self.up(EXAMPLES / "upscale.yaml")
        made = json.loads(self.file(larger, "generate/0/results-0.jsonl").body)
        self.assertEqual((made["width"], made["height"]), (512, 288))
        self.assertIn("00000.png", " ".join(self.names(larger)))


if __name__ == "__main__":
    unittest.main()
