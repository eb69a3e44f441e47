// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_slurm/cell_files.hpp"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/base64.hpp"
#include "codec/json.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kListMax = 1'000;
constexpr std::size_t kFileBytesMax = 64U << 20U;

Error malformed(const std::string& what) {
    return make_error(Errc::kCorrupt, "a cell's file: " + what);
}

Json list_of(const std::vector<std::string>& words) {
    JsonArray list;
    for (const std::string& word : words) list.emplace_back(word);
    return list;
}

// What a spec has under these names, each of its kind.
class Fields {
  public:
    explicit Fields(const Json& json) : json_{json} {}

    std::string text(const char* name) {
        const Json* member = json_.find(name);
        const std::string* value = member == nullptr ? nullptr : member->get_string();
        if (value == nullptr) fail(name);
        return value == nullptr ? "" : *value;
    }
    std::uint64_t number(const char* name, std::uint64_t max) {
        const Json* member = json_.find(name);
        std::uint64_t value = 0;
        const bool is_good = member != nullptr && member->get_u64(&value) && value <= max;
        if (!is_good) fail(name);
        return is_good ? value : 0;
    }
    bool flag(const char* name) {
        const Json* member = json_.find(name);
        const bool* value = member == nullptr ? nullptr : member->get_bool();
        if (value == nullptr) fail(name);
        return value != nullptr && *value;
    }
    const JsonArray& list(const char* name) {
        static const JsonArray kNone;
        const Json* member = json_.find(name);
        const JsonArray* value = member == nullptr ? nullptr : member->get_array();
        const bool is_good = value != nullptr && value->size() <= kListMax;
        if (!is_good) fail(name);
        return is_good ? *value : kNone;
    }
    std::vector<std::string> words(const char* name) {
        std::vector<std::string> all;
        for (const Json& one : list(name)) {
            if (one.get_string() == nullptr) fail(name);
            all.push_back(one.get_string() == nullptr ? "" : *one.get_string());
        }
        return all;
    }
    void fail(const std::string& name) {
        if (bad_.empty()) bad_ = name;
    }
    Result<void> check() const { return bad_.empty() ? Result<void>{} : malformed("field " + bad_); }

  private:
    const Json& json_;
    std::string bad_;
};

const char* name_of(CellState::Phase phase) {
    switch (phase) {
        case CellState::Phase::kRunning: return "running";
        case CellState::Phase::kRefused: return "refused";
        case CellState::Phase::kEnded: return "ended";
    }
    return "";
}

const char* name_of(Errc code) {
    return code == Errc::kInvalid ? "invalid" : code == Errc::kExhausted ? "exhausted" : "unavailable";
}

}  // namespace

std::string to_text(const CellState& state) {
    JsonObject object{{"phase", name_of(state.phase)},
                      {"status", state.status},
                      {"lost", state.is_lost},
                      {"code", name_of(state.code)},
                      {"message", state.message}};
    return dump_json(Json{std::move(object)});
}

Result<CellState> parse_cell_state(std::string_view text) {
    TRY(const Json json, codec::parse_json(text, {.bytes_max = 64U << 10U, .depth_max = 4, .values_max = 32}));
    Fields fields{json};
    CellState state;
    const std::string phase = fields.text("phase");
    const std::string code = fields.text("code");
    state.status = static_cast<int>(fields.number("status", 255));
    state.is_lost = fields.flag("lost");
    state.message = fields.text("message");
    TRY_OK(fields.check());
    using Phase = CellState::Phase;
    bool is_known = false;
    for (const Phase one : {Phase::kRunning, Phase::kRefused, Phase::kEnded}) {
        if (phase != name_of(one)) continue;
        state.phase = one;
        is_known = true;
    }
    if (!is_known) return malformed("phase " + phase);
    is_known = false;
    for (const Errc one : {Errc::kInvalid, Errc::kExhausted, Errc::kUnavailable}) {
        if (code != name_of(one)) continue;
        state.code = one;
        is_known = true;
    }
    if (!is_known) return malformed("code " + code);
    return state;
}

Result<std::string> to_text(const ports::SandboxSpec& spec) {
    const bool is_light = spec.image.empty() && spec.gpus.empty() && spec.egress == Egress::kNone && !spec.is_reachable;
    if (!is_light) return make_error(Errc::kInvalid, "a cluster runs no images, GPUs, networks or ports here");
    if (spec.command.empty()) return make_error(Errc::kInvalid, "no command");
    JsonArray mounts;
    for (const ports::SandboxMount& mount : spec.read_only) {
        mounts.emplace_back(JsonObject{{"source", mount.source}, {"target", mount.target}});
    }
    JsonArray files;
    for (const ports::SandboxFile& file : spec.files) {
        files.emplace_back(JsonObject{{"name", file.name}, {"content", codec::to_base64(file.content)}});
    }
    JsonObject object{{"command", list_of(spec.command)},
                      {"read_only", std::move(mounts)},
                      {"environment", list_of(spec.environment)},
                      {"files", std::move(files)},
                      {"work_bytes_max", spec.work_bytes_max},
                      {"job_folder", spec.job_folder},
                      {"memory_bytes_max", spec.memory_bytes_max},
                      {"memory_total_bytes_max", spec.memory_total_bytes_max},
                      {"processes_max", std::uint64_t{spec.processes_max}},
                      {"cores_max", std::uint64_t{spec.cores_max}},
                      {"joins_output", spec.joins_output}};
    return dump_json(Json{std::move(object)});
}

Result<ports::SandboxSpec> parse_cell_spec(std::string_view text) {
    const codec::JsonLimits limits{.bytes_max = kCellFileBytesMax, .depth_max = 4, .values_max = 20'000};
    TRY(const Json json, codec::parse_json(text, limits));
    Fields fields{json};
    ports::SandboxSpec spec;
    spec.command = fields.words("command");
    spec.environment = fields.words("environment");
    spec.work_bytes_max = fields.number("work_bytes_max", UINT64_MAX);
    spec.job_folder = fields.text("job_folder");
    spec.memory_bytes_max = fields.number("memory_bytes_max", UINT64_MAX);
    spec.memory_total_bytes_max = fields.number("memory_total_bytes_max", UINT64_MAX);
    spec.processes_max = static_cast<std::uint32_t>(fields.number("processes_max", UINT32_MAX));
    spec.cores_max = static_cast<std::uint32_t>(fields.number("cores_max", UINT32_MAX));
    spec.joins_output = fields.flag("joins_output");
    for (const Json& one : fields.list("read_only")) {
        Fields mount{one};
        spec.read_only.push_back({.source = mount.text("source"), .target = mount.text("target")});
        TRY_OK(mount.check());
    }
    for (const Json& one : fields.list("files")) {
        Fields file{one};
        ports::SandboxFile& added = spec.files.emplace_back();
        added.name = file.text("name");
        const std::string content = file.text("content");
        TRY_OK(file.check());
        TRY(added.content, codec::parse_base64(content, codec::Base64Alphabet::kStandard, kFileBytesMax));
    }
    TRY_OK(fields.check());
    return spec;
}

Result<void> replace_file(const std::string& path, std::string_view content) {
    const std::string draft = path + ".draft";
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return make_error(Errc::kUnavailable, "cannot write " + path);
    std::size_t written = 0;
    while (written < content.size()) {
        const ssize_t count = ::write(file, content.data() + written, content.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        written += static_cast<std::size_t>(count);
    }
    const bool is_safe = written == content.size() && ::fsync(file) == 0;
    ::close(file);
    if (!is_safe || std::rename(draft.c_str(), path.c_str()) != 0) {
        return make_error(Errc::kUnavailable, "cannot write " + path);
    }
    return {};
}

Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max) {
    struct stat seen{};
    if (::stat(path.c_str(), &seen) != 0) return make_error(Errc::kNotFound, path + " is not there");
    if (static_cast<std::uint64_t>(seen.st_size) > bytes_max)
        return make_error(Errc::kExhausted, path + " is too large");
    std::ifstream file{path, std::ios::binary};
    // One more than may be, so that a file that has grown since is noticed. Reads fail where a network file system
    // goes.
    std::string content(bytes_max + 1, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (content.size() > bytes_max) return make_error(Errc::kExhausted, path + " is too large");
    if (file.bad() || !file.eof()) return make_error(Errc::kUnavailable, path + " cannot be read");
    return content;
}

}  // namespace vcity::adapters
