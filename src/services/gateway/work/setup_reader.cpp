// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/setup_reader.hpp"

#include <utility>

#include <fmt/format.h>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "work/spec_check.hpp"

namespace vcity::gateway::spec {
namespace {

using codec::Json;
using Limits = work::SpecLimits;

constexpr std::string_view kFileId = "file-";
constexpr std::size_t kFileIdBytesMax = 64;
constexpr std::uint64_t kPortMax = 65'535;
constexpr std::string_view kInputForms =
    "a text, {\"text\": \"...\"} or {\"base64\": \"...\"} of 4 MiB at most, {\"file\": \"file-...\"}, or "
    "{\"url\": \"https://...\", \"sha256\": \"...\", \"bytes\": 123}";

Refusal read_inline(const Json& given, bool is_base64, const std::string& path, InputFile* file) {
    if (given.get_string() == nullptr) return refusal(ErrorCode::kInvalidType, path, given, kInputForms);
    const std::string& content = *given.get_string();
    if (!is_base64) {
        if (content.size() > Limits::kInputBytesMax) return refusal(ErrorCode::kInvalidValue, path, given, kInputForms);
        file->content.assign(content.begin(), content.end());
        return std::nullopt;
    }
    Result<Bytes> bytes = codec::parse_base64(content, codec::Base64Alphabet::kStandard, Limits::kInputBytesMax);
    if (!bytes) return refusal(ErrorCode::kInvalidValue, path, "'" + path + "': " + bytes.error().message);
    file->content = *std::move(bytes);
    return std::nullopt;
}

Refusal read_sha256(const Json& value, const std::string& path, InputFile* file) {
    const std::string* text = value.get_string();
    const Result<Hash> sha256 =
        text == nullptr ? Result<Hash>{make_error(Errc::kInvalid, "no text")} : codec::parse_fixed<Hash>("0x" + *text);
    if (!sha256) return refusal(ErrorCode::kInvalidValue, path, value, "the SHA-256 of the file, 64 hex digits");
    file->sha256 = *sha256;
    return std::nullopt;
}

Refusal read_remote_bytes(const Json& value, const std::string& path, InputFile* file) {
    if (value.get_u64(&file->bytes) && file->bytes <= Limits::kFileBytesMax) return std::nullopt;
    return refusal(ErrorCode::kInvalidValue, path, value, "the size of the file in bytes");
}

constexpr std::array kRemote = {
    Member<InputFile>{"url",
                      [](const Json& value, const std::string& path, InputFile* file) {
                          return read_text(value, path, Limits::kUrlBytesMax, &file->url);
                      }},
    Member<InputFile>{"sha256", read_sha256},
    Member<InputFile>{"bytes", read_remote_bytes},
};

Refusal read_remote(const Json& value, const std::string& path, InputFile* file) {
    if (Refusal refused = read_members<InputFile>(value, path, kRemote, file)) return refused;
    const bool is_web = file->url.starts_with("https://") || file->url.starts_with("http://");
    if (is_web && !file->sha256.is_zero() && value.find("bytes") != nullptr) return std::nullopt;
    return refusal(ErrorCode::kInvalidValue, path, value, kInputForms);
}

Refusal read_input(const Json& value, const std::string& path, InputFile* file) {
    if (value.is_string()) return read_inline(value, false, path, file);
    if (value.find("url") != nullptr) return read_remote(value, path, file);
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr || object->size() != 1) return refusal(ErrorCode::kInvalidType, path, value, kInputForms);
    const auto& [form, content] = object->front();
    if (form == "text" || form == "base64") return read_inline(content, form == "base64", path, file);
    if (form != "file") return refusal(ErrorCode::kInvalidType, path, value, kInputForms);
    if (Refusal refused = read_text(content, child(path, form), kFileIdBytesMax, &file->url)) return refused;
    if (file->url.starts_with(kFileId)) return std::nullopt;
    return refusal(ErrorCode::kInvalidValue, child(path, form), content, "the id of a file, such as \"file-...\"");
}

Refusal read_port(const Json& value, const std::string& path, StepPort* port) {
    static constexpr std::array kPort = {
        Member<StepPort>{"name",
                         [](const Json& name, const std::string& at, StepPort* out) {
                             return read_text(name, at, Limits::kGroupNameBytesMax, &out->name);
                         }},
        Member<StepPort>{"port",
                         [](const Json& number, const std::string& at, StepPort* out) {
                             std::uint32_t read = 0;
                             Refusal refused = read_whole(number, at, 1, kPortMax, &read);
                             out->port = static_cast<std::uint16_t>(read);
                             return refused;
                         }},
    };
    if (Refusal refused = read_members<StepPort>(value, path, kPort, port)) return refused;
    if (port->port == 0) {
        return refusal(ErrorCode::kMissingParameter, child(path, "port"), "'" + path + "' has no 'port'");
    }
    if (port->name.empty()) port->name = fmt::format("port-{}", port->port);
    return std::nullopt;
}

}  // namespace

Refusal read_inputs(const Json& value, const std::string& path, StepGroup* group) {
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) {
        return refusal(ErrorCode::kInvalidType, path, value, "an object of file names and contents");
    }
    for (const auto& [name, content] : *object) {
        InputFile file;
        file.name = name;
        const std::string where = child(path, name.substr(0, Limits::kInputNameBytesMax));
        if (Refusal refused = read_input(content, where, &file)) return refused;
        group->inputs.push_back(std::move(file));
    }
    return std::nullopt;
}

Refusal read_ports(const Json& value, const std::string& path, StepGroup* group) {
    const codec::JsonArray* list = value.get_array();
    if (list == nullptr || list->size() > Limits::kPortsMax) {
        return refusal(
            ErrorCode::kInvalidType, path, value,
            fmt::format("a list of at most {} ports such as {{\"name\": \"web\", \"port\": 8080}}", Limits::kPortsMax));
    }
    for (std::size_t at = 0; at < list->size(); ++at) {
        StepPort port;
        if (Refusal refused = read_port((*list)[at], child(path, at), &port)) return refused;
        group->setup.ports.push_back(std::move(port));
    }
    return std::nullopt;
}

Refusal read_egress(const Json& value, const std::string& path, StepGroup* group) {
    StepSetup& setup = group->setup;
    const std::string* word = value.get_string();
    if (word != nullptr && (*word == "none" || *word == "public")) {
        setup.egress = *word == "public" ? Egress::kPublic : Egress::kNone;
        return std::nullopt;
    }
    if (!value.is_array()) {
        return refusal(ErrorCode::kInvalidValue, path, value, "\"none\", \"public\" or a list of hosts");
    }
    setup.egress = Egress::kPublic;
    if (Refusal refused = read_texts(value, path, Limits::kHostsMax, Limits::kHostBytesMax, &setup.egress_hosts)) {
        return refused;
    }
    // An empty list must not mean everything.
    if (setup.egress_hosts.empty()) setup.egress = Egress::kNone;
    return std::nullopt;
}

Refusal resolve_files(const FileResolver& resolve, WorkSpec* spec) {
    for (std::size_t at = 0; at < spec->groups.size(); ++at) {
        for (InputFile& file : spec->groups[at].inputs) {
            if (!file.url.starts_with(kFileId)) continue;
            const std::string where = child(child(child("steps", at), "inputs"), file.name);
            ApiResult<InputFile> found = resolve(file.url, where);
            if (!found) return std::move(found).error();
            file.url.clear();
            file.sha256 = found->sha256;
            file.bytes = found->bytes;
        }
    }
    return std::nullopt;
}

}  // namespace vcity::gateway::spec
