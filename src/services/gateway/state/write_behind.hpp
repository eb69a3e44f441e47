// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "async/channel.hpp"
#include "async/runtime.hpp"
#include "ports/store.hpp"
#include "telemetry/log.hpp"

namespace vcity::gateway {

// Writes what may be lost in a crash (counters, records of past generations) shortly after the fact and many at a time,
// so that no request waits for a disk. Bounded: when the store cannot keep up, the newest writes are dropped and
// logged.
class WriteBehind {
  public:
    WriteBehind(Runtime* runtime, ports::Store* store, Log log)
        : runtime_{runtime}, store_{store}, log_{std::move(log)}, wake_{runtime} {}

    void put(std::string key, std::string value);
    void erase(std::string key);
    // What get() on the store would give once everything is written.
    Task<Result<std::optional<std::string>>> get(std::string key);

    // Until stop(); what is pending then is written before it returns.
    Task<void> run();
    void stop();

  private:
    using Pending = std::map<std::string, std::optional<std::string>>;

    void add(std::string key, std::optional<std::string> value);
    Task<void> flush();

    Runtime* runtime_;
    ports::Store* store_;
    Log log_;
    Notifier wake_;
    Pending pending_;
    Pending writing_;
    bool stopping_ = false;
};

}  // namespace vcity::gateway
