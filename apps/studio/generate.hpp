// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"

namespace vcity::studio {

struct GenerateOptions {
    std::string task;                 // upscale, ocr, speech or image
    std::string model;                // empty: the task's usual one
    std::string prompts;              // path of JSON lines with "prompt"
    std::vector<std::string> inputs;  // paths
    std::string out = "out";          // folder
    std::uint32_t index = 0;          // of `count` equal shares of the items, this one
    std::uint32_t count = 1;
    std::uint32_t scale = 0;     // upscale: 2, 3, 4 or 8; image: likewise or 1; 0: 2, for an image 1
    std::string language;        // ocr: "eng+chi_sim"; speech: "en", "cmn"; empty: see docs/generate.md
    std::uint32_t rate = 170;    // speech: words a minute
    std::uint32_t pitch = 50;    // speech: 0 to 99
    std::string format = "wav";  // speech: wav, mp3, opus, aac or flac
    std::uint64_t seed = 1;      // image: of the first item's noise, the next have the next ones
    std::uint32_t steps = 20;    // image: of the sampler
    double guidance = 3;         // image: strength of the prompt
    std::string device = "cpu";  // image: cpu or cuda
    std::string models;          // folder of networks
    std::string worker;          // vcity-worker, which makes images; empty: there is none
    std::string tesseract = "/usr/bin/tesseract";
    std::string espeak = "/usr/bin/espeak-ng";
    std::string ffmpeg = "/usr/bin/ffmpeg";
};

// One thing to work on, numbered over all shares.
struct Item {
    std::uint32_t number = 0;
    std::string name;  // of the file, or prompts.jsonl:LINE
    std::string path;  // empty: `text` is the item
    std::string text;
    std::optional<std::uint64_t> seed = {};  // of a prompt; none: by the option's
    std::string voice;                       // of a prompt; empty: the option's; "+f3": that variant of it
};

// All items of an order: prompts first, then inputs. kInvalid: prompts.jsonl, its line and field.
Result<std::vector<Item>> read_items(const GenerateOptions& options);

// What a task makes of an item: a file in the folder with a name that begins with the item's number, and what is said
// of it in results.jsonl.
Result<codec::JsonObject> make_larger(const GenerateOptions& options, const Item& item);
Result<codec::JsonObject> read_text(const GenerateOptions& options, const Item& item);
Result<codec::JsonObject> make_image(const GenerateOptions& options, const Item& item);
Result<codec::JsonObject> speak(const GenerateOptions& options, const Item& item);

// Works on this share and writes OUT/results-INDEX.jsonl, a line an item: item, input, and either what was made or
// "error". kInvalid: the options are wrong, or nothing of the share could be made; the message has the first reason.
Result<void> generate(const GenerateOptions& options);

}  // namespace vcity::studio
