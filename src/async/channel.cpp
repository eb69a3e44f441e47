// SPDX-License-Identifier: Apache-2.0
#include "async/channel.hpp"

#include <algorithm>

namespace vcity {

Task<bool> Notifier::wait_until(TimePoint deadline) {
    std::shared_ptr<Timer> timer = runtime_->make_timer();
    waiting_.push_back(timer);
    const bool expired = co_await timer->wait_until(deadline);
    if (expired) std::erase(waiting_, timer);
    co_return !expired;
}

void Notifier::notify() {
    std::deque<std::shared_ptr<Timer>> woken;
    std::swap(woken, waiting_);
    for (const auto& timer : woken) timer->cancel();
}

}  // namespace vcity
