// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/answer_writer.hpp"

namespace vcity::gateway {

Task<void> AnswerWriter::respond(ports::HttpResponse response) {
    const Result<void> written = co_await responder_->respond(std::move(response));
    note(written);
}

Task<void> AnswerWriter::start(ports::HttpResponse head) {
    started_ = true;
    if (copy_ == Copy::kYes) kept_ = head;
    const Result<void> written = co_await responder_->start(std::move(head));
    note(written);
}

Task<void> AnswerWriter::write(std::string chunk) {
    if (chunk.empty()) co_return;
    if (copy_ == Copy::kYes) kept_.body += chunk;
    if (gone_) co_return;
    const Result<void> written = co_await responder_->write(std::move(chunk));
    note(written);
}

Task<void> AnswerWriter::finish() {
    const Result<void> written = co_await responder_->finish();
    note(written);
}

}  // namespace vcity::gateway
