// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vcity {

// Levels by who must act. error: an operator must act, and a scenario test fails; warn: an operator should look; info:
// rare and bounded, nobody outside can cause a flood of it; debug: off by default.
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

std::string_view to_string(LogLevel level);

struct LogField {
    std::string name;
    std::variant<std::string, std::int64_t, std::uint64_t, double, bool> value;

    LogField(std::string field, std::string text) : name{std::move(field)}, value{std::move(text)} {}
    LogField(std::string field, std::string_view text) : name{std::move(field)}, value{std::string{text}} {}
    LogField(std::string field, const char* text) : name{std::move(field)}, value{std::string{text}} {}
    LogField(std::string field, bool flag) : name{std::move(field)}, value{flag} {}
    LogField(std::string field, double number) : name{std::move(field)}, value{number} {}
    template <std::signed_integral T>
    LogField(std::string field, T number) : name{std::move(field)}, value{static_cast<std::int64_t>(number)} {}
    template <std::unsigned_integral T>
    LogField(std::string field, T number) : name{std::move(field)}, value{static_cast<std::uint64_t>(number)} {}
};
using LogFields = std::vector<LogField>;

// Where events go. Events have a name in snake_case and fields, no prose; never a secret, a prompt or an output.
class LogSink {
  public:
    virtual ~LogSink() = default;
    virtual void write(LogLevel level, std::string_view component, std::string_view event, const LogFields& fields) = 0;
};

// A component's voice. Cheap to copy; the sink must outlive it.
class Log {
  public:
    Log(LogSink* sink, std::string component) : sink_{sink}, component_{std::move(component)} {}

    void debug(std::string_view event, const LogFields& fields = {}) const { write(LogLevel::kDebug, event, fields); }
    void info(std::string_view event, const LogFields& fields = {}) const { write(LogLevel::kInfo, event, fields); }
    void warn(std::string_view event, const LogFields& fields = {}) const { write(LogLevel::kWarn, event, fields); }
    void error(std::string_view event, const LogFields& fields = {}) const { write(LogLevel::kError, event, fields); }
    Log named(std::string component) const { return Log{sink_, std::move(component)}; }

  private:
    void write(LogLevel level, std::string_view event, const LogFields& fields) const {
        if (sink_ != nullptr) sink_->write(level, component_, event, fields);
    }

    LogSink* sink_;
    std::string component_;
};

}  // namespace vcity
