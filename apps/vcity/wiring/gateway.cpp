// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway.hpp"

#include <filesystem>

#include "adapters/blobs_fs/blobs.hpp"
#include "adapters/http/client.hpp"
#include "adapters/transfer_http/address_guard.hpp"
#include "async/task_group.hpp"
#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "codec/url.hpp"
#include "platform/token_text.hpp"
#include "services/gateway/web/web_site.hpp"
#include "wiring/http_client.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

// The text of a secret file, made of 32 random bytes when there is none.
Result<SecretBytes> secret_file(const std::string& path) {
    if (!std::filesystem::exists(path)) {
        TRY_OK(cli::write_file(path, codec::to_hex(cli::random_bytes(32)).substr(2) + "\n", 0600));
    }
    TRY(const std::string text, cli::read_file(path, 4096));
    if (text.size() < 32)
        return make_error(Errc::kInvalid, path + " is too short for a secret: 32 characters at least");
    return SecretBytes{Bytes(text.begin(), text.end())};
}

std::string or_default(const std::string& path, const std::string& fallback) {
    return path.empty() ? fallback : path;
}

Task<Result<void>> serve(Runtime* runtime, gateway::Gateway* role, adapters::HttpServer* server) {
    co_await role->run();
    co_return co_await server->shutdown(runtime->now() + std::chrono::seconds(10));
}

std::uint64_t bytes_of_gib(double gib) {
    return static_cast<std::uint64_t>(gib * 1024 * 1024 * 1024);
}

// Without a slash at its end.
Result<std::string> web_url(const std::string& option, std::string url) {
    while (url.ends_with('/')) url.pop_back();
    TRY(const codec::Url parsed, codec::parse_url(url));
    if (parsed.scheme == "http" || parsed.scheme == "https") return url;
    return make_error(Errc::kInvalid, option + " must be http or https: " + url);
}

// An address that listens everywhere is nothing that others could ask.
Result<std::string> public_url(const GatewayRunOptions& options) {
    std::string url = options.public_url;
    const bool is_everywhere = options.listen.starts_with("0.0.0.0:") || options.listen.starts_with("[::]:");
    if (url.empty()) return is_everywhere ? "" : "http://" + options.listen;
    return web_url("--public-url", std::move(url));
}

// The document that was shipped with this program; empty without one.
Result<std::string> openapi_text() {
    constexpr std::size_t kBytesMax = 1U << 20U;
    for (const std::string path : {"/usr/share/vcity/openapi.json", VCITY_SOURCE_DIR "/docs/api/openapi.json"}) {
        if (std::filesystem::exists(path)) return cli::read_file(path, kBytesMax);
    }
    return std::string{};
}

Result<gateway::PlatformOptions> platform_options(RoleHost* host, const GatewayRunOptions& options) {
    gateway::PlatformOptions platform;
    if (!options.indexer.empty()) {
        TRY(platform.explorer.origin, web_url("--indexer", options.indexer));
    }
    if (!options.public_rpc.empty()) {
        TRY(platform.rpc_url, web_url("--public-rpc", options.public_rpc));
    }
    for (const std::string& link : options.public_schedulers) {
        if (!link.starts_with("ws://") && !link.starts_with("wss://")) {
            return make_error(Errc::kInvalid, "--public-scheduler must be a ws:// or wss:// URL: " + link);
        }
        platform.scheduler_links.push_back(link);
    }
    const Deployment& chain = host->deployment();
    platform.stable = token_text(host, chain.stable, platform.stable);
    platform.vcai = token_text(host, chain.find("VCAIToken").value_or(Address{}), platform.vcai);
    return platform;
}

Result<gateway::x402::Options> x402_options(const GatewayRunOptions& options) {
    gateway::x402::Options sales;
    if (options.x402_facilitator.empty()) return sales;
    TRY(sales.facilitator, web_url("--x402-facilitator", options.x402_facilitator));
    TRY(sales.account, crypto::parse_address(options.x402_account));
    sales.token_version = options.x402_token_version;
    return sales;
}

// Connects to public addresses by https, and to the servers that the operator has named.
Result<std::unique_ptr<adapters::BeastHttpClient>> make_webhook_client(Runtime* runtime,
                                                                       const std::vector<std::string>& origins) {
    TRY(const auto guard, adapters::AddressGuard::make(origins));
    adapters::HttpClientOptions client;
    client.connections_per_host_max = 8;
    client.idle_connections_per_host_max = 1;
    client.body_bytes_max = 1U << 20U;
    client.may_connect = [guard](const std::string& server, const std::string& address) {
        return guard.allows(server, address);
    };
    return adapters::BeastHttpClient::make(runtime, client);
}

Result<std::unique_ptr<adapters::FolderBlobs>> make_blobs(Runtime* runtime, const GatewayRunOptions& options) {
    adapters::FolderBlobsOptions folder;
    folder.folder = or_default(options.files_dir, options.role.state + "/files");
    folder.disk_bytes_reserved = bytes_of_gib(options.files_gb_reserved);
    return adapters::FolderBlobs::make(runtime, std::move(folder));
}

// All of the page, in memory. Files beside others that end in .gz or .br are compressed forms of them.
Result<gateway::WebFiles> web_files(const std::string& folder) {
    namespace fs = std::filesystem;
    constexpr std::size_t kFileBytesMax = 8U << 20U;
    constexpr std::size_t kFilesMax = 2'000;
    gateway::WebFiles files;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator{folder, error}) {
        if (!entry.is_regular_file()) continue;
        if (files.size() > kFilesMax) return make_error(Errc::kInvalid, "--web " + folder + ": too many files");
        std::string path = "/" + entry.path().lexically_relative(folder).generic_string();
        TRY(std::string content, cli::read_bytes(entry.path().string(), kFileBytesMax));
        const bool is_gzip = path.ends_with(".gz");
        const bool is_brotli = path.ends_with(".br");
        if (is_gzip || is_brotli) path.resize(path.size() - 3);
        gateway::WebFile& file = files[path];
        (is_gzip ? file.gzip : is_brotli ? file.brotli : file.content) = std::move(content);
    }
    if (files.contains("/index.html")) return files;
    return make_error(Errc::kInvalid,
                      "--web " + folder + ": no index.html in it; build the page with 'npm run build' in web/");
}

}  // namespace

Result<cli::Exit> run_gateway(const GatewayRunOptions& options) {
    TRY(const auto host, RoleHost::make("gateway", options.role));
    TRY(const Endpoint listen, parse_endpoint(options.listen));
    TRY(const auto dialer, host->make_dialer());
    TRY(SecretBytes pepper, secret_file(or_default(options.pepper_file, options.role.state + "/pepper")));
    TRY(SecretBytes token, secret_file(or_default(options.admin_token_file, options.role.state + "/admin-token")));
    gateway::GatewayOptions settings;
    settings.link.endpoints = options.schedulers;
    TRY(settings.further_schedulers, parse_schedulers(options.also_schedulers));
    settings.files.client_bytes_max = bytes_of_gib(options.files_gb_per_client);
    TRY(settings.public_url, public_url(options));
    TRY(settings.platform, platform_options(host.get(), options));
    TRY(settings.x402, x402_options(options));
    const std::unique_ptr<ports::HttpClient> client = make_http_client(host->runtime());
    settings.webhooks.origins = options.webhook_origins;
    settings.running_max = options.requests_max;
    settings.request_deadline = std::chrono::seconds{options.request_seconds};
    TRY(const auto webhook_client, make_webhook_client(host->runtime(), options.webhook_origins));
    TRY(const auto blobs, make_blobs(host->runtime(), options));
    gateway::GatewayDeps deps{.runtime = host->runtime(),
                              .store = host->store(),
                              .dialer = dialer.get(),
                              .signer = host->signer(),
                              .metrics = host->metrics(),
                              .log = host->log(),
                              .deployment = host->deployment(),
                              .key_pepper = std::move(pepper),
                              .admin_token = std::move(token),
                              .blobs = blobs.get(),
                              .http = client.get(),
                              .webhook_http = webhook_client.get(),
                              .openapi = {}};
    TRY(deps.openapi, openapi_text());
    gateway::Gateway role{std::move(deps), settings};
    TRY_OK(run_task(host->runtime(), role.start()));
    adapters::HttpServerOptions http;
    http.address = listen.address;
    http.port = listen.port;
    // Above what the gateway takes, so that it refuses large bodies itself, with its own code and request id.
    http.body_bytes_max = 8U << 20U;
    http.log = host->log().named("http");
    std::unique_ptr<gateway::WebSite> site;
    if (!options.web_dir.empty()) {
        TRY(const gateway::WebFiles files, web_files(options.web_dir));
        site = std::make_unique<gateway::WebSite>(files, &role, options.public_rpc);
    }
    ports::HttpHandler* handler = site == nullptr ? static_cast<ports::HttpHandler*>(&role) : site.get();
    TRY(const auto server, adapters::HttpServer::make(host->runtime(), host->runtime()->executor(), handler, http));
    host->set_ready([&role] { return role.is_ready(); });
    return host->run([&] { return serve(host->runtime(), &role, server.get()); }, [&role] { role.stop(); });
}

}  // namespace vcity::wiring
