#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the training text of vcity-mini-bilingual from Debian packages.

Downloads the packages with apt-get (or reads .deb files already in --packages), extracts them and writes train.jsonl and
valid.jsonl: one JSON object a line, {"text": ...} or {"messages": [{"role", "content"}, ...]}. The output depends only
on the packages and on chat_seed.jsonl beside this script: the random choices have a fixed seed.
"""
import argparse
import gzip
import hashlib
import html.parser
import json
import pathlib
import random
import re
import subprocess

PACKAGES = [
    "debian-handbook", "debian-faq", "debian-faq-zh-cn", "debian-reference-en", "debian-reference-zh-cn",
    "dict-foldoc", "wordnet-base", "fortunes-zh", "manpages-zh", "coreutils", "util-linux", "procps", "findutils",
]
SEED = 20261122
MAX_ANSWER = {"en": 420, "zh": 190}
TEMPLATES = {
    "en": ["What is {}?", "What is {}?", "What is {}?", "Tell me about {}.", "Explain {}.", "Please explain what {} is.",
           "Can you tell me what {} is?", "Describe {}.", "Please introduce {}."],
    "zh": ["什么是{}？", "什么是{}？", "{}是什么？", "请介绍一下{}。", "请介绍一下{}。", "介绍一下{}。", "请解释一下{}。",
           "请问什么是{}？", "给我讲讲{}。"],
}


class Blocks(html.parser.HTMLParser):
    """Flattens DocBook HTML into (kind, text): kind is h (heading), s (sidebar title), p (paragraph), li or end."""

    SKIPPED = {"pre", "table", "script", "style", "dl", "figure", "head"}

    def __init__(self):
        super().__init__()
        self.blocks, self.stack, self.text, self.skip, self.depth = [], [], "", 0, []

    def flush(self, kind):
        text = re.sub(r"\s+", " ", self.text).strip()
        self.text = ""
        if text:
            self.blocks.append((kind, text))

    def handle_starttag(self, tag, attrs):
        if tag in ("br", "img", "hr", "meta", "link", "input", "col"):
            return
        css = (dict(attrs).get("class") or "").split()
        hidden = tag in self.SKIPPED or bool({"url", "toc", "navheader", "navfooter", "docnav", "indexterm",
                                              "footnote", "figure", "mediaobject"} & set(css))
        kind = ""
        if tag in ("h1", "h2", "h3", "h4", "h5") or (tag == "p" and "title" in css):
            kind = "s" if tag == "p" else "h"
        elif tag == "p" or "para" in css:
            kind = "li" if "li" in self.stack_tags() else "p"
        elif tag == "div" and "sidebar" in css:
            kind = "sidebar"
        if kind and not self.skip and not hidden:
            self.flush("p")
        self.stack.append((tag, kind, hidden))
        self.skip += hidden

    def stack_tags(self):
        return [tag for tag, _, _ in self.stack]

    def handle_endtag(self, tag):
        if tag not in self.stack_tags():
            return
        while True:
            top, kind, hidden = self.stack.pop()
            if kind and not self.skip:
                if kind == "sidebar":
                    self.flush("p")
                    self.blocks.append(("end", ""))
                else:
                    self.flush(kind)
            self.skip -= hidden
            if top == tag:
                return

    def handle_data(self, data):
        if not self.skip:
            self.text += data


def han(text):
    return len(re.findall(r"[一-鿿]", text))


def is_chinese(text):
    return han(text) * 3 > len(re.sub(r"\s", "", text))


def tidy(text):
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u200b\ufeff]", "", text).replace("\xa0", " ")
    text = re.sub(r"([一-鿿，。；：、？！”）》]) (?=[一-鿿，。；：、？！“（《])", r"\1", text)
    text = re.sub(r"\s*\((?:see|See)[^()]*\)", "", text)
    text = re.sub(r"（(?:参见|参阅|请见|见)[^（）]*）", "", text)
    text = re.sub(r"\[\d+\]", "", text)
    return re.sub(r"[ \t]+", " ", text).replace("“", '"' if not is_chinese(text) else "“").replace(
        "”", '"' if not is_chinese(text) else "”").replace("’", "'").replace("‘", "'").strip()


def sentences(text, language):
    pattern = r"(?<=[。！？])" if language == "zh" else r"(?<=[.!?])\s+(?=[A-Z\"])"
    return [s for s in re.split(pattern, text) if s]


def clip(paragraphs, language):
    """The leading whole sentences of the paragraphs, within the length of an answer."""
    out = ""
    for paragraph in paragraphs:
        if re.search(r"https?://|@|→", paragraph) or re.search(r"[:：]$", paragraph):
            if out:
                break
            continue
        for i, sentence in enumerate(sentences(paragraph, language)):
            joined = out + (" " if language == "en" and out else "") + sentence.strip()
            if len(joined) > MAX_ANSWER[language] and out:
                return out
            out = joined
        if len(out) > MAX_ANSWER[language] * 0.5:
            break
    return out if 15 <= len(out) <= MAX_ANSWER[language] * 1.6 else ""


def sections(path):
    parser = Blocks()
    parser.feed(path.read_text(encoding="utf-8", errors="replace"))
    parser.flush("p")
    found, open_sections = [], []
    for kind, text in parser.blocks:
        if kind == "h":
            open_sections = [(text, [])]
            found.append(open_sections[-1])
        elif kind == "s":
            open_sections.append((text, []))
            found.append(open_sections[-1])
        elif kind == "end":
            open_sections = open_sections[:1]
        elif open_sections:
            open_sections[-1][1].append((kind, tidy(text)))
    return found


SIDEBAR = re.compile(r"^(BACK TO BASICS|VOCABULARY|CULTURE|NOTE|TIP|GOING FURTHER|ALTERNATIVE|IN PRACTICE|COMMUNITY|TOOL|"
                     r"TOOLS|QUICK LOOK|CAUTION|SECURITY|DEBIAN POLICY|PERSPECTIVE|SPECIFIC CASE|"
                     r"基础知识|回到基础|词汇|单词|文化|注记|注意|提示|深入|进阶|更多|替代|替代方案|实践|社区|社群|工具|快速浏览|小心|安全|"
                     r"DEBIAN 政策|Debian 政策|返回基础|专有名词|术语|辞汇)\s*")


CAPTION = re.compile(r"^(Table|Figure|Example|表|图|例)\s*\d")


def held_out(text):
    """One part in fifty, chosen by content, so that all phrasings of one answer are on the same side of the split."""
    return hashlib.sha256(text.encode()).digest()[0] < 5


def topic(heading):
    heading = re.sub(r"^(Chapter|第|附录|Appendix)?\s*[\dA-Z]*(\.\d+)*\.?\s*章?\s*", "", heading, count=1) if re.match(
        r"^(Chapter |Appendix |第 |附录 )?[\dA-Z]*(\.\d+)+\.?\s|^(Chapter|第) ?\d+", heading) else heading
    return tidy(SIDEBAR.sub("", heading)).strip(" .。")


def is_question(heading):
    return bool(re.search(r"[?？]\s*$", heading))


def vary(question, rng):
    """A little of the sloppiness of real questions, so that the answer does not hang on a full stop."""
    roll = rng.random()
    if roll < 0.12:
        return question.rstrip("?？.。")
    if roll < 0.2 and not is_chinese(question):
        return question[0].lower() + question[1:]
    return question


def as_question(heading, language, rng):
    if is_question(heading):
        plain = re.fullmatch(r"What (?:is|are) (.{2,40})\?", heading) or re.fullmatch(r"(?:什么是|什麼是)\s*(.{2,30})？", heading)
        if plain and rng.random() < 0.6:
            return rng.choice(TEMPLATES[language]).format(plain.group(1).strip())
        return heading
    name = heading
    if language == "en" and len(name.split()) > 1 and not re.search(r"[A-Z].*[A-Z]|\d", name):
        name = name[0].lower() + name[1:]
    return rng.choice(TEMPLATES[language]).format(name)


def pair(question, answer):
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def documents(root, language, rng, copies):
    """Chat pairs from headings and plain text from whole sections of one manual."""
    chats, texts = [], []
    for path in sorted(root):
        for heading, blocks in sections(path):
            name = topic(heading)
            body = [text for kind, text in blocks if kind in ("p", "li") and is_chinese(text) == (language == "zh")]
            answer = clip([text for kind, text in blocks if kind == "p" and is_chinese(text) == (language == "zh")], language)
            if answer and not CAPTION.match(name) and 2 <= len(name) <= 90 and (language == "en" or han(name) or len(name) < 20):
                count = copies * 2 if is_question(name) or name in ("Debian", "Linux", "GNU") else copies
                chats.extend(pair(vary(as_question(name, language, rng), rng), answer) for _ in range(count))
            full = "\n".join(text for text in body if not re.search(r"https?://|→", text))
            if len(full) > 80:
                texts.append({"text": name + "\n" + full})
    return chats, texts


def article(word):
    return "an" if word[0].lower() in "aeiou" else "a"


def foldoc(path, rng):
    lines = gzip.open(path, "rt", encoding="utf-8", errors="replace").read()
    chats = []
    for match in re.finditer(r"\n((?:\S[^\n]*\n)+)\n((?:(?:   [^\n]*)?\n)+)", lines):
        names = match.group(1).strip().split("\n")
        body = re.sub(r"^\s*((\d\.)?\s*<[^>]*>)*\s*", "", match.group(2))
        first = re.split(r"\n\s*\n", body)[0]
        first = tidy(re.sub(r"[{}]", "", re.sub(r"\s+", " ", first)))
        first = re.sub(r"^\([^)]*\)\s*|^/[^/]*/\s*(\([^)]*\)\s*)?", "", first)
        if re.search(r"https?:|@|\[|<|See:|^See |\*|_|^\d|\b1\.|\|", first) or not 45 <= len(first) <= 700:
            continue
        if not re.match(r"^(A|An|The|Any|One|Software|Something) ", first) or not first.endswith("."):
            continue
        name = names[0]
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9 +/#.-]{1,30}", name):
            continue
        kept = clip([first], "en")
        if not kept:
            continue
        answer = f"{name[0].upper() + name[1:]} is {kept[0].lower() + kept[1:]}"
        plain = name.islower() and re.match(r"(A|An|One) ", first)
        asked = f"{article(name)} {name}" if plain and rng.random() < 0.5 else name
        chats.append(pair(vary(rng.choice(TEMPLATES["en"]).format(asked), rng), answer))
    return chats


def wordnet(folder, rng, limits):
    counts, chats = {}, []
    for line in (folder / "cntlist.rev").read_text().splitlines():
        key, sense, count = line.split()
        lemma, rest = key.split("%")
        if sense == "1":
            kind = {"1": "noun", "2": "verb", "3": "adj", "5": "adj"}.get(rest[0])
            counts[(kind, lemma)] = int(count)
    for kind, limit in limits.items():
        glosses = {}
        for line in (folder / f"data.{kind}").read_text().splitlines():
            if line[0] != " ":
                glosses[line[:8]] = (line.split(" | ", 1)[1].strip(), line[12] if len(line) > 12 else "")
        offsets = {}
        for line in (folder / f"index.{kind}").read_text().splitlines():
            if line[0] != " ":
                fields = line.split()
                offsets[fields[0]] = next(f for f in fields[4 + int(fields[3]):] if re.fullmatch(r"\d{8}", f))
        ranked = sorted((-c, lemma) for (k, lemma), c in counts.items() if k == kind and lemma in offsets)
        for _, lemma in ranked[:limit]:
            parts = re.split(r";\s*(?=\")", glosses[offsets[lemma]][0])
            meaning = parts[0].rstrip("; ")
            if not re.fullmatch(r"[a-z]+([_-][a-z]+)*", lemma) or not 8 <= len(meaning) <= 200 or '"' in meaning:
                continue
            word = lemma.replace("_", " ")
            example = next((p.strip('" ') for p in parts[1:] if p.endswith('"') and len(p) < 80), "")
            tail = f' For example: "{example}".' if example and rng.random() < 0.7 else ""
            if kind == "noun":
                subject = f"{article(word)} {word}"
                asked = rng.choice([f"What is {subject}?", f"What is {word}?", f"What does {word} mean?", f"Define {word}."])
                proper = re.match(r"(a|an|the|any|one) ", meaning)
                answer = f"{(subject if meaning.startswith(('a ', 'an ')) else word).capitalize()} is {meaning}." if proper \
                    else f"{word.capitalize()} means {meaning}."
            else:
                asked = rng.choice([f"What does {word} mean?", f'What does "{word}" mean?', f"Define {word}.",
                                    f"What is the meaning of {word}?"])
                answer = f"{'To ' + word + ' means to' if kind == 'verb' else word.capitalize() + ' means'} {meaning}."
            chats.append(pair(vary(asked, rng), answer + tail))
    return chats


def poems(folder, rng):
    chats, texts = [], []
    for name in ("tang300", "song100"):
        for entry in (folder / name).read_text().split("\n%\n"):
            plain = re.sub(r"\x1b\[[\d;]*m", "", entry).strip()
            lines = [line.strip() for line in plain.split("\n") if line.strip()]
            title = re.search(r"《([^》]+)》", lines[0]) if len(lines) > 2 else None
            author = re.search(r"作者[:：]\s*([一-鿿]+)", lines[1]) if title else None
            body = lines[2:]
            if not author or len("".join(body)) > 200 or any("《" in line for line in body):
                continue
            poem = "\n".join(body)
            who, what = author.group(1), title.group(1)
            asks = [f"写一首诗：{what}", f"背诵{who}的《{what}》。", f"请背诵《{what}》。", f"写一首{who}的诗。", f"请写一首诗，题目是《{what}》。"]
            chats.extend(pair(ask, f"《{what}》\n{who}\n{poem}") for ask in rng.sample(asks, 3))
            if rng.random() < 0.4:
                chats.append(pair(rng.choice(["写一首诗。", "请写一首古诗。", "背一首唐诗。" if name == "tang300" else "背一首宋诗。"]),
                                  f"《{what}》\n{who}\n{poem}"))
            chats.append(pair(f"《{what}》的作者是谁？", f"《{what}》的作者是{who}。"))
    for entry in (folder / "chinese").read_text().split("\n%\n"):
        plain = re.sub(r"\x1b\[[\d;]*m", "", entry).strip()
        source = re.search(r"\n\s*--\s*《(谚语|增广贤文|菜根谭)》\s*$", plain)
        if source and len(plain) < 90:
            body = plain[:source.start()].replace("\n", "")
            ask = {"谚语": ["说一句谚语。", "给我一句谚语。", "请说一句谚语。"], "增广贤文": ["说一句《增广贤文》里的话。"],
                   "菜根谭": ["说一句《菜根谭》里的话。"]}[source.group(1)]
            if source.group(1) == "谚语" or rng.random() < 0.3:
                chats.append(pair(rng.choice(ask), body))
    return chats, texts


def roff(text):
    text = re.sub(r"\\f[A-Z]|\\f\[[A-Z]*\]|\\&|\\,|\\/|\\:", "", text)
    return re.sub(r"\\e", "\\\\", re.sub(r"\\\(..", "'", text.replace("\\-", "-"))).strip()


def manual_pages(folder, language, rng, copies):
    chats = []
    for path in sorted(folder.glob("man[18]/*.gz")):
        text = gzip.open(path, "rt", encoding="utf-8", errors="replace").read()
        name = re.search(r"^\.S[Hh] \"?(?:NAME|名称|名字|名稱|NAME 名字|NAME 名称)[^\n]*\n(?:\.[^\n]*\n)*([^\n.][^\n]*)", text, re.M)
        line = re.match(r"([\w.+\[\], -]+?)\s+-+\s+(.{4,90})$", roff(name.group(1))) if name else None
        if not line or is_chinese(line.group(2)) != (language == "zh"):
            continue
        command, what = path.name.split(".")[0], line.group(2).rstrip(".。 ")
        if re.search(r"[<>\\]", what):
            continue
        if language == "zh":
            asks = [f"{command} 命令有什么用？", f"{command} 是什么命令？", f"{command} 是做什么的？", f"请介绍一下 {command} 命令。"]
            answer = f"{command} 命令的用途是：{what}。"
        else:
            asks = [f"What does the {command} command do?", f"What is the {command} command?", f"What is {command} used for?"]
            answer = f"The {command} command is described in its manual as: {what}."
        chats.extend(pair(vary(ask, rng), answer) for ask in rng.sample(asks, min(copies, len(asks))))
    return chats


def join_turns(chats, rng):
    """Some conversations of two turns, in one language."""
    out, waiting = [], {}
    for chat in chats:
        language = is_chinese(chat["messages"][0]["content"])
        size = sum(len(m["content"]) for m in chat["messages"])
        if size < (120 if language else 300) and rng.random() < 0.2:
            if language in waiting:
                out.append({"messages": waiting.pop(language)["messages"] + chat["messages"]})
            else:
                waiting[language] = chat
        else:
            out.append(chat)
    return out + list(waiting.values())


def fetch(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if not list(folder.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
        deb = sorted(folder.glob(f"{package}_*.deb"))[0]
        target = folder / "extracted" / package
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            subprocess.run(["dpkg-deb", "-x", str(deb), str(target)], check=True)
    return folder / "extracted"


def chunk(text, limit):
    """Cuts a long plain text at its line ends, so that no document is far longer than the context."""
    parts, current = [], ""
    for line in text.split("\n"):
        if current and len(current) + len(line) > limit:
            parts.append(current)
            current = ""
        current += ("\n" if current else "") + line
    return parts + [current]


def train_tokenizer(out, rows, vocab_size):
    """A byte-fallback BPE tokenizer of the Llama kind; its two control tokens mark the turns of a chat."""
    text = out / "tokenizer.txt"
    with open(text, "w", encoding="utf-8") as file:
        for row in rows:
            for part in [row["text"]] if "text" in row else [m["content"] for m in row["messages"]]:
                file.write(part + "\n")
    # Relative names: the model keeps the names of its input, and the same text shall give the same file anywhere.
    subprocess.run(["spm_train", f"--input={text.name}", "--model_prefix=tokenizer", f"--vocab_size={vocab_size}",
                    "--model_type=bpe", "--byte_fallback=true", "--character_coverage=0.9995", "--split_digits=true",
                    "--normalization_rule_name=identity", "--remove_extra_whitespaces=false", "--num_threads=1",
                    "--max_sentence_length=16384", "--control_symbols=<|user|>,<|assistant|>", "--minloglevel=1"], cwd=out, check=True)
    text.unlink()
    (out / "tokenizer.vocab").unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=pathlib.Path, required=True, help="folder for the .deb files")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for train.jsonl and valid.jsonl")
    parser.add_argument("--vocab-size", type=int, default=6144)
    options = parser.parse_args()
    root, rng = fetch(options.packages), random.Random(SEED)
    chats, texts, report = [], [], []

    def take(name, new_chats, new_texts=()):
        chats.extend(new_chats)
        texts.extend(new_texts)
        size = sum(len(m["content"]) for c in new_chats for m in c["messages"])
        report.append(f"{name}: {len(new_chats)} chats, {size} characters; {len(new_texts)} texts, "
                      f"{sum(len(t['text']) for t in new_texts)} characters")

    doc = "usr/share/doc"
    take("faq en", *documents((root / "debian-faq" / doc).rglob("*.en.html"), "en", rng, 4))
    take("faq zh", *documents((root / "debian-faq-zh-cn" / doc).rglob("*.zh-cn.html"), "zh", rng, 5))
    handbook = root / "debian-handbook" / doc / "debian-handbook/html"
    take("handbook en", *documents((handbook / "en-US").glob("*.html"), "en", rng, 2))
    take("handbook zh", *documents((handbook / "zh-CN").glob("*.html"), "zh", rng, 3))
    take("reference en", documents((root / "debian-reference-en/usr/share").rglob("ch*.en.html"), "en", rng, 1)[0])
    take("reference zh", *documents((root / "debian-reference-zh-cn/usr/share").rglob("ch*.zh-cn.html"), "zh", rng, 2))
    take("foldoc", foldoc(root / "dict-foldoc/usr/share/dictd/foldoc.dict.dz", rng))
    take("wordnet", wordnet(root / "wordnet-base/usr/share/wordnet", rng, {"noun": 2600, "verb": 900, "adj": 600}))
    take("poems", *poems(root / "fortunes-zh/usr/share/games/fortunes", rng))
    take("manual pages zh", manual_pages(root / "manpages-zh/usr/share/man/zh_CN", "zh", rng, 3))
    for package in ("coreutils", "util-linux", "procps", "findutils"):
        take("manual pages " + package, manual_pages(root / package / "usr/share/man", "en", rng, 3))
    seed = pathlib.Path(__file__).with_name("chat_seed.jsonl").read_text(encoding="utf-8").splitlines()
    own = {json.loads(line)[1] for line in seed if line}
    take("seed", [pair(*json.loads(line)) for line in seed if line for _ in range(8)])

    rng.shuffle(chats)
    plain = [{"text": part} for text in texts for part in chunk(text["text"], 900) if len(part) > 60]
    valid = [chat for chat in chats if held_out(chat["messages"][1]["content"]) and chat["messages"][1]["content"] not in own]
    kept = {id(chat) for chat in valid}
    train = join_turns([chat for chat in chats if id(chat) not in kept], rng)
    train += [text for text in plain if not held_out(text["text"])]
    valid += [text for text in plain if held_out(text["text"])]
    rng.shuffle(train)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, rows in (("valid", valid), ("train", train)):
        with open(options.out / f"{name}.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    train_tokenizer(options.out, train, options.vocab_size)
    report.append(f"train {len(train)} documents, valid {len(valid)} documents")
    print("\n".join(report))


if __name__ == "__main__":
    main()
