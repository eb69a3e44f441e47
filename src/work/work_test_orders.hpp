// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/work.hpp"

namespace vcity::work {

inline StepGroup a_group(std::string name = "main", std::uint32_t count = 1) {
    StepGroup group;
    group.name = std::move(name);
    group.count = count;
    group.command = {"/bin/echo", "hello"};
    return group;
}

inline StepFile a_file(std::string name, std::uint64_t bytes = 7) {
    StepFile file;
    file.name = std::move(name);
    file.sha256.bytes.fill(5);
    file.bytes = bytes;
    return file;
}

inline WorkOrder an_order(std::vector<StepGroup> groups = {a_group()}) {
    WorkOrder order;
    order.job_id.bytes.fill(7);
    order.client.bytes.fill(8);
    order.cap.cap.client = order.client;
    order.cap.cap.scheduler.bytes.fill(9);
    order.cap.cap.limit = Usd{100'000'000};
    order.spec.name = "a job";
    order.spec.groups = std::move(groups);
    order.budget = Usd{10'000'000};
    order.deadline = UnixMillis{1'000'000};
    return order;
}

}  // namespace vcity::work
