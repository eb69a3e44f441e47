// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <fmt/core.h>
#include <unistd.h>

#include "base/check.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::size_t kBarCells = 24;

// Columns a terminal gives to the text: Chinese characters and other wide ones take two.
std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t index = 0; index < text.size(); ++index) {
        const auto byte = static_cast<unsigned char>(text[index]);
        if ((byte & 0xC0U) == 0x80U) continue;
        const bool is_wide = byte >= 0xE3U && byte <= 0xEDU;
        width += is_wide ? 2 : 1;
    }
    return width;
}

std::string snake_case(std::string_view title) {
    std::string name;
    for (const char character : title) {
        const auto byte = static_cast<unsigned char>(character);
        if (std::isalnum(byte) != 0) {
            name.push_back(static_cast<char>(std::tolower(byte)));
        } else if (!name.empty() && name.back() != '_') {
            name.push_back('_');
        }
    }
    while (!name.empty() && name.back() == '_') name.pop_back();
    return name;
}

std::string text_of(const Json& value) {
    const std::string* text = value.get_string();
    return text != nullptr ? *text : codec::dump_json(value);
}

bool is_dumb_terminal() {
    const char* terminal = std::getenv("TERM");
    return terminal != nullptr && std::string_view{terminal} == "dumb";
}

}  // namespace

Exit exit_of(Errc code) {
    switch (code) {
        case Errc::kInvalid: return Exit::kUsage;
        case Errc::kNotFound: return Exit::kNotFound;
        case Errc::kConflict: return Exit::kConflict;
        case Errc::kDenied: return Exit::kDenied;
        case Errc::kExhausted: return Exit::kNoCapacity;
        case Errc::kUnavailable: return Exit::kGeneral;
        case Errc::kTimeout: return Exit::kTimeout;
        case Errc::kCorrupt: return Exit::kVerification;
        case Errc::kInternal: return Exit::kGeneral;
    }
    unreachable();
}

Exit exit_of(const Error& error) {
    return error.message.starts_with(kPaymentNeeded) ? Exit::kPayment : exit_of(error.code);
}

std::string render_table(const Table& table) {
    std::vector<std::size_t> widths;
    for (const std::string& title : table.titles) widths.push_back(display_width(title));
    for (const auto& row : table.rows) {
        for (std::size_t column = 0; column < row.size() && column < widths.size(); ++column) {
            widths[column] = std::max(widths[column], display_width(row[column]));
        }
    }
    std::string text;
    const auto add_row = [&](const std::vector<std::string>& row) {
        std::string line;
        for (std::size_t column = 0; column < row.size() && column < widths.size(); ++column) {
            line += row[column];
            line.append(widths[column] - std::min(widths[column], display_width(row[column])) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    };
    const bool has_titles = std::ranges::any_of(table.titles, [](const auto& title) { return !title.empty(); });
    if (has_titles) add_row(table.titles);
    for (const auto& row : table.rows) add_row(row);
    return text;
}

Json to_json(const Table& table) {
    codec::JsonArray rows;
    for (const auto& row : table.rows) {
        Json object{codec::JsonObject{}};
        for (std::size_t column = 0; column < row.size() && column < table.titles.size(); ++column) {
            object.set(snake_case(table.titles[column]), row[column]);
        }
        rows.push_back(std::move(object));
    }
    return Json{std::move(rows)};
}

bool Output::is_json() const {
    return format_ == Format::kJson || (format_ == Format::kAuto && isatty(STDOUT_FILENO) == 0);
}

bool Output::is_interactive() const {
    return !is_json() && isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr && !is_dumb_terminal();
}

void Output::print(const Table& table) const {
    print_text(is_json() ? codec::dump_json_pretty(to_json(table)) + "\n" : render_table(table));
}

void Output::print(const Json& record) const {
    const codec::JsonObject* members = record.get_object();
    if (is_json() || members == nullptr) {
        print_text(codec::dump_json_pretty(record) + "\n");
        return;
    }
    Table table{.titles = {"", ""}, .rows = {}};
    for (const auto& [name, value] : *members) table.rows.push_back({name, text_of(value)});
    print_text(render_table(table));
}

void Output::print_text(std::string_view text) const {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void Output::print_error(const Error& error) const {
    if (!is_json()) {
        fmt::print(stderr, "vcity: {}\n", error.message);
        return;
    }
    Json body{codec::JsonObject{}};
    body.set("code", std::string{to_string(error.code)});
    body.set("message", error.message);
    fmt::print(stderr, "{}\n", codec::dump_json(Json{codec::JsonObject{{"error", std::move(body)}}}));
}

void Output::note(std::string_view text) const {
    fmt::print(stderr, "{}\n", text);
}

Progress::Progress(std::string label, std::size_t steps)
    : label_{std::move(label)},
      steps_{std::max<std::size_t>(steps, 1)},
      visible_{isatty(STDERR_FILENO) != 0 && !is_dumb_terminal()} {}

void Progress::step(std::string_view what) {
    done_ = std::min(done_ + 1, steps_);
    if (!visible_) {
        fmt::print(stderr, "{} {}/{}: {}\n", label_, done_, steps_, what);
        return;
    }
    const std::size_t full = done_ * kBarCells / steps_;
    fmt::print(stderr, "\r\033[K{} [{}{}] {}/{} {}", label_, std::string(full, '#'), std::string(kBarCells - full, '.'),
               done_, steps_, what);
    std::fflush(stderr);
}

Progress::~Progress() {
    if (visible_ && done_ > 0) fmt::print(stderr, "\r\033[K");
}

}  // namespace vcity::cli
