// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "async/runtime.hpp"

namespace vcity::gateway {

// Bounds how many requests run at a time. Who finds no room waits for it a moment, first come first served: a burst is
// served instead of refused, and clients that come again at once, without minding Retry-After, are slowed down to a few
// attempts a second each, so that refusing them does not take the time of those who are served.
class Room {
  public:
    // A place in the room, given back when it goes. Not to outlive the room.
    class Seat {
      public:
        explicit Seat(Room* room) : room_{room} {}
        Seat(Seat&& other) noexcept : room_{std::exchange(other.room_, nullptr)} {}
        Seat& operator=(Seat&& other) noexcept {
            std::swap(room_, other.room_);
            return *this;
        }
        Seat(const Seat&) = delete;
        Seat& operator=(const Seat&) = delete;
        ~Seat() {
            if (room_ != nullptr) room_->leave();
        }

      private:
        Room* room_;
    };

    // `patience`: how long one waits; `line_max`: how many may wait, further ones are refused at once.
    Room(Runtime* runtime, std::size_t seats, std::size_t line_max, Duration patience);

    Task<std::optional<Seat>> enter();  // none when there was no room in time

    std::size_t taken() const { return taken_; }
    std::size_t waiting() const { return line_.size(); }

  private:
    struct Place {
        std::unique_ptr<Timer> timer;
        bool is_given = false;  // a seat, by whoever left it
    };

    void leave();

    Runtime* runtime_;
    std::size_t seats_;
    std::size_t line_max_;
    Duration patience_;
    std::size_t taken_ = 0;  // those given to the line included
    std::deque<std::shared_ptr<Place>> line_;
};

}  // namespace vcity::gateway
