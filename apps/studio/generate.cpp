// SPDX-License-Identifier: Apache-2.0
#include "generate.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "files.hpp"

namespace vcity::studio {
namespace {

namespace fs = std::filesystem;
using codec::Json;
using codec::JsonObject;

constexpr std::size_t kPromptsBytesMax = std::size_t{32} << 20U;
constexpr std::size_t kPromptBytesMax = 16U << 10U;
constexpr std::size_t kItemsMax = 50'000;
constexpr std::uint32_t kSharesMax = 4096;

using Task = Result<JsonObject> (*)(const GenerateOptions&, const Item&);

Task task_of(std::string_view name) {
    if (name == "upscale") return make_larger;
    if (name == "ocr") return read_text;
    if (name == "speech") return speak;
    if (name == "image") return make_image;
    return nullptr;
}

Result<Item> read_prompt(const std::string& where, std::string_view line) {
    const Result<Json> json = codec::parse_json(line);
    if (!json) return make_error(Errc::kInvalid, fmt::format("{}: {}", where, json.error().message));
    Item item;
    item.name = where;
    const Json* prompt = json->find("prompt");
    const std::string* text = prompt == nullptr ? nullptr : prompt->get_string();
    if (text == nullptr || text->empty() || text->size() > kPromptBytesMax) {
        return make_error(Errc::kInvalid,
                          fmt::format("{}: prompt: must be a text of 1 to {} bytes", where, kPromptBytesMax));
    }
    item.text = *text;
    if (const Json* voice = json->find("voice"); voice != nullptr) {
        if (voice->get_string() == nullptr) return make_error(Errc::kInvalid, where + ": voice: must be a text");
        item.voice = *voice->get_string();
    }
    if (const Json* seed = json->find("seed"); seed != nullptr) {
        std::uint64_t number = 0;
        if (!seed->get_u64(&number)) return make_error(Errc::kInvalid, where + ": seed: must be a whole number");
        item.seed = number;
    }
    return item;
}

Result<void> read_prompts(const std::string& path, std::vector<Item>* items) {
    TRY(const Bytes bytes, read_file(path, kPromptsBytesMax));
    std::string_view rest = as_text(bytes);
    for (std::uint32_t line = 1; !rest.empty(); ++line) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view text = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        TRY(Item item, read_prompt(fmt::format("{}, line {}", name_of(path), line), text));
        items->push_back(std::move(item));
        if (items->size() > kItemsMax)
            return make_error(Errc::kInvalid, name_of(path) + ": has more than 50000 prompts");
    }
    return {};
}

}  // namespace

Result<std::vector<Item>> read_items(const GenerateOptions& options) {
    std::vector<Item> items;
    if (!options.prompts.empty()) {
        TRY_OK(read_prompts(options.prompts, &items));
    }
    for (const std::string& path : options.inputs) {
        items.push_back({.number = 0, .name = name_of(path), .path = path, .text = {}, .seed = {}, .voice = {}});
    }
    if (items.size() > kItemsMax) return make_error(Errc::kInvalid, "more than 50000 items");
    for (std::size_t at = 0; at < items.size(); ++at) items[at].number = static_cast<std::uint32_t>(at);
    return items;
}

Result<void> generate(const GenerateOptions& options) {
    const Task task = task_of(options.task);
    if (task == nullptr) return make_error(Errc::kInvalid, fmt::format("'{}' is no task", options.task));
    if (options.count == 0 || options.count > kSharesMax || options.index >= options.count) {
        return make_error(Errc::kInvalid, fmt::format("share {} of {}", options.index, options.count));
    }
    TRY(const std::vector<Item> items, read_items(options));
    if (items.empty()) return make_error(Errc::kInvalid, "there is nothing to work on: no prompts and no inputs");
    std::error_code error;
    fs::create_directories(options.out, error);
    const std::size_t first = items.size() * options.index / options.count;
    const std::size_t last = items.size() * (options.index + 1) / options.count;
    say({{"event", "start"}, {"task", options.task}, {"items", last - first}});
    std::string lines;
    std::size_t failed = 0;
    std::string reason;
    for (std::size_t at = first; at < last; ++at) {
        const Item& item = items[at];
        JsonObject line{{"item", item.number}, {"input", item.name}};
        const Result<JsonObject> made = task(options, item);
        if (made) line.insert(line.end(), made->begin(), made->end());
        if (!made) {
            line.emplace_back("error", made.error().message);
            if (failed++ == 0) reason = made.error().message;
        }
        lines += codec::dump_json(Json{line}) + "\n";
        say({{"event", "item"}, {"item", item.number}, {"ok", made.has_value()}, {"of", last - first}});
    }
    TRY_OK(write_file(fmt::format("{}/results-{}.jsonl", options.out, options.index), as_bytes(lines)));
    if (failed != 0 && failed == last - first) return make_error(Errc::kInvalid, reason);
    return {};
}

}  // namespace vcity::studio
