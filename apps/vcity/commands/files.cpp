// SPDX-License-Identifier: Apache-2.0
// Files at the gateway: a client's own, and what its jobs left.
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/job_view.hpp"
#include "wiring/api_client.hpp"
#include "wiring/file_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;
using codec::Json;

struct FilesOptions {
    std::vector<std::string> names;  // paths, or ids
    std::string purpose = "job";
    std::string to;
};
struct FetchOptions {
    std::string id;
    std::string to = ".";
    std::vector<std::string> names;  // GROUP, GROUP/INDEX or GROUP/INDEX/NAME; none: all
};

// What one command needs to talk to the gateway.
struct Link {
    adapters::AsioRuntime runtime;
    std::unique_ptr<wiring::ApiClient> client;

    Result<void> open(const Session& session) {
        TRY(client, wiring::gateway_client(&runtime, session.settings));
        return {};
    }
    Result<Json> get(const std::string& path) { return wiring::run_task(&runtime, client->get(path)); }
    Result<std::uint64_t> download(const std::string& path, const std::string& file, const std::string& sha256) {
        return wiring::run_task(&runtime, wiring::download_file(&runtime, client.get(), path, file, sha256));
    }
};

std::vector<Json> data_of(const Json& answer) {
    const Json* data = answer.find("data");
    return data != nullptr && data->get_array() != nullptr ? *data->get_array() : codec::JsonArray{};
}

void print_files(const std::vector<Json>& files, Session* session) {
    Table table{.titles = {"Id", "Name", "Bytes", "Purpose", "Created", "Expires", "SHA-256"}, .rows = {}};
    for (const Json& file : files) {
        const std::uint64_t expires = number_member(file, "expires_at");
        table.rows.push_back({text_member(file, "id"), text_member(file, "filename"),
                              std::to_string(number_member(file, "bytes")), text_member(file, "purpose"),
                              std::to_string(number_member(file, "created_at")),
                              expires == 0 ? "never" : std::to_string(expires), text_member(file, "sha256")});
    }
    session->output.print(table);
}

Result<Exit> run_put(const FilesOptions& options, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    std::vector<Json> files;
    for (const std::string& path : options.names) {
        TRY(Json file, wiring::run_task(&link.runtime,
                                        wiring::upload_file(&link.runtime, link.client.get(), path, options.purpose)));
        files.push_back(std::move(file));
    }
    print_files(files, session);
    return Exit::kOk;
}

Result<Exit> run_list(const FilesOptions& options, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json answer, link.get(options.purpose.empty() ? "/v1/files" : "/v1/files?purpose=" + options.purpose));
    print_files(data_of(answer), session);
    return Exit::kOk;
}

// Into the folder, under the file's own name; or to the path itself.
std::string target_of(const std::string& to, const std::string& name) {
    const std::string own = fs::path{name}.filename().string();
    const std::string safe = own.empty() || own == "." || own == ".." ? "file" : own;
    if (to.empty()) return safe;
    return fs::is_directory(to) ? (fs::path{to} / safe).string() : to;
}

Result<Exit> run_get(const FilesOptions& options, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    const std::string& id = options.names.front();
    TRY(const Json file, link.get("/v1/files/" + id));
    const std::string target = target_of(options.to, text_member(file, "filename"));
    TRY(const std::uint64_t bytes, link.download("/v1/files/" + id + "/content", target, text_member(file, "sha256")));
    session->output.print(Json{codec::JsonObject{{"id", id}, {"file", target}, {"bytes", bytes}}});
    return Exit::kOk;
}

Result<Exit> run_rm(const FilesOptions& options, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    for (const std::string& id : options.names) {
        TRY(const Json gone, wiring::run_task(&link.runtime, link.client->remove("/v1/files/" + id)));
        session->output.note("deleted " + text_member(gone, "id"));
    }
    return Exit::kOk;
}

// --- files of jobs

std::string place_of(const Json& file) {
    return fmt::format("{}/{}/{}", text_member(file, "group"), number_member(file, "index"), text_member(file, "name"));
}

Result<Exit> run_job_files(const FetchOptions& options, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json answer, link.get("/v1/jobs/" + options.id + "/files"));
    Table table{.titles = {"File", "Bytes", "SHA-256", "Kept"}, .rows = {}};
    for (const Json& file : data_of(answer)) {
        const Json* kept = file.find("is_kept");
        const bool is_kept = kept != nullptr && kept->get_bool() != nullptr && *kept->get_bool();
        table.rows.push_back({place_of(file), std::to_string(number_member(file, "bytes")), text_member(file, "sha256"),
                              is_kept ? "yes" : "no"});
    }
    session->output.print(table);
    return Exit::kOk;
}

bool is_wanted(const std::string& place, const std::vector<std::string>& names) {
    if (names.empty()) return true;
    for (const std::string& name : names) {
        if (place == name || place.starts_with(name + "/")) return true;
    }
    return false;
}

// The server names the files: none of them may lie elsewhere.
bool is_inside(const fs::path& place) {
    for (const fs::path& part : place) {
        if (part == ".." || part == "." || part.empty()) return false;
    }
    return place.is_relative() && !place.empty();
}

Result<Exit> run_fetch(const FetchOptions& options, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json answer, link.get("/v1/jobs/" + options.id + "/files"));
    Table table{.titles = {"File", "Bytes"}, .rows = {}};
    for (const Json& file : data_of(answer)) {
        const std::string place = place_of(file);
        if (!is_wanted(place, options.names)) continue;
        if (!is_inside(place)) return make_error(Errc::kCorrupt, "the gateway names a file outside its folder");
        const fs::path target = fs::path{options.to} / place;
        std::error_code error;
        fs::create_directories(target.parent_path(), error);
        TRY(const std::uint64_t bytes,
            link.download(text_member(file, "path"), target.string(), text_member(file, "sha256")));
        table.rows.push_back({target.string(), std::to_string(bytes)});
    }
    if (table.rows.empty()) return make_error(Errc::kNotFound, "the job has left no such files");
    session->output.print(table);
    return Exit::kOk;
}

}  // namespace

void add_files_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<FilesOptions>();
    CLI::App* noun = root->add_subcommand("files", "files at the gateway, for jobs, batches and training");
    noun->require_subcommand(1);
    CLI::App* put = noun->add_subcommand("put", "upload files; each gets an id, file-...");
    put->add_option("path", options->names, "local files")->required();
    put->add_option("--purpose", options->purpose, "job, batch, fine-tune, assistants, evals, vision or user_data")
        ->capture_default_str();
    commands->on(put, [options](Session* session) { return run_put(*options, session); });
    auto listed = std::make_shared<FilesOptions>();
    listed->purpose.clear();
    CLI::App* list = noun->add_subcommand("list", "files of the client behind the API key");
    list->add_option("--purpose", listed->purpose, "only these");
    commands->on(list, [listed](Session* session) { return run_list(*listed, session); });
    CLI::App* get = noun->add_subcommand("get", "download a file; goes on where a connection broke, checks the hash");
    get->add_option("id", options->names, "file-...")->required()->expected(1);
    get->add_option("--to", options->to, "file or folder (default: its own name, here)");
    commands->on(get, [options](Session* session) { return run_get(*options, session); });
    CLI::App* rm = noun->add_subcommand("rm", "delete files");
    rm->add_option("id", options->names, "file-...")->required();
    commands->on(rm, [options](Session* session) { return run_rm(*options, session); });
}

void add_job_file_commands(CLI::App* noun, Commands* commands) {
    auto options = std::make_shared<FetchOptions>();
    CLI::App* files = noun->add_subcommand("files", "what its steps left in /job/out");
    files->add_option("id", options->id, "job-...")->required();
    commands->on(files, [options](Session* session) { return run_job_files(*options, session); });
    CLI::App* fetch = noun->add_subcommand("fetch", "download what its steps left, into GROUP/INDEX/NAME");
    fetch->add_option("id", options->id, "job-...")->required();
    fetch->add_option("name", options->names, "GROUP, GROUP/INDEX or GROUP/INDEX/NAME (default: all)");
    fetch->add_option("--to", options->to, "folder")->capture_default_str();
    commands->on(fetch, [options](Session* session) { return run_fetch(*options, session); });
}

}  // namespace vcity::cli
