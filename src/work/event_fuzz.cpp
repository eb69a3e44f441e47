// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.hpp"
#include "work/job.hpp"

// What parses is canonical, and a job takes it or refuses it without breaking.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::ByteView input{data, size};
    const auto event = vcity::work::parse_event(input);
    if (!event) return 0;
    CHECK(std::ranges::equal(encode(*event), input));
    const auto job = vcity::work::Job::replay({&*event, 1});
    if (!job) return 0;
    CHECK(job->statuses().size() == job->steps().size());
    CHECK(!line_of(*event, *job).text.empty());
    return 0;
}
