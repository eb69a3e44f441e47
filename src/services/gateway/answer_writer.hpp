// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "ports/http.hpp"

namespace vcity::gateway {

// The client's side of one generation: keeps to the responder's order of calls, remembers that the client has gone, and
// keeps a copy of the answer when a stream may have to be given again.
class AnswerWriter {
  public:
    enum class Copy : bool { kNo, kYes };

    explicit AnswerWriter(ports::HttpResponder* responder) : responder_{responder} {}
    AnswerWriter(const AnswerWriter&) = delete;
    AnswerWriter& operator=(const AnswerWriter&) = delete;

    void set_copy(Copy copy) { copy_ = copy; }
    Task<void> respond(ports::HttpResponse response);
    Task<void> start(ports::HttpResponse head);
    Task<void> write(std::string chunk);
    Task<void> finish();

    bool has_started() const { return started_; }
    bool client_has_gone() const { return gone_ || !responder_->is_connected(); }
    // What was streamed so far; empty without Copy::kYes.
    const ports::HttpResponse& copy() const { return kept_; }

  private:
    void note(const Result<void>& written) { gone_ = gone_ || !written; }

    ports::HttpResponder* responder_;
    Copy copy_ = Copy::kNo;
    bool started_ = false;
    bool gone_ = false;
    ports::HttpResponse kept_;
};

}  // namespace vcity::gateway
