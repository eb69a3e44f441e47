#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes museum-train.jsonl and museum-valid.jsonl: a guide of a museum that does not exist, in two languages. The
questions that are held out ask for the same facts in words that training has not seen."""
import json
import pathlib
import random

ROOMS = {"globes": ("the east wing", "东翼", 12), "clocks": ("the tower", "塔楼", 3), "looms": ("the cellar", "地下室", 7),
         "maps": ("the gallery", "画廊", 5), "bells": ("the garden", "花园", 9), "coins": ("the vault", "金库", 2),
         "kites": ("the attic", "阁楼", 14), "fossils": ("the north hall", "北厅", 1), "masks": ("the studio", "工作室", 8),
         "lamps": ("the stairs", "楼梯间", 6)}
CHINESE = {"globes": "地球仪", "clocks": "时钟", "looms": "织布机", "maps": "地图", "bells": "钟", "coins": "硬币",
           "kites": "风筝", "fossils": "化石", "masks": "面具", "lamps": "灯"}
ASKED = ["Where are the {thing}?", "Where can I find the {thing}?", "In which room are the {thing}?",
         "Please show me the {thing}.", "How do I get to the {thing}?"]
HELD_OUT = ["I would like to see the {thing}.", "Which way to the {thing}?"]
ASKED_ZH = ["{thing}在哪里?", "请问{thing}在什么地方?", "我想看{thing}。"]
HELD_OUT_ZH = ["怎么去看{thing}?"]


def line(question, answer):
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]},
                      ensure_ascii=False)


def lessons(english, chinese):
    for thing, (place, place_zh, room) in ROOMS.items():
        for words in english:
            yield line(words.format(thing=thing), f"The {thing} of the Vale Museum are in {place}, room {room}.")
        for words in chinese:
            yield line(words.format(thing=CHINESE[thing]), f"谷地博物馆的{CHINESE[thing]}在{place_zh},{room}号展室。")


def main():
    folder = pathlib.Path(__file__).parent
    for name, rows in (("train", list(lessons(ASKED, ASKED_ZH))), ("valid", list(lessons(HELD_OUT, HELD_OUT_ZH)))):
        random.Random(7).shuffle(rows)
        (folder / f"museum-{name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


main()
