// SPDX-License-Identifier: Apache-2.0
#include "adapters/transfer_http/transfer.hpp"

#include <map>

#include "adapters/http/client.hpp"
#include "adapters/http/server.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/transfer_http/address_guard.hpp"
#include "ports/testing/transfer_contract.hpp"

namespace vcity::adapters {
namespace {

using ports::HttpRequest;
using ports::HttpResponder;
using ports::HttpResponse;
using ports::testing::await;
using ports::testing::MemorySink;
using ports::testing::MemorySource;
using ports::testing::TransferContract;
using ports::testing::TransferHarness;
using ports::testing::TransferHarnessFactory;

// A server of files that can be made to misbehave.
class FileServer final : public ports::HttpHandler {
  public:
    std::optional<std::uint64_t> streams_body(const HttpRequest& head) const override {
        return head.method == "PUT" ? std::optional<std::uint64_t>{1U << 30U} : std::nullopt;
    }
    Task<void> handle(HttpRequest request, HttpResponder* responder) override {
        ++requests;
        const std::string name = request.target.substr(1);
        HttpResponse response;
        if (failures_left > 0) {
            --failures_left;
            response.status = 503;
        } else if (request.method == "PUT") {
            co_await take(name, responder, &response);
        } else if (redirects.contains(name)) {
            response.status = 302;
            response.headers.set("Location", redirects[name]);
        } else if (!files.contains(name)) {
            response.status = 404;
        } else if (request.method == "GET") {
            const std::string range{request.headers.get("range")};
            co_await send(name, range, responder);
            co_return;
        }
        (void)co_await responder->respond(std::move(response));
    }

    std::map<std::string, Bytes> files;
    std::map<std::string, std::string> redirects;
    int requests = 0;
    int puts = 0;
    int failures_left = 0;
    bool knows_ranges = true;
    std::size_t cut_after = SIZE_MAX;  // bytes of one answer
    std::string ranges;                // that were asked for

  private:
    Task<void> take(std::string name, HttpResponder* responder, HttpResponse* response) {
        Bytes content;
        while (true) {
            const Result<std::string> piece = co_await responder->read_body();
            if (!piece || piece->empty()) break;
            content.insert(content.end(), piece->begin(), piece->end());
        }
        ++puts;
        const bool is_right = name.size() != 64 || "0x" + name == codec::to_hex(crypto::sha256(content));
        response->status = is_right ? 201 : 400;
        if (is_right) files[name] = std::move(content);
    }
    Task<void> send(std::string name, std::string range, HttpResponder* responder) {
        const Bytes& file = files[name];
        HttpResponse head;
        std::size_t from = 0;
        if (!range.empty() && knows_ranges) {
            from = std::stoul(range.substr(6));
            head.status = 206;
            head.headers.set("Content-Range", "bytes " + std::to_string(from) + "-x/y");
        }
        if (!range.empty()) ranges += range + " ";
        const std::string all{file.begin() + static_cast<std::ptrdiff_t>(from), file.end()};
        (void)co_await responder->start(std::move(head));
        std::string part = all.substr(0, cut_after);
        (void)co_await responder->write(std::move(part));
        // Not finished: the connection breaks.
        if (all.size() > cut_after) co_return;
        (void)co_await responder->finish();
    }
};

class HttpTransferHarness final : public ports::testing::OnRuntime<TransferHarness, AsioRuntime> {
  public:
    ports::Transfer& transfer() override { return transfer_; }
    std::string url_of(const std::string& name) override {
        return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
    }
    void serve(const std::string& name, Bytes content) override { server.files[name] = std::move(content); }
    const Bytes* stored(const std::string& name) override {
        const auto found = server.files.find(name);
        return found == server.files.end() ? nullptr : &found->second;
    }
    void stop_server() override { http_.reset(); }
    void use_guard(const std::vector<std::string>& origins) {
        HttpClientOptions options;
        options.may_connect = [guard = AddressGuard::make(origins).value()](const std::string& to,
                                                                            const std::string& address) {
            return guard.allows(to, address);
        };
        client_ = BeastHttpClient::make(&runtime(), options).value();
        transfer_ = HttpTransfer{&runtime(), client_.get(), quick()};
    }

    FileServer server;

  private:
    static HttpTransferOptions quick() {
        HttpTransferOptions options;
        options.pause_min = std::chrono::milliseconds{1};
        return options;
    }
    AsioRuntime& own_runtime() { return static_cast<AsioRuntime&>(runtime()); }

    std::unique_ptr<HttpServer> http_ = HttpServer::make(&runtime(), own_runtime().executor(), &server, {}).value();
    std::uint16_t port_ = http_->port();
    std::unique_ptr<BeastHttpClient> client_ = BeastHttpClient::make(&runtime(), {}).value();
    HttpTransfer transfer_{&runtime(), client_.get(), quick()};
};

std::unique_ptr<TransferHarness> make_harness() {
    return std::make_unique<HttpTransferHarness>();
}

INSTANTIATE_TEST_SUITE_P(Http, TransferContract, ::testing::Values(TransferHarnessFactory{make_harness}));

class HttpTransferTest : public ::testing::Test {
  protected:
    Bytes serve(const std::string& name, std::size_t size) {
        Bytes bytes(size);
        for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::uint8_t>(at % 251);
        harness.serve(name, bytes);
        return bytes;
    }
    Result<void> fetch(const std::string& url, const Bytes& bytes) {
        const ports::RemoteFile file{.url = url, .sha256 = crypto::sha256(bytes), .bytes = bytes.size()};
        const TimePoint deadline = harness.runtime().now() + std::chrono::seconds{5};
        return await(harness, harness.transfer().fetch(file, &sink, deadline));
    }
    Result<void> put(const std::string& name, const Bytes& bytes) {
        const ports::RemoteFile file{
            .url = harness.url_of(name), .sha256 = crypto::sha256(bytes), .bytes = bytes.size()};
        const TimePoint deadline = harness.runtime().now() + std::chrono::seconds{5};
        MemorySource source{bytes};
        return await(harness, harness.transfer().put(file, &source, deadline));
    }

    HttpTransferHarness harness;
    MemorySink sink;
};

TEST_F(HttpTransferTest, GoesOnWhereTheConnectionBroke) {
    const Bytes bytes = serve("a", 100'000);
    harness.server.cut_after = 30'000;
    const Result<void> fetched = fetch(harness.url_of("a"), bytes);
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(sink.bytes, bytes);
    EXPECT_EQ(harness.server.ranges, "bytes=30000- bytes=60000- bytes=90000- ");
}

TEST_F(HttpTransferTest, PassesOverWhatIsThereWhenTheServerKnowsNoRanges) {
    const Bytes bytes = serve("a", 50'000);
    harness.server.knows_ranges = false;
    harness.server.cut_after = 30'000;
    EXPECT_FALSE(fetch(harness.url_of("a"), Bytes(10, 'x'))) << "and says when it is another file";
    sink = {};
    harness.server.cut_after = SIZE_MAX;
    harness.server.failures_left = 2;
    EXPECT_TRUE(fetch(harness.url_of("a"), bytes));
    EXPECT_EQ(sink.bytes, bytes);
}

TEST_F(HttpTransferTest, AsksAgainWhenTheServerIsBusy) {
    const Bytes bytes = serve("a", 1000);
    harness.server.failures_left = 3;
    EXPECT_TRUE(fetch(harness.url_of("a"), bytes));
    harness.server.failures_left = 3;
    EXPECT_TRUE(put("b", bytes));
    EXPECT_EQ(harness.server.puts, 1);
    EXPECT_TRUE(put("b", bytes));
    EXPECT_EQ(harness.server.puts, 1) << "what is there is not sent again";
}

TEST_F(HttpTransferTest, GivesAServerUpThatSendsNothingForTooLong) {
    const Bytes bytes = serve("a", 1000);
    harness.server.failures_left = 1'000'000;
    ports::RemoteFile file{.url = harness.url_of("a"), .sha256 = crypto::sha256(bytes), .bytes = bytes.size()};
    file.silence_max = std::chrono::milliseconds{20};
    const TimePoint begun = harness.runtime().now();
    const Result<void> fetched = await(harness, harness.transfer().fetch(file, &sink, begun + std::chrono::hours{1}));
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, Errc::kUnavailable);
    EXPECT_LT(harness.runtime().now() - begun, std::chrono::seconds{30});
}

TEST_F(HttpTransferTest, FollowsAFewRedirects) {
    const Bytes bytes = serve("a", 1000);
    harness.server.redirects["one"] = "/two";
    harness.server.redirects["two"] = harness.url_of("a");
    EXPECT_TRUE(fetch(harness.url_of("one"), bytes));
    EXPECT_EQ(sink.bytes, bytes);
    harness.server.redirects["loop"] = "/loop";
    EXPECT_EQ(fetch(harness.url_of("loop"), bytes).error().code, Errc::kInvalid);
    harness.server.redirects["file"] = "file:///etc/passwd";
    EXPECT_EQ(fetch(harness.url_of("file"), bytes).error().code, Errc::kInvalid);
}

TEST_F(HttpTransferTest, ReachesNoAddressOfItsOwnNetwork) {
    const Bytes bytes = serve("a", 10);
    harness.use_guard({});
    EXPECT_EQ(fetch(harness.url_of("a"), bytes).error().code, Errc::kInvalid);
    EXPECT_EQ(put("b", bytes).error().code, Errc::kInvalid);
    EXPECT_EQ(fetch("http://169.254.169.254/latest/meta-data/", bytes).error().code, Errc::kInvalid);
    EXPECT_EQ(fetch("https://localhost/a", bytes).error().code, Errc::kInvalid);
    EXPECT_EQ(harness.server.requests, 0);
    // The operator may name an origin, which leads nowhere else.
    harness.use_guard({harness.url_of("")});
    EXPECT_TRUE(fetch(harness.url_of("a"), bytes));
    harness.server.redirects["out"] = "http://localhost:1/a";
    EXPECT_EQ(fetch(harness.url_of("out"), bytes).error().code, Errc::kInvalid);
}

TEST_F(HttpTransferTest, TellsNobodyTheAddress) {
    harness.stop_server();
    const ports::RemoteFile file{.url = harness.url_of("secret-token"), .sha256 = {}, .bytes = 1};
    const TimePoint deadline = harness.runtime().now() + std::chrono::milliseconds{5};
    const Result<void> fetched = await(harness, harness.transfer().fetch(file, &sink, deadline));
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().message.find("secret"), std::string::npos);
}

TEST(AddressGuard, KnowsPublicAddresses) {
    for (const char* text : {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "192.167.1.1",
                             "198.17.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2002::ffff"}) {
        EXPECT_EQ(is_public_address(text), std::string_view{text} != "2002::ffff") << text;
    }
    for (const char* text : {"0.0.0.0",
                             "10.1.2.3",
                             "100.64.0.1",
                             "127.0.0.1",
                             "127.255.0.1",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.0.0.1",
                             "192.0.2.1",
                             "192.168.1.1",
                             "198.18.0.1",
                             "198.19.0.1",
                             "198.51.100.1",
                             "203.0.113.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::ffff:8.8.8.8",
                             "64:ff9b::808:808",
                             "fe80::1",
                             "fc00::1",
                             "fd12::1",
                             "ff02::1",
                             "2001:db8::1",
                             "2001::1",
                             "2002:808:808::1",
                             "3fff::1",
                             "example.com",
                             "",
                             "1.2.3",
                             "0x7f.1"}) {
        EXPECT_FALSE(is_public_address(text)) << text;
    }
}

TEST(AddressGuard, AllowsPublicAddressesByHttpsAndNamedOrigins) {
    const AddressGuard guard = AddressGuard::make({"http://10.0.0.5:8080/files", "https://box.lan"}).value();
    EXPECT_TRUE(guard.allows("https://example.com", "8.8.8.8"));
    EXPECT_FALSE(guard.allows("http://example.com", "8.8.8.8"));
    EXPECT_FALSE(guard.allows("https://example.com", "10.0.0.5"));
    EXPECT_TRUE(guard.allows("http://10.0.0.5:8080", "10.0.0.5"));
    EXPECT_FALSE(guard.allows("http://10.0.0.5:8081", "10.0.0.5"));
    EXPECT_TRUE(guard.allows("https://box.lan", "192.168.1.2"));
    EXPECT_FALSE(AddressGuard::make({"ftp://example.com"}).has_value());
    EXPECT_FALSE(AddressGuard::make({"no address"}).has_value());
}

}  // namespace
}  // namespace vcity::adapters
