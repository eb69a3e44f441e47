// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>

#include "telemetry/log.hpp"

namespace vcity::adapters {

enum class LogForm : std::uint8_t {
    kAuto,  // text on a terminal, JSON elsewhere
    kJson,  // one object a line: time, level, component, event, then the fields
    kText,  // short, for a person
};

using LogClock = std::chrono::system_clock::time_point (*)();

struct LogOptions {
    LogLevel level = LogLevel::kInfo;
    LogForm form = LogForm::kAuto;
    std::FILE* output = stderr;  // must outlive the sink
    // For each event of each component: that many at once, and then as many a second. What was left out is counted in
    // the field "suppressed" of the next one.
    double burst = 50;
    double per_second = 20;
    LogClock clock = &std::chrono::system_clock::now;
};

// Writes events with spdlog. Values are cut after 2,000 bytes and cannot leave their line: control characters and bytes
// that are not UTF-8 come out escaped. May be called from any thread.
class SpdlogSink final : public LogSink {
  public:
    explicit SpdlogSink(const LogOptions& options);
    ~SpdlogSink() override;
    SpdlogSink(const SpdlogSink&) = delete;
    SpdlogSink& operator=(const SpdlogSink&) = delete;

    void write(LogLevel level, std::string_view component, std::string_view event, const LogFields& fields) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace vcity::adapters
