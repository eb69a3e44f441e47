// SPDX-License-Identifier: Apache-2.0
#include "services/common/http_text.hpp"

namespace vcity::services {
namespace {

int digit_of(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

}  // namespace

std::string_view path_of(std::string_view target) {
    return target.substr(0, target.find('?'));
}

std::string_view query_of(std::string_view target, std::string_view name) {
    const std::size_t question = target.find('?');
    std::string_view rest = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    while (!rest.empty()) {
        const std::size_t end = rest.find('&');
        const std::string_view pair = rest.substr(0, end);
        const std::size_t equals = pair.find('=');
        if (pair.substr(0, equals) == name && equals != std::string_view::npos) return pair.substr(equals + 1);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    return {};
}

std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t index = 0; index < text.size(); ++index) {
        const bool is_escape = text[index] == '%' && index + 2 < text.size() && digit_of(text[index + 1]) >= 0 &&
                               digit_of(text[index + 2]) >= 0;
        if (is_escape) {
            decoded.push_back(static_cast<char>(digit_of(text[index + 1]) * 16 + digit_of(text[index + 2])));
            index += 2;
        } else {
            decoded.push_back(text[index]);
        }
    }
    return decoded;
}

std::string_view host_of(std::string_view remote) {
    if (remote.starts_with('[')) return remote.substr(1, remote.find(']') - 1);
    const std::size_t colon = remote.find(':');
    // More than one colon and no brackets: an IPv6 address without a port.
    if (colon == std::string_view::npos || remote.find(':', colon + 1) != std::string_view::npos) return remote;
    return remote.substr(0, colon);
}

bool is_loopback(std::string_view remote) {
    const std::string_view host = host_of(remote);
    return host == "::1" || host == "::ffff:127.0.0.1" || host.starts_with("127.");
}

ports::HttpResponse json_response(const codec::Json& json) {
    ports::HttpResponse response;
    response.headers.set("content-type", "application/json");
    response.body = codec::dump_json(json);
    return response;
}

}  // namespace vcity::services
