// SPDX-License-Identifier: Apache-2.0
#include "operator/host_checks.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "adapters/link/link.hpp"
#include "cli/settings.hpp"
#include "operator/node_folder.hpp"
#include "operator/service_unit.hpp"
#include "wiring/run.hpp"
#include "wiring/volumes/step_volumes.hpp"
#include "wiring/worker_program.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;
using codec::Json;

constexpr double kGib = 1U << 30U;
constexpr double kCoresLeast = 2;
constexpr double kMemoryGibLeast = 2;
constexpr double kDiskGibLeast = 2;
constexpr double kFilesLeast = 4096;
constexpr double kClockSecondsMost = 60;
constexpr std::chrono::seconds kDialPatience{10};

SelfCheck check_system() {
    utsname name{};
    uname(&name);
    const std::string machine{static_cast<const char*>(name.machine)};
    const std::string release{static_cast<const char*>(name.release)};
    SelfCheck check = check_works("system", "operating system", "Linux " + release + " on " + machine,
                                  "programs and sandbox are built for Linux on x86-64", "use a Linux machine, x86-64");
    check.required = Json{"x86_64"};
    check.comparison = "==";
    check.actual = Json{machine};
    if (machine != "x86_64") check.status = CheckStatus::kFail;
    return check;
}

SelfCheck check_cores() {
    return check_least("cpu.cores", "processor cores",
                       {.actual = static_cast<double>(std::max(1U, std::thread::hardware_concurrency())),
                        .required = kCoresLeast,
                        .unit = "cores",
                        .otherwise = CheckStatus::kWarn},
                       "one core answers the network while the others work", "use a machine with two cores or more");
}

SelfCheck check_memory() {
    const double bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
    return check_least("memory.total", "memory", {.actual = bytes / kGib, .required = kMemoryGibLeast, .unit = "GiB"},
                       "a model and the jobs of customers stand in it", "use a machine with more memory");
}

SelfCheck check_files() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return check_least("limits.files", "open files",
                       {.actual = static_cast<double>(limit.rlim_max),
                        .required = kFilesLeast,
                        .unit = "files",
                        .otherwise = CheckStatus::kWarn},
                       "every job and link needs some", "raise the limit (ulimit -n, LimitNOFILE of the service)");
}

SelfCheck check_worker(const std::string& named) {
    Result<std::string> found = wiring::worker_program(named);
    if (found) {
        const Result<std::string> ran = run_program({*found, "--version"});
        if (!ran) found = ran.error();
    }
    return check_works("worker", "vcity-worker", found, "it computes the answers of models",
                       "install the package again, or name the program with --worker");
}

SelfCheck check_model(const std::string& folder) {
    const bool is_model = exists(folder + "/config.json");
    const Result<std::string> found =
        is_model ? Result<std::string>{folder} : make_error(Errc::kNotFound, folder + " is no Hugging Face folder");
    return check_works("model", "model to serve", found, "a node serves at least one model",
                       "name the folder of a model with --model");
}

// GPUs as the kernel knows them; what they can do is measured by a proof of capacity.
SelfCheck check_gpus() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& card : fs::directory_iterator("/proc/driver/nvidia/gpus", error)) {
        std::ifstream information(card.path() / "information");
        for (std::string line; std::getline(information, line);) {
            if (line.starts_with("Model:")) names.push_back(line.substr(line.find_first_not_of(" \t", 6)));
        }
    }
    if (names.empty()) return skip("gpu", "GPUs", "no NVIDIA GPU with a driver: the node works with its processor");
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    SelfCheck check = check_works("gpu", "GPUs", all, "they earn most", "");
    check.actual = Json{static_cast<std::uint64_t>(names.size())};
    check.unit = "cards";
    return check;
}

SelfCheck check_containers() {
    for (const std::string& path : {std::string{"/run/podman/podman.sock"}, std::string{"/var/run/docker.sock"},
                                    fmt::format("/run/user/{}/podman/podman.sock", geteuid())}) {
        if (exists(path)) {
            return check_works("containers", "container engine", path, "jobs with an image of their own", "");
        }
    }
    return skip("containers", "container engine", "no podman or docker socket: jobs with images go elsewhere");
}

SelfCheck check_volumes() {
    SelfCheck check = check_works("volumes", "encrypted files of jobs", wiring::try_encrypted_volumes(),
                                  "whoever reads this disk later must not find customers' files",
                                  "install the packages gocryptfs and fuse3, and allow user namespaces; "
                                  "until then files of jobs are on the disk as they are");
    if (check.status == CheckStatus::kFail) check.status = CheckStatus::kWarn;
    return check;
}

SelfCheck check_service() {
    if (!has_systemd()) return skip("service", "service manager", "no systemd: start the node yourself");
    return check_works("service", "service manager", std::string{"systemd"}, "it keeps the node running", "");
}

Task<Result<void>> dial(adapters::AsioRuntime* runtime, std::string url) {
    Result<std::unique_ptr<adapters::WebSocketDialer>> dialer = adapters::WebSocketDialer::make(runtime, {});
    if (!dialer) co_return dialer.error();
    CO_TRY(const std::unique_ptr<ports::Connection> connection,
           co_await (*dialer)->dial(std::move(url), runtime->now() + kDialPatience));
    co_return Result<void>{};
}

SelfCheck check_link(const std::string& url) {
    adapters::AsioRuntime runtime;
    const Result<void> reached = wiring::run_task(&runtime, dial(&runtime, url));
    const Result<std::string> found =
        reached ? Result<std::string>{url} : make_error(reached.error().code, url + ": " + reached.error().message);
    return check_works("scheduler", "link to the scheduler", found, "work comes over it; the node itself opens no port",
                       "check that this machine reaches the internet and that the address is right");
}

SelfCheck check_clock(std::uint64_t block_time) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    const double behind = static_cast<double>(block_time) - static_cast<double>(now.count());
    SelfCheck check;
    check.id = "clock";
    check.title = "clock";
    check.actual = Json{static_cast<std::int64_t>(behind)};
    check.required = Json{static_cast<std::int64_t>(kClockSecondsMost)};
    check.comparison = "<=";
    check.unit = "seconds behind the newest block";
    check.status = behind <= kClockSecondsMost ? CheckStatus::kPass : CheckStatus::kFail;
    check.summary = behind <= 0 ? "not behind the chain" : fmt::format("{} s behind the chain", behind);
    check.purpose = "receipts carry times, and leases end at times";
    check.remediation = "set the clock; systemd-timesyncd or chrony keeps it right";
    return check;
}

}  // namespace

SelfCheck check_sandbox() {
    const Result<std::string> ran =
        run_program({"bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"});
    const Result<std::string> found =
        ran ? Result<std::string>{"bubblewrap starts programs without network"}
            : make_error(ran.error().code, "bwrap does not run here: " + ran.error().message);
    return check_works("sandbox", "sandbox", found, "customers' programs are strangers",
                       "install the package bubblewrap and allow user namespaces "
                       "(sysctl kernel.unprivileged_userns_clone=1)");
}

SelfCheck check_disk(const std::string& folder) {
    fs::path existing = fs::absolute(folder);
    while (!exists(existing.string()) && existing.has_relative_path()) existing = existing.parent_path();
    struct statvfs space{};
    if (statvfs(existing.c_str(), &space) != 0) {
        return check_works("disk.free", "free disk", make_error(Errc::kDenied, "cannot look at " + existing.string()),
                           "the node's records and the files of jobs", "check the folder's permissions");
    }
    const double bytes = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
    return check_least("disk.free", "free disk", {.actual = bytes / kGib, .required = kDiskGibLeast, .unit = "GiB"},
                       "the node's records and the files of jobs", "free some space under " + existing.string());
}

SelfCheck check_key_file(const std::string& path) {
    const auto look = [&]() -> Result<std::string> {
        struct stat file{};
        if (stat(path.c_str(), &file) != 0) return make_error(Errc::kNotFound, path + " cannot be read");
        if ((file.st_mode & 0077U) != 0) return make_error(Errc::kDenied, path + " can be read by others");
        TRY(const Address address, keystore_address(path));
        return crypto::to_checksum_address(address);
    };
    return check_works("keystore", "key file", look(), "who holds the key holds stake and earnings",
                       "chmod 600 " + path + ", or restore it from your backup");
}

std::vector<SelfCheck> check_host(const HostQuestion& question) {
    std::vector<SelfCheck> checks{check_system(),
                                  check_cores(),
                                  check_memory(),
                                  check_disk(question.state),
                                  check_files(),
                                  check_sandbox(),
                                  check_worker(question.worker)};
    if (!question.model.empty()) checks.push_back(check_model(question.model));
    checks.push_back(check_gpus());
    checks.push_back(check_volumes());
    checks.push_back(check_containers());
    checks.push_back(check_service());
    return checks;
}

std::vector<SelfCheck> check_network(const NetworkQuestion& question) {
    std::vector<SelfCheck> checks;
    const Result<Standing> chain = read_standing(question.chain, Address{}, "cpu");
    const Result<std::string> found = chain ? Result<std::string>{question.chain.rpc} : chain.error();
    checks.push_back(check_works("chain", "chain", found, "stake, receipts and payouts are on it",
                                 "check the RPC address, and that deployment.json is of that chain"));
    if (chain) checks.push_back(check_clock(chain->block_time));
    for (const std::string& link : question.scheduler_links) checks.push_back(check_link(link));
    return checks;
}

std::vector<SelfCheck> check_standing(const Standing& standing, Vcai stake_wanted, bool may_pay) {
    const CheckStatus otherwise = may_pay ? CheckStatus::kWarn : CheckStatus::kFail;
    std::vector<SelfCheck> checks;
    SelfCheck gas = check_works("gas", "coins for gas", coin_text(standing.coin) + " coins",
                                "registration and claims are transactions", "send coins to the node's address");
    gas.required = Json{coin_text(kGasLeast)};
    gas.actual = Json{coin_text(standing.coin)};
    gas.comparison = ">=";
    gas.unit = "coins";
    // A registered node needs little: the scheduler's keeper claims for it.
    if (standing.coin < kGasLeast) gas.status = standing.is_registered ? CheckStatus::kWarn : otherwise;
    checks.push_back(std::move(gas));
    const Vcai has = standing.is_registered ? standing.stake : standing.vcai;
    SelfCheck stake = check_works("stake", "stake", to_string(has) + " VCAI, " + to_string(stake_wanted) + " wanted",
                                  "it vouches for the node's work", "send VCAI to the node's address");
    stake.actual = Json{to_string(has)};
    stake.required = Json{to_string(stake_wanted)};
    stake.comparison = ">=";
    stake.unit = "VCAI";
    if (has < stake_wanted) stake.status = otherwise;
    checks.push_back(std::move(stake));
    if (!standing.is_registered) return checks;
    const Result<std::string> active =
        standing.is_active ? Result<std::string>{"active"}
                           : make_error(Errc::kDenied, standing.is_banned             ? "banned"
                                                       : standing.suspended_until > 0 ? "suspended"
                                                                                      : "not active: stake too low");
    checks.push_back(check_works("standing", "standing in the registry", active, "only active nodes get work",
                                 "`vcity stake show` tells more, `vcity stake add` stakes more"));
    return checks;
}

}  // namespace vcity::cli
