// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>

#include "async/task_group.hpp"
#include "capacity/codec.hpp"
#include "model/messages.hpp"
#include "ports/capacity_prover.hpp"

namespace vcity::node {

// The node's side of a proof of capacity: hands questions to the prover and sends its answers, longer ones in pieces
// that the verifier fetches. One session at a time; a question of another one takes its place.
class CapacityDesk {
  public:
    // prover: nullptr when the node offers none; every question is then refused. Tasks run in the group.
    CapacityDesk(TaskGroup* group, ports::CapacityProver* prover, std::function<void(Message)> post)
        : group_{group}, prover_{prover}, post_{std::move(post)} {}

    void on_question(CapacityQuestion question);
    // Gives the memory of the cards back: nobody can go on with the session.
    void on_link_lost();

  private:
    Task<void> release();
    Task<void> answer(CapacityQuestion question);
    Task<Result<Bytes>> compute(capacity::CapacityMessage message);
    void send_piece(const CapacityQuestion& question);
    void refuse(const CapacityQuestion& question, std::string reason);

    TaskGroup* group_;
    ports::CapacityProver* prover_;
    std::function<void(Message)> post_;
    Hash session_;
    std::size_t running_ = 0;
    std::map<std::uint64_t, Bytes> answers_;  // by question, until fetched to the end
};

}  // namespace vcity::node
