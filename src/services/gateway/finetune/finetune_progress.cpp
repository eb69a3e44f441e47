// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_progress.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "codec/json.hpp"

namespace vcity::gateway {
namespace {

using Kind = FinetuneEvent::Kind;

constexpr std::size_t kLineBytesMax = 4096;
constexpr std::size_t kComplaintBytesMax = 500;
constexpr codec::JsonLimits kLineLimits{.bytes_max = kLineBytesMax, .depth_max = 4, .values_max = 64};

std::optional<Kind> kind_of(const codec::Json& line) {
    static constexpr std::array<std::pair<std::string_view, Kind>, 5> kKinds{{{"start", Kind::kStart},
                                                                              {"resumed", Kind::kResumed},
                                                                              {"metrics", Kind::kMetrics},
                                                                              {"checkpoint", Kind::kCheckpoint},
                                                                              {"done", Kind::kDone}}};
    const codec::Json* event = line.find("event");
    if (event == nullptr || event->get_string() == nullptr) return std::nullopt;
    for (const auto& [name, kind] : kKinds) {
        if (name == *event->get_string()) return kind;
    }
    return std::nullopt;
}

std::uint64_t number_of(const codec::Json& line, std::string_view name) {
    const codec::Json* value = line.find(name);
    std::uint64_t number = 0;
    return value != nullptr && value->get_u64(&number) ? number : 0;
}

std::optional<double> loss_of(const codec::Json& line, std::string_view name) {
    const codec::Json* value = line.find(name);
    double number = 0;
    const bool is_loss = value != nullptr && value->get_double(&number) && std::isfinite(number);
    return is_loss ? std::optional{number} : std::nullopt;
}

std::optional<FinetuneEvent> parse_line(std::string_view text) {
    if (text.empty() || text.front() != '{') return std::nullopt;
    const Result<codec::Json> line = codec::parse_json(text, kLineLimits);
    const std::optional<Kind> kind = line ? kind_of(*line) : std::nullopt;
    if (!kind) return std::nullopt;
    FinetuneEvent event;
    event.kind = *kind;
    event.step = number_of(*line, "step");
    event.train_loss = loss_of(*line, "train_loss");
    event.valid_loss = loss_of(*line, "valid_loss");
    event.examples = number_of(*line, "examples");
    event.held_out = number_of(*line, "held_out");
    event.steps = number_of(*line, "steps");
    event.tokens = number_of(*line, "tokens_learned");
    return event;
}

}  // namespace

const FinetuneEvent* FinetuneProgress::metrics_at(std::uint64_t step) const {
    const FinetuneEvent* found = nullptr;
    for (const FinetuneEvent& event : events) {
        if (event.kind == Kind::kMetrics && event.step <= step) found = &event;
    }
    return found;
}

FinetuneProgress parse_finetune_progress(std::string_view output) {
    FinetuneProgress progress;
    while (true) {
        const std::size_t end = output.find('\n');
        if (end == std::string_view::npos) break;
        const std::string_view line = output.substr(0, end);
        output.remove_prefix(end + 1);
        if (const std::optional<FinetuneEvent> event = parse_line(line)) {
            if (progress.events.size() < kFinetuneEventsMax) progress.events.push_back(*event);
        } else if (!line.empty() && codec::is_utf8(line)) {
            const std::string_view cut = line.substr(0, kComplaintBytesMax);
            progress.complaint = cut.substr(0, codec::utf8_complete_prefix(cut));
        }
    }
    return progress;
}

}  // namespace vcity::gateway
