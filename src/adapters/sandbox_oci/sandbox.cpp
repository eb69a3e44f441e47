// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/sandbox.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include "adapters/sandbox_oci/gpu.hpp"
#include "adapters/sandbox_oci/process.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using codec::Json;

constexpr Duration kCallMax = 60s;
constexpr std::size_t kProfileBytesMax = 1U << 20U;
constexpr const char* kNobody = "65534:65534";

const Json* at(const Json& json, std::initializer_list<std::string_view> path) {
    const Json* value = &json;
    for (const std::string_view name : path) {
        value = value == nullptr ? nullptr : value->find(name);
    }
    return value;
}

std::string text_at(const Json& json, std::initializer_list<std::string_view> path) {
    const Json* value = at(json, path);
    const std::string* text = value != nullptr ? value->get_string() : nullptr;
    return text != nullptr ? *text : std::string{};
}

bool flag_at(const Json& json, std::initializer_list<std::string_view> path) {
    const Json* value = at(json, path);
    const bool* flag = value != nullptr ? value->get_bool() : nullptr;
    return flag != nullptr && *flag;
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text(kProfileBytesMax + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.empty() || text.size() > kProfileBytesMax) return make_error(Errc::kInvalid, "cannot read " + path);
    return text;
}

bool is_name(const std::string& name) {
    const auto is_plain = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '_' || letter == '.' || letter == '-';
    };
    return name.size() <= 100 && std::ranges::all_of(name, is_plain);
}

// The files of a step without a volume, on a small file system of their own.
Result<void> fill(const std::string& folder, const ports::SandboxSpec& spec) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return make_error(Errc::kUnavailable, "container: " + folder + ": " + error.message());
    const std::string options = fmt::format("mode=1777,size={}", spec.work_bytes_max);
    if (::mount("tmpfs", folder.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
        fs::remove(folder, error);
        return make_error(Errc::kInvalid, "files of a container need a volume, or an agent that may mount");
    }
    for (const ports::SandboxFile& file : spec.files) {
        std::ofstream out{folder + "/" + file.name, std::ios::binary};
        out.write(reinterpret_cast<const char*>(file.content.data()),
                  static_cast<std::streamsize>(file.content.size()));
        out.close();
        if (!out) return make_error(Errc::kExhausted, "the files do not fit into /job");
    }
    return {};
}

std::vector<std::string> digests_of(const Json& image) {
    std::vector<std::string> digests;
    const Json* list = image.find("RepoDigests");
    if (list != nullptr && list->get_array() != nullptr) {
        for (const Json& entry : *list->get_array()) {
            const std::string* text = entry.get_string();
            const std::size_t sign = text != nullptr ? text->find('@') : std::string::npos;
            if (sign != std::string::npos) digests.push_back(text->substr(sign + 1));
        }
    }
    return digests;
}

// An engine's complaint about a program that the image does not have is the customer's to know.
Error start_error(const Error& error) {
    const bool is_program = error.message.find("executable file") != std::string::npos ||
                            error.message.find("no such file or directory") != std::string::npos ||
                            error.message.find("command that was not found") != std::string::npos;
    return is_program ? make_error(Errc::kInvalid, error.message) : error;
}

}  // namespace

OciSandbox::OciSandbox(Runtime* runtime, Log log, OciSandboxOptions options)
    : runtime_{runtime},
      log_{std::move(log)},
      options_{std::move(options)},
      shared_{std::make_shared<OciShared>(runtime_, log_, options_)} {}

OciSandbox::~OciSandbox() = default;

Task<Result<void>> OciSandbox::inspect_engine() {
    if (shared_->is_inspected) co_return Result<void>{};
    const bool is_libpod = options_.dialect == EngineDialect::kLibpod;
    EngineRequest request{"GET", is_libpod ? "/v4.0.0/libpod/info" : "/v1.40/info", {}};
    const TimePoint deadline = runtime_->now() + kCallMax;
    CO_TRY(const Json info, co_await shared_->engine.ask(std::move(request), deadline));
    if (is_libpod) {
        shared_->is_confined = flag_at(info, {"host", "security", "rootless"});
        shared_->maps_users = !shared_->is_confined;
    } else if (const Json* security = info.find("SecurityOptions"); security != nullptr && security->get_array()) {
        for (const Json& option : *security->get_array()) {
            const std::string* text = option.get_string();
            const bool confines = text != nullptr && (*text == "name=userns" || *text == "name=rootless");
            shared_->is_confined = shared_->is_confined || confines;
        }
    }
    if (!is_libpod) {
        // Podman answers for Docker, but takes a file where Docker takes the profile itself.
        EngineRequest version{"GET", "/v1.40/version", {}};
        CO_TRY(const EngineReply reply, co_await shared_->engine.call(std::move(version), deadline));
        shared_->is_podman = reply.body.find("Podman Engine") != std::string::npos;
    }
    if (!options_.seccomp_path.empty()) {
        CO_TRY(const std::string profile, read_file(options_.seccomp_path));
        CO_TRY(shared_->seccomp_profile, tighten_seccomp(profile));
    }
    if (!options_.scratch_folder.empty()) {
        std::error_code error;
        fs::create_directories(options_.scratch_folder, error);
        if (!error) fs::permissions(options_.scratch_folder, fs::perms::owner_all, error);
        const std::string path = options_.scratch_folder + "/seccomp.json";
        std::ofstream file{path, std::ios::binary | std::ios::trunc};
        file << shared_->seccomp_profile;
        file.close();
        if (error || !file) co_return make_error(Errc::kInvalid, "cannot write to " + options_.scratch_folder);
        if (!shared_->seccomp_profile.empty()) shared_->seccomp_file = path;
    }
    shared_->is_inspected = true;
    co_return Result<void>{};
}

Task<Result<void>> OciSandbox::provide_image(std::string image) {
    const bool is_libpod = options_.dialect == EngineDialect::kLibpod;
    const std::string path = is_libpod ? "/v4.0.0/libpod/images/" : "/v1.40/images/";
    for (bool was_pulled = false;; was_pulled = true) {
        EngineRequest look{"GET", path + escape(image) + "/json", {}};
        const TimePoint deadline = runtime_->now() + kCallMax;
        const Result<Json> seen = co_await shared_->engine.ask(std::move(look), deadline);
        if (seen) {
            const std::vector<std::string> digests = digests_of(*seen);
            const bool is_it = std::ranges::find(digests, digest_of_image(image)) != digests.end();
            std::uint64_t bytes = 0;
            const Json* size = seen->find("Size");
            const bool is_small = size != nullptr && size->get_u64(&bytes) && bytes <= options_.image_bytes_max;
            if (!is_it) co_return make_error(Errc::kInvalid, "the image is not what its digest says: " + image);
            if (!is_small) co_return make_error(Errc::kInvalid, "the image is larger than this node takes: " + image);
            co_return Result<void>{};
        }
        if (seen.error().code != Errc::kNotFound || was_pulled) co_return seen.error();
        const auto may = [&](const std::string& registry) { return !registry.empty() && image.starts_with(registry); };
        if (!std::ranges::any_of(options_.registries, may)) {
            co_return make_error(Errc::kInvalid,
                                 "this node has no image " + image + " and does not fetch from that registry");
        }
        const std::string query = is_libpod ? "pull?policy=missing&reference=" : "create?fromImage=";
        EngineRequest pull{"POST", path + query + escape(image), {}};
        const TimePoint pulled_by = runtime_->now() + options_.pull_time_max;
        CO_TRY(const EngineReply reply, co_await shared_->engine.call(std::move(pull), pulled_by));
        if (!reply.is_success()) co_return engine_error(reply, "fetching " + image);
    }
}

Task<Result<ContainerSetting>> OciSandbox::setting_of(const ports::SandboxSpec* spec) {
    ContainerSetting setting;
    setting.dialect = options_.dialect;
    setting.is_podman = shared_->is_podman;
    setting.owner = options_.owner;
    if (!is_name(spec->name) || !is_name(options_.owner)) {
        co_return make_error(Errc::kInvalid, "a sandbox's name has letters, digits, '.', '_' and '-' only");
    }
    const std::string own = spec->name.empty() ? fmt::format("{:016x}", runtime_->random_u64()) : spec->name;
    setting.name = "vcity-" + options_.owner + "-" + own;
    setting.seccomp_file = shared_->seccomp_file;
    setting.seccomp_profile = shared_->is_podman ? shared_->seccomp_file : shared_->seccomp_profile;
    setting.maps_users = shared_->maps_users;
    // Without a user namespace nobody may be root in there.
    if (!shared_->maps_users && !shared_->is_confined) setting.user = kNobody;
    setting.first_user_id = options_.first_user_id;
    setting.open_files_max = options_.open_files_max;
    setting.scratch_bytes_max = options_.scratch_bytes_max;
    setting.log_bytes_max = options_.log_bytes_max;
    if (spec->egress != Egress::kNone) {
        if (options_.public_network.empty()) {
            co_return make_error(Errc::kInvalid, "this node gives containers no network");
        }
        setting.network = options_.public_network;
    }
    setting.job_source = spec->job_folder;
    if (spec->job_folder.empty() && !spec->files.empty()) {
        if (options_.scratch_folder.empty()) co_return make_error(Errc::kInvalid, "files of a container need a volume");
        setting.job_source = options_.scratch_folder + "/" + setting.name;
        const Result<void> filled = fill(setting.job_source, *spec);
        if (!filled) {
            drop_job_source(setting.job_source);
            co_return filled.error();
        }
    }
    co_return setting;
}

Task<Result<std::unique_ptr<ports::SandboxProcess>>> OciSandbox::start(ports::SandboxSpec spec) {
    CO_TRY_OK(check_container_spec(spec));
    CO_TRY_OK(co_await inspect_engine());
    CO_TRY_OK(co_await provide_image(spec.image));
    CO_TRY(const ContainerSetting setting, co_await setting_of(&spec));
    const std::string own_folder = spec.job_folder.empty() ? setting.job_source : std::string{};
    const bool is_libpod = options_.dialect == EngineDialect::kLibpod;
    const std::string target = is_libpod ? "/v4.0.0/libpod/containers/create" : "/v1.40/containers/create";
    const std::string name = is_libpod ? std::string{} : "?name=" + escape(setting.name);
    EngineRequest create{"POST", target + name, codec::dump_json(create_body(spec, setting))};
    const TimePoint deadline = runtime_->now() + kCallMax;
    Result<Json> made = co_await shared_->engine.ask(std::move(create), deadline);
    const std::string id = made ? text_at(*made, {"Id"}) : std::string{};
    if (id.empty()) {
        drop_job_source(own_folder);
        if (!made) co_return start_error(made.error());
        co_return make_error(Errc::kCorrupt, "container engine: no id of a container");
    }
    const auto container = std::make_shared<OciContainer>(shared_, id);
    container->job_source = own_folder;
    container->joins_output = spec.joins_output;
    auto process = std::make_unique<OciProcess>(container);  // from here on, it is removed when we fail
    // Before it starts, so that nothing of its output is missed.
    EngineRequest attach{
        "POST", "/v1.40/containers/" + id + "/attach?stream=true&stdin=true&stdout=true&stderr=true", {}};
    Result<std::unique_ptr<ports::ByteStream>> stream = co_await shared_->engine.open(std::move(attach), deadline);
    if (!stream) co_return start_error(stream.error());
    container->stream = *std::move(stream);
    container->takes_input = true;
    EngineRequest begin{"POST", "/v1.40/containers/" + id + "/start", {}};
    const Result<Json> begun = co_await shared_->engine.ask(std::move(begin), deadline);
    if (!begun) co_return start_error(begun.error());
    CO_TRY_OK(co_await verify_gpus(id, spec.gpus));
    runtime_->spawn(follow(container));
    co_return std::unique_ptr<ports::SandboxProcess>{std::move(process)};
}

Task<Result<void>> OciSandbox::verify_gpus(std::string id, std::vector<std::string> gpus) {
    if (gpus.empty()) co_return Result<void>{};
    EngineRequest look{"GET", "/v1.40/containers/" + id + "/json", {}};
    const TimePoint deadline = runtime_->now() + kCallMax;
    CO_TRY(const Json seen, co_await shared_->engine.ask(std::move(look), deadline));
    const Json* number = at(seen, {"State", "Pid"});
    std::uint64_t process_id = 0;
    if (number == nullptr || !number->get_u64(&process_id) || process_id == 0) {
        co_return make_error(Errc::kUnavailable, "the container ended before its GPUs could be looked at");
    }
    for (const std::string& gpu : gpus) {
        CO_TRY(const std::vector<DeviceNode> nodes, device_nodes_of(options_.cdi_folders, gpu));
        CO_TRY_OK(check_device_nodes(process_id, nodes));
    }
    co_return Result<void>{};
}

Task<Result<std::unique_ptr<ports::SandboxProcess>>> OciSandbox::adopt(std::string name) {
    if (name.empty() || !is_name(name)) co_return make_error(Errc::kNotFound, "no sandbox has this name: " + name);
    CO_TRY_OK(co_await inspect_engine());
    EngineRequest look{"GET", "/v1.40/containers/vcity-" + options_.owner + "-" + name + "/json", {}};
    const TimePoint deadline = runtime_->now() + kCallMax;
    CO_TRY(const Json seen, co_await shared_->engine.ask(std::move(look), deadline));
    const bool is_ours = text_at(seen, {"Config", "Labels", kOwnerLabel}) == options_.owner;
    const std::string id = text_at(seen, {"Id"});
    if (!is_ours || id.empty()) co_return make_error(Errc::kNotFound, "no sandbox of ours has this name: " + name);
    const auto container = std::make_shared<OciContainer>(shared_, id);
    container->joins_output = text_at(seen, {"Config", "Labels", kJoinsLabel}) == "yes";
    if (!options_.scratch_folder.empty()) {
        const std::string folder = options_.scratch_folder + "/vcity-" + options_.owner + "-" + name;
        std::error_code error;
        if (fs::is_directory(folder, error)) container->job_source = folder;
    }
    auto process = std::make_unique<OciProcess>(container);
    runtime_->spawn(follow(container));
    co_return std::unique_ptr<ports::SandboxProcess>{std::move(process)};
}

Task<Result<std::size_t>> OciSandbox::sweep(std::vector<std::string> keep) {
    CO_TRY_OK(co_await inspect_engine());
    const std::string filter = R"({"label":[")" + std::string{kOwnerLabel} + "=" + options_.owner + R"("]})";
    EngineRequest list{"GET", "/v1.40/containers/json?all=true&filters=" + escape(filter), {}};
    const TimePoint deadline = runtime_->now() + kCallMax;
    CO_TRY(const Json found, co_await shared_->engine.ask(std::move(list), deadline));
    const codec::JsonArray* containers = found.get_array();
    if (containers == nullptr) co_return make_error(Errc::kCorrupt, "container engine: no list of containers");
    std::size_t removed = 0;
    for (const Json& one : *containers) {
        const std::string name = text_at(one, {"Labels", kNameLabel});
        const auto is_kept = [&](const std::string& kept) { return name == "vcity-" + options_.owner + "-" + kept; };
        // Labels are what engines filter by; this is what is destroyed, so look again.
        const bool is_ours = text_at(one, {"Labels", kOwnerLabel}) == options_.owner;
        if (!is_ours || std::ranges::any_of(keep, is_kept)) continue;
        std::string id = text_at(one, {"Id"});
        const bool is_gone = co_await remove_container(shared_, std::move(id));
        if (!options_.scratch_folder.empty() && is_name(name) && !name.empty()) {
            drop_job_source(options_.scratch_folder + "/" + name);
        }
        if (is_gone) ++removed;
    }
    if (removed != 0) log_.warn("containers_swept", {{"containers", removed}});
    co_return removed;
}

Task<Result<void>> OciSandbox::settle(TimePoint deadline) {
    while (shared_->removals != 0) {
        const bool is_in_time = co_await shared_->changed.wait_until(deadline);
        if (!is_in_time) co_return make_error(Errc::kTimeout, "containers are still being removed");
    }
    co_return Result<void>{};
}

}  // namespace vcity::adapters
