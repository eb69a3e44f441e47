// SPDX-License-Identifier: Apache-2.0
#include "adapters/log_spdlog/log.hpp"

#include <algorithm>
#include <mutex>

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include "adapters/log_spdlog/rate_limit.hpp"
#include "base/check.hpp"
#include "codec/json.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;

constexpr std::size_t kValueBytesMax = 2000;
constexpr std::size_t kFieldsMax = 32;

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return spdlog::level::debug;
        case LogLevel::kInfo: return spdlog::level::info;
        case LogLevel::kWarn: return spdlog::level::warn;
        case LogLevel::kError: return spdlog::level::err;
    }
    unreachable();
}

Json to_json(const LogField& field) {
    const auto* text = std::get_if<std::string>(&field.value);
    if (text == nullptr || text->size() <= kValueBytesMax) {
        return std::visit([](const auto& value) { return Json{value}; }, field.value);
    }
    const std::string_view whole{*text};
    return Json{std::string{whole.substr(0, kValueBytesMax)} + "..."};
}

std::string timestamp(std::chrono::system_clock::time_point time) {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const auto seconds = static_cast<std::time_t>(millis / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, millis % 1000);
}

// Terminals obey DEL and the C1 controls (U+0080 to U+009F), which JSON leaves as they are.
std::string without_controls(const std::string& text) {
    std::string clean;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const auto next = static_cast<unsigned char>(at + 1 < text.size() ? text[at + 1] : '\0');
        if (byte == 0x7f) {
            clean += "\\u007f";
        } else if (byte == 0xc2 && next < 0xa0) {
            clean += fmt::format("\\u00{:02x}", next);
            ++at;
        } else {
            clean += text[at];
        }
    }
    return clean;
}

bool is_plain(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           std::string_view{"_-.:/@+"}.find(letter) != std::string_view::npos;
}

// Words stand as they are; everything else is quoted.
std::string to_text(const Json& value) {
    const std::string* text = value.get_string();
    if (text != nullptr && !text->empty() && std::ranges::all_of(*text, is_plain)) return *text;
    return without_controls(codec::dump_json(value));
}

struct Event {
    LogLevel level;
    std::string_view component;
    std::string_view name;
    const LogFields* fields;
    std::uint64_t suppressed;
};

std::string as_json(const Event& event, std::chrono::system_clock::time_point time) {
    Json line;
    line.set("time", timestamp(time)).set("level", to_string(event.level));
    line.set("component", event.component).set("event", event.name);
    const std::size_t count = std::min(event.fields->size(), kFieldsMax);
    for (std::size_t at = 0; at < count; ++at) {
        const LogField& field = (*event.fields)[at];
        const bool is_taken = line.find(field.name) != nullptr;
        line.set(is_taken ? field.name + "_" : field.name, to_json(field));
    }
    if (event.suppressed > 0) line.set("suppressed", event.suppressed);
    return without_controls(codec::dump_json(line));
}

std::string as_text(const Event& event) {
    std::string line = fmt::format("{:<10} {}", to_text(event.component), to_text(event.name));
    const std::size_t count = std::min(event.fields->size(), kFieldsMax);
    for (std::size_t at = 0; at < count; ++at) {
        const LogField& field = (*event.fields)[at];
        line += fmt::format(" {}={}", to_text(field.name), to_text(to_json(field)));
    }
    if (event.suppressed > 0) line += fmt::format(" suppressed={}", event.suppressed);
    return line;
}

// In color on the terminal of standard error, plain anywhere else.
spdlog::sink_ptr make_sink(std::FILE* output, bool is_terminal) {
    if (is_terminal && output == stderr) return std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
    return std::make_shared<spdlog::sinks::stdout_sink_base<spdlog::details::console_mutex>>(output);
}

}  // namespace

struct SpdlogSink::Impl {
    explicit Impl(const LogOptions& chosen) : options{chosen}, limit{chosen.burst, chosen.per_second} {
        const bool is_terminal = isatty(fileno(options.output)) != 0;
        is_json = options.form == LogForm::kJson || (options.form == LogForm::kAuto && !is_terminal);
        logger = std::make_unique<spdlog::logger>("vcity", make_sink(options.output, is_terminal));
        logger->set_pattern(is_json ? "%v" : "%H:%M:%S.%e %^%-7l%$ %v");
        logger->set_level(spdlog::level::trace);
    }

    LogOptions options;
    bool is_json = false;
    std::unique_ptr<spdlog::logger> logger;
    std::mutex mutex;
    LogRateLimit limit;
};

SpdlogSink::SpdlogSink(const LogOptions& options) : impl_{std::make_unique<Impl>(options)} {}
SpdlogSink::~SpdlogSink() = default;

void SpdlogSink::write(LogLevel level, std::string_view component, std::string_view event, const LogFields& fields) {
    if (level < impl_->options.level) return;
    const auto now = impl_->options.clock();
    std::string name{component};
    name.append(" ").append(event);
    const std::scoped_lock lock{impl_->mutex};
    const auto suppressed = impl_->limit.pass(name, now);
    if (!suppressed) return;
    const Event line{level, component, event, &fields, *suppressed};
    impl_->logger->log(now, spdlog::source_loc{}, to_spdlog(level),
                       impl_->is_json ? as_json(line, now) : as_text(line));
}

}  // namespace vcity::adapters
