// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/state/room.hpp"

namespace vcity::gateway {

Room::Room(Runtime* runtime, std::size_t seats, std::size_t line_max, Duration patience)
    : runtime_{runtime}, seats_{seats}, line_max_{line_max}, patience_{patience} {}

Task<std::optional<Room::Seat>> Room::enter() {
    if (taken_ < seats_ && line_.empty()) {
        ++taken_;
        co_return Seat{this};
    }
    if (line_.size() >= line_max_) co_return std::nullopt;
    auto place = std::make_shared<Place>();
    place->timer = runtime_->make_timer();
    line_.push_back(place);
    const TimePoint deadline = runtime_->now() + patience_;
    (void)co_await place->timer->wait_until(deadline);
    if (place->is_given) co_return Seat{this};
    std::erase(line_, place);
    co_return std::nullopt;
}

// The seat goes to whoever has waited longest, without being free in between.
void Room::leave() {
    if (line_.empty()) {
        --taken_;
        return;
    }
    const std::shared_ptr<Place> next = line_.front();
    line_.pop_front();
    next->is_given = true;
    next->timer->cancel();
}

}  // namespace vcity::gateway
