// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/cgroup.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/sandbox_bwrap/descriptor.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "vcity-sandbox-";

Error failure(const std::string& path, int number) {
    return make_error(Errc::kUnavailable, "cgroup " + path + ": " + std::system_category().message(number));
}

Result<void> write_text(const std::string& path, const std::string& text) {
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!file.is_open()) return failure(path, errno);
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) return failure(path, errno);
    return {};
}

bool is_writable_folder(const std::string& path) {
    std::error_code error;
    return fs::is_directory(path, error) && ::access(path.c_str(), W_OK) == 0;
}

std::string read_text(const std::string& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();  // which does not throw when the process or the group has just ended
    return text.str();
}

bool has_word(const std::string& text, std::string_view word) {
    std::istringstream words{text};
    for (std::string next; words >> next;) {
        if (next == word) return true;
    }
    return false;
}

// The path of our group in the hierarchy of the controller; of version 2 for an empty name.
std::optional<std::string> own_path(const std::string& own, std::string_view controller) {
    std::istringstream lines{own};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        std::string names = line.substr(first + 1, second - first - 1);
        std::ranges::replace(names, ',', ' ');
        const bool is_ours = controller.empty() ? names.empty() : has_word(names, controller);
        if (is_ours) return line.substr(second + 1);
    }
    return std::nullopt;
}

// In a container the mounted hierarchy may begin at our own group, whatever its path is.
std::string own_folder(const std::string& mounted, const std::string& path) {
    std::string folder = path == "/" ? mounted : mounted + path;
    std::error_code error;
    return fs::is_directory(folder, error) ? folder : mounted;
}

std::string own_folder_of(const std::string& mounted, const std::string& own, const std::string& controller) {
    const std::optional<std::string> path = own_path(own, controller);
    if (!path) return {};
    const std::string folder = own_folder(mounted + "/" + controller, *path);
    return is_writable_folder(folder) ? folder : std::string{};
}

// Children get the controllers of version 2 when the folder has them to give and holds no process itself.
bool hands_on_controllers(const std::string& folder) {
    const std::string given = folder + "/cgroup.subtree_control";
    if (has_word(read_text(given), "memory")) return true;
    if (!has_word(read_text(folder + "/cgroup.controllers"), "memory")) return false;
    if (write_text(given, "+memory +pids")) return true;
    const std::string agent = folder + "/agent";
    if (::mkdir(agent.c_str(), 0755) != 0 && errno != EEXIST) return false;
    if (!write_text(agent + "/cgroup.procs", std::to_string(::getpid()))) return false;
    return write_text(given, "+memory +pids").has_value();
}

std::optional<CgroupPlace> find_unified(const std::string& mounted, const std::string& own) {
    const std::optional<std::string> path = own_path(own, "");
    if (!path || !fs::exists(mounted + "/cgroup.controllers")) return std::nullopt;
    std::string folder = own_folder(mounted, *path);
    // Restarted in the same process, or by another sandbox of it.
    if (folder.ends_with("/agent")) folder = folder.substr(0, folder.size() - std::string_view{"/agent"}.size());
    if (!is_writable_folder(folder) || !hands_on_controllers(folder)) return std::nullopt;
    return CgroupPlace{.memory_folder = folder, .pids_folder = folder, .is_unified = true};
}

// The process in the name of a group: vcity-sandbox-PID-...
pid_t maker_of(std::string_view name) {
    if (!name.starts_with(kPrefix)) return 0;
    name.remove_prefix(kPrefix.size());
    pid_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    return error == std::errc{} && end != name.data() + name.size() && *end == '-' ? id : 0;
}

void remove_abandoned(const std::string& folder) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator{folder, error}) {
        const pid_t maker = maker_of(entry.path().filename().string());
        if (maker > 0 && !fs::exists("/proc/" + std::to_string(maker), error)) ::rmdir(entry.path().c_str());
    }
}

}  // namespace

std::optional<CgroupPlace> find_cgroups(const std::string& mounted, const std::string& own) {
    CgroupPlace place;
    place.memory_folder = own_folder_of(mounted, own, "memory");
    place.pids_folder = own_folder_of(mounted, own, "pids");
    if (!place.memory_folder.empty()) return place;
    return find_unified(mounted, own);
}

CgroupRoom::CgroupRoom(CgroupPlace place, std::uint64_t entropy)
    : place_{std::move(place)},
      prefix_{std::string{kPrefix} + std::to_string(::getpid()) + "-" + std::to_string(entropy) + "-"} {
    remove_abandoned(place_.memory_folder);
    if (!place_.pids_folder.empty()) remove_abandoned(place_.pids_folder);
}

void CgroupRoom::remove_later(std::vector<std::string> folders) {
    leftovers_.insert(leftovers_.end(), folders.begin(), folders.end());
    std::erase_if(leftovers_,
                  [](const std::string& folder) { return ::rmdir(folder.c_str()) == 0 || errno == ENOENT; });
}

std::string CgroupRoom::next_name() {
    remove_later({});
    return prefix_ + std::to_string(++made_);
}

Result<std::unique_ptr<Cgroup>> Cgroup::make(std::shared_ptr<CgroupRoom> room, const CgroupLimits& limits) {
    const std::string name = room->next_name();
    std::unique_ptr<Cgroup> group{new Cgroup{std::move(room)}};
    TRY_OK(group->set_up(name, limits));
    return group;
}

Cgroup::~Cgroup() {
    room_->remove_later(std::move(folders_));
}

Result<void> Cgroup::set_up(const std::string& name, const CgroupLimits& limits) {
    const CgroupPlace& place = room_->place();
    const auto make_folder = [&](const std::string& parent) -> Result<std::string> {
        std::string folder = parent + "/" + name;
        if (::mkdir(folder.c_str(), 0755) != 0) return failure(folder, errno);
        folders_.push_back(folder);
        return folder;
    };
    TRY(const std::string memory, make_folder(place.memory_folder));
    const std::string bytes = std::to_string(limits.memory_bytes_max);
    if (place.is_unified) {
        TRY_OK(write_text(memory + "/memory.max", bytes));
        // Neither is there everywhere.
        (void)write_text(memory + "/memory.swap.max", "0");
        (void)write_text(memory + "/memory.oom.group", "1");
    } else {
        TRY_OK(write_text(memory + "/memory.limit_in_bytes", bytes));
        (void)write_text(memory + "/memory.memsw.limit_in_bytes", bytes);
    }
    if (place.pids_folder.empty() || limits.processes_max == 0) return {};
    std::string pids = memory;
    if (!place.is_unified) {
        TRY(pids, make_folder(place.pids_folder));
    }
    return write_text(pids + "/pids.max", std::to_string(limits.processes_max));
}

Result<void> Cgroup::add(pid_t process) {
    for (const std::string& folder : folders_) {
        TRY_OK(write_text(folder + "/cgroup.procs", std::to_string(process)));
    }
    return {};
}

}  // namespace vcity::adapters
