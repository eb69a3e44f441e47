// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/core.h>
#include <toml++/toml.h>

#include "cli/settings.hpp"

namespace vcity::cli {
namespace {

constexpr std::string_view kOption = "--config";
constexpr std::array<std::string_view, 6> kRoles = {"scheduler", "verifier", "gateway", "indexer", "keeper", "monitor"};

bool reads_files(const std::vector<std::string>& words) {
    bool is_node = false;
    bool is_role = false;
    bool is_run = false;
    for (const std::string& word : words) {
        if (word == "--" || word == "job") break;
        is_node = is_node || word == "node";
        is_role = is_role || std::ranges::find(kRoles, word) != kRoles.end();
        is_run = is_run || word == "run";
    }
    return is_node || (is_role && is_run);
}

// Takes the option out of the words.
Result<std::optional<std::string>> take_file(std::vector<std::string>* words) {
    for (auto word = words->begin(); word != words->end(); ++word) {
        if (*word == "--") break;
        if (word->starts_with("--config=")) {
            std::string file = word->substr(kOption.size() + 1);
            words->erase(word);
            return file;
        }
        if (*word != kOption) continue;
        if (word + 1 == words->end()) return make_error(Errc::kInvalid, "--config needs a file");
        std::string file = *(word + 1);
        words->erase(word, word + 2);
        return file;
    }
    return std::optional<std::string>{};
}

std::optional<std::string> text_of(const toml::node& value) {
    if (const auto text = value.value_exact<std::string>()) return *text;
    if (const auto number = value.value_exact<std::int64_t>()) return std::to_string(*number);
    if (const auto real = value.value_exact<double>()) return fmt::format("{}", *real);
    return std::nullopt;
}

Error wrong(const std::string& path, const toml::node& value, std::string_view key, std::string_view what) {
    return make_error(Errc::kInvalid, fmt::format("{}:{}: {} {}", path, value.source().begin.line, key, what));
}

Result<void> add_words(const std::string& path,
                       std::string_view key,
                       const toml::node& value,
                       std::vector<std::string>* out) {
    const std::string option = "--" + std::string{key};
    if (const auto flag = value.value_exact<bool>()) {
        if (*flag) out->push_back(option);
        return {};
    }
    const toml::array* list = value.as_array();
    if (list == nullptr) {
        const std::optional<std::string> text = text_of(value);
        if (!text) return wrong(path, value, key, "is no text, number, boolean or list");
        out->insert(out->end(), {option, *text});
        return {};
    }
    for (const toml::node& item : *list) {
        const std::optional<std::string> text = text_of(item);
        if (!text) return wrong(path, item, key, "has an item that is no text or number");
        out->insert(out->end(), {option, *text});
    }
    return {};
}

bool is_given(const std::vector<std::string>& words, std::string_view key) {
    const std::string option = "--" + std::string{key};
    return std::ranges::any_of(
        words, [&](const std::string& word) { return word == option || word.starts_with(option + "="); });
}

}  // namespace

Result<std::vector<std::string>> with_config_file(std::vector<std::string> words) {
    if (!reads_files(words)) return words;
    TRY(const std::optional<std::string> path, take_file(&words));
    if (!path) return words;
    TRY(const std::string text, read_file(*path));
    try {
        const toml::table table = toml::parse(text, *path);
        std::vector<std::string> more;
        for (const auto& [key, value] : table) {
            if (is_given(words, key.str())) continue;
            TRY_OK(add_words(*path, key.str(), value, &more));
        }
        words.insert(words.end(), more.begin(), more.end());
    } catch (const toml::parse_error& error) {
        return make_error(Errc::kInvalid,
                          fmt::format("{}:{}: {}", *path, error.source().begin.line, std::string{error.description()}));
    }
    return words;
}

}  // namespace vcity::cli
