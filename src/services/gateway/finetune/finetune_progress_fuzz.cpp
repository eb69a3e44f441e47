// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_progress.hpp"

#include <cmath>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "codec/json.hpp"

// Whatever a node sends as output: bounded events with losses that are numbers, and a complaint that is text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace gateway = vcity::gateway;
    const gateway::FinetuneProgress progress = gateway::parse_finetune_progress(vcity::as_text({data, size}));
    CHECK(progress.events.size() <= gateway::kFinetuneEventsMax);
    for (const gateway::FinetuneEvent& event : progress.events) {
        CHECK(!event.train_loss || std::isfinite(*event.train_loss));
        CHECK(!event.valid_loss || std::isfinite(*event.valid_loss));
    }
    CHECK(progress.complaint.size() <= 500 && vcity::codec::is_utf8(progress.complaint));
    return 0;
}
