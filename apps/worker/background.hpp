// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace vcity::worker {

// Where work runs that nobody waits for: hashing what was computed while the next step computes.
class Background {
  public:
    virtual ~Background() = default;
    virtual std::size_t lanes() const = 0;  // at least 1
    // Runs it sometime; what is posted to one lane runs one after the other. May wait until the lane has room.
    virtual void post(std::size_t lane, std::function<void()> work) = 0;
    // Returns when everything that was posted to this lane has run.
    virtual void wait(std::size_t lane) = 0;
};

// Runs everything at once, in post().
std::unique_ptr<Background> make_inline_background();
// One thread a lane; at least one. Where the system gives no thread, as a sandbox may, it is the inline one.
std::unique_ptr<Background> make_threaded_background(std::size_t threads);

}  // namespace vcity::worker
