// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.hpp"
#include "codec/json.hpp"

// What GET /v1/jobs/{id} says, for people.
namespace vcity::cli {

// A member's text; empty when it is absent or null.
std::string text_member(const codec::Json& object, std::string_view name);
std::uint64_t number_member(const codec::Json& object, std::string_view name);

bool job_has_ended(const codec::Json& job);
Exit exit_of_job(const codec::Json& job);

// "[######..........] 2/5 done, 1 running, 2 queued; $0.000120 of $0.500000; on 0x1234abcd"
std::string progress_line(const codec::Json& job);
// State, money and reason of the whole, and one row for each step.
Table job_summary(const codec::Json& job);
Table job_steps(const codec::Json& job);
Table job_history(const codec::Json& explanation);

// Which output of which step was read. A step's output is complete once its end was read; an attempt after a failed one
// begins anew.
class OutputCursor {
  public:
    // Names of steps that may have more output, at most max of them, each in its turn.
    std::vector<std::string> due(const codec::Json& job, std::size_t max);
    std::uint64_t offset(const std::string& step) const;
    void advance(const std::string& step, const codec::Json& output);

  private:
    struct Place {
        std::uint64_t attempt = 0;
        std::uint64_t offset = 0;
        bool is_end = false;
    };
    std::map<std::string, Place> places_;
    std::size_t turn_ = 0;
};

}  // namespace vcity::cli
