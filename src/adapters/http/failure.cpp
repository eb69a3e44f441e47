// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/failure.hpp"

namespace vcity::adapters {

ports::HttpResponse openai_failure(const HttpFailure& failure) {
    ports::HttpResponse response;
    response.status = failure.status;
    response.headers.set("Content-Type", "application/json");
    const char* type = failure.status >= 500 ? "internal_error" : "invalid_request_error";
    response.body = std::string{R"({"error":{"message":")"} + failure.message + R"(","type":")" + type +
                    R"(","param":null,"code":")" + failure.code + R"("}})";
    return response;
}

}  // namespace vcity::adapters
