// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/files_api.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "crypto/sha256.hpp"
#include "services/gateway/files/file_access.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/work/work_json.hpp"
#include "sim/fakes/blobs.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using test::RecordingResponder;
using Answer = std::shared_ptr<RecordingResponder>;

std::string hex_of(std::string_view content) {
    return codec::to_hex(crypto::sha256(as_bytes(content))).substr(2);
}

codec::Json json_of(const Answer& answer) {
    return codec::parse_json(answer->body()).value_or(codec::Json{});
}

std::string text_at(const Answer& answer, std::string_view name) {
    const codec::Json json = json_of(answer);
    const codec::Json* value = json.find(name);
    return value != nullptr && value->is_string() ? *value->get_string() : "";
}

std::vector<std::string> cut(const std::string& text, std::size_t piece_bytes) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) pieces.push_back(text.substr(at, piece_bytes));
    return pieces;
}

std::string field(const std::string& name, const std::string& value) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

std::string file_part(const std::string& name, const std::string& content) {
    return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\n\r\n" + content + "\r\n";
}

// A gateway with files, and a scheduler that accepts every order.
class FilesApiTest : public test::GatewayFixture<sim::SimRuntime> {
  public:
    FilesApiTest() {
        options.public_url = "https://gateway";
        options.files.client_bytes_max = 10'000;
        options.files.file_bytes_max = 5'000;
        options.files.client_files_max = 5;
        options.files.job_files_max = 4;
        options.files.kept_after_job = 1h;
        scheduler.on_work = [this](const Message& message) { answer(message); };
        restart();
    }
    ~FilesApiTest() override { shut_down(); }

    void restart() {
        shut_down();
        blobs = &folder;
        boot(options);
    }

    void answer(const Message& message) {
        if (const auto* submit = std::get_if<WorkSubmit>(&message)) {
            orders.push_back(submit->order);
            if (refuses_orders) {
                JobFailed failed;
                failed.job_id = submit->order.job_id;
                failed.code = Errc::kInvalid;
                return scheduler.send(failed);
            }
            scheduler.send(WorkAccepted{submit->order.job_id, submit->order.budget, {}});
        } else if (const auto* asked = std::get_if<WorkStatusRequest>(&message)) {
            WorkStatusReply reply;
            reply.job_id = asked->job_id;
            reply.known = true;
            reply.steps = steps;
            scheduler.send(reply);
        }
    }

    Answer upload_form(const std::string& form, std::size_t piece_bytes = 50) {
        ports::HttpRequest request = a_request("POST", "/v1/files", "", key);
        request.headers.set("content-type", "multipart/form-data; boundary=b");
        return finish(launch(std::move(request), cut(form, piece_bytes)));
    }
    Answer upload(const std::string& name, const std::string& content, const std::string& purpose = "batch") {
        return upload_form(file_part(name, content) + field("purpose", purpose) + "--b--\r\n");
    }
    Answer get(const std::string& target, const std::string& range = {}) {
        ports::HttpRequest request = a_request("GET", target, "", key);
        if (!range.empty()) request.headers.set("range", range);
        return finish(launch(std::move(request)));
    }
    // A request of a node: without a key.
    Answer node(const std::string& method, const std::string& url, const std::string& content = {}) {
        const std::string target = url.substr(options.public_url.size());
        return finish(launch(a_request(method, target, "", ""), cut(content, 100)));
    }
    // The address of the job's files.
    std::string order_with(const std::string& input, const std::string& more = {}) {
        const auto accepted = order(input, more);
        EXPECT_EQ(accepted->head.status, 201U) << accepted->body();
        job = text_at(accepted, "id");
        return orders.back().files_url;
    }
    Answer order(const std::string& input, const std::string& more = {}) {
        const std::string inputs = input.empty() ? "" : R"("inputs":{"data":)" + input + "},";
        return send(
            "POST", "/v1/jobs",
            R"({"budget":2,"deadline_minutes":10,"steps":[{"name":"a",)" + inputs + more + R"("run":"echo hi"}]})",
            key);
    }
    void keep_quiet() { pass(options.files.sweep_interval + 2s); }

    GatewayOptions options;
    sim::FakeBlobDisk disk;
    sim::FakeBlobs folder{&disk};
    std::vector<WorkOrder> orders;
    std::vector<StepStatus> steps;
    std::string job;
    bool refuses_orders = false;
};

TEST_F(FilesApiTest, AFileCanBeUploadedListedReadAndDeleted) {
    const Answer made = upload("dir/train.jsonl", "0123456789", "fine-tune");
    ASSERT_EQ(made->head.status, 200U) << made->body();
    const std::string id = text_at(made, "id");
    EXPECT_TRUE(id.starts_with("file-"));
    EXPECT_EQ(text_at(made, "object"), "file");
    EXPECT_EQ(text_at(made, "filename"), "train.jsonl");
    EXPECT_EQ(text_at(made, "purpose"), "fine-tune");
    EXPECT_EQ(text_at(made, "sha256"), hex_of("0123456789"));
    EXPECT_NE(get("/v1/files")->body().find(id), std::string::npos);
    EXPECT_EQ(text_at(get("/v1/files/" + id), "id"), id);
    const Answer content = get("/v1/files/" + id + "/content");
    EXPECT_EQ(content->head.status, 200U);
    EXPECT_EQ(content->body(), "0123456789");
    const Answer gone = send("DELETE", "/v1/files/" + id, "", key);
    EXPECT_NE(gone->body().find("\"deleted\":true"), std::string::npos) << gone->body();
    EXPECT_EQ(code_of(*get("/v1/files/" + id)), "file_not_found");
    EXPECT_EQ(code_of(*get("/v1/files/" + id + "/content")), "file_not_found");
    EXPECT_EQ(code_of(*send("DELETE", "/v1/files/" + id, "", key)), "file_not_found");
    keep_quiet();
    EXPECT_TRUE(disk.files.empty());
}

TEST_F(FilesApiTest, APartOfAFileCanBeRead) {
    const std::string path = "/v1/files/" + text_at(upload("a", "0123456789"), "id") + "/content";
    const Answer part = get(path, "bytes=2-4");
    EXPECT_EQ(part->head.status, 206U);
    EXPECT_EQ(part->body(), "234");
    EXPECT_EQ(part->head.headers.get("content-range"), "bytes 2-4/10");
    EXPECT_EQ(get(path, "bytes=7-")->body(), "789");
    EXPECT_EQ(get(path, "bytes=-1")->body(), "9");
    EXPECT_EQ(get(path, "lines=1")->body(), "0123456789");
    const Answer beyond = get(path, "bytes=10-");
    EXPECT_EQ(beyond->head.status, 416U);
    EXPECT_EQ(beyond->head.headers.get("content-range"), "bytes */10");
}

TEST_F(FilesApiTest, ListsAreInPages) {
    std::vector<std::string> ids;
    for (int count = 0; count < 4; ++count) {
        ids.push_back(text_at(upload("f" + std::to_string(count), "x", count == 2 ? "vision" : "batch"), "id"));
        pass(1s);
    }
    EXPECT_EQ(text_at(get("/v1/files"), "first_id"), ids[3]);
    EXPECT_EQ(text_at(get("/v1/files?order=asc"), "first_id"), ids[0]);
    const Answer page = get("/v1/files?order=asc&limit=2&after=" + ids[0]);
    EXPECT_EQ(text_at(page, "first_id"), ids[1]);
    EXPECT_EQ(text_at(page, "last_id"), ids[2]);
    EXPECT_NE(page->body().find("\"has_more\":true"), std::string::npos);
    EXPECT_EQ(text_at(get("/v1/files?purpose=vision"), "last_id"), ids[2]);
    EXPECT_EQ(get("/v1/files?limit=0")->head.status, 400U);
    EXPECT_EQ(get("/v1/files?order=up")->head.status, 400U);
    EXPECT_EQ(get("/v1/files?after=file-none")->head.status, 404U);
}

TEST_F(FilesApiTest, BadFormsAreRefusedWithTheFieldAtFault) {
    const std::string file = file_part("a", "content");
    const std::string purpose = field("purpose", "batch");
    const std::string end = "--b--\r\n";
    const auto param = [this](const std::string& form) {
        const Answer answer = upload_form(form);
        EXPECT_EQ(answer->head.status, 400U) << answer->body();
        const codec::Json json = json_of(answer);
        const codec::Json* name = json.find("error")->find("param");
        return name->is_string() ? *name->get_string() : "";
    };
    EXPECT_EQ(param(purpose + end), "file");
    EXPECT_EQ(param(file + end), "purpose");
    EXPECT_EQ(param(file + field("purpose", "world") + end), "purpose");
    EXPECT_EQ(param(file + purpose + field("color", "red") + end), "color");
    EXPECT_EQ(param(file + file + purpose + end), "file");
    EXPECT_EQ(param(file_part("", "x") + purpose + end), "file");
    EXPECT_EQ(param(file_part("a\x01", "x") + purpose + end), "file");
    EXPECT_EQ(param(file + purpose + field("expires_after[anchor]", "created_at") + end), "expires_after");
    EXPECT_EQ(param(file + purpose), "");
    EXPECT_EQ(param("no boundary" + std::string(9000, 'x')), "");
    EXPECT_EQ(send("POST", "/v1/files", "{}", key)->head.status, 415U);
    keep_quiet();
    EXPECT_TRUE(disk.files.empty());
    EXPECT_EQ(get("/v1/files")->body().find("file-"), std::string::npos);
}

TEST_F(FilesApiTest, WhatIsTooMuchIsRefused) {
    const Answer large = upload("large", std::string(5'001, 'x'));
    EXPECT_EQ(large->head.status, 413U) << large->body();
    EXPECT_EQ(upload("a", std::string(5'000, 'a'))->head.status, 200U);
    EXPECT_EQ(upload("b", std::string(4'000, 'b'))->head.status, 200U);
    const Answer over = upload("c", std::string(1'001, 'c'));
    EXPECT_EQ(over->head.status, 403U);
    EXPECT_EQ(code_of(*over), "file_quota_exceeded");
    EXPECT_EQ(upload("c", std::string(1'000, 'c'))->head.status, 200U) << "nothing of what was refused counts";
    EXPECT_EQ(code_of(*upload("d", "d")), "file_quota_exceeded");
}

TEST_F(FilesApiTest, TooManyUploadsAtATimeMayComeBackLater) {
    options.files.arrivals_max = 0;
    restart();
    const Answer busy = upload("a", "x");
    EXPECT_EQ(busy->head.status, 429U) << busy->body();
    EXPECT_EQ(busy->head.headers.get("retry-after"), "1");
}

TEST_F(FilesApiTest, AFullDiskIsNotTheClientsFault) {
    disk.bytes_max = 100;
    const Answer full = upload("a", std::string(200, 'a'));
    EXPECT_EQ(full->head.status, 507U) << full->body();
    EXPECT_EQ(code_of(*full), "storage_full");
    disk.bytes_max = 1'000;
    EXPECT_EQ(upload("a", std::string(200, 'a'))->head.status, 200U);
    disk.is_broken = true;
    EXPECT_EQ(upload("a", "x")->head.status, 500U);
}

TEST_F(FilesApiTest, AnUploadThatBreaksOffLeavesNothing) {
    ports::HttpRequest request = a_request("POST", "/v1/files", "", key);
    request.headers.set("content-type", "multipart/form-data; boundary=b");
    auto responder = std::make_shared<RecordingResponder>();
    responder->arriving = {file_part("a", "half of")};
    responder->arrival_breaks = true;
    world.spawn(run(gateway.get(), std::move(request), responder));
    EXPECT_EQ(finish(responder)->head.status, 400U);
    EXPECT_TRUE(disk.files.empty());
    EXPECT_EQ(upload("a", std::string(4'999, 'x'))->head.status, 200U);
}

TEST_F(FilesApiTest, FilesExpire) {
    const std::string expiry = field("expires_after[anchor]", "created_at") + field("expires_after[seconds]", "3600");
    const Answer made = upload_form(file_part("a", "x") + field("purpose", "batch") + expiry + "--b--\r\n");
    ASSERT_EQ(made->head.status, 200U) << made->body();
    const std::string id = text_at(made, "id");
    pass(3590s);
    EXPECT_EQ(get("/v1/files/" + id)->head.status, 200U);
    pass(10s);
    EXPECT_EQ(get("/v1/files/" + id)->head.status, 404U);
    keep_quiet();
    EXPECT_TRUE(disk.files.empty());
}

TEST_F(FilesApiTest, EqualFilesAreKeptOnceAndUntilTheLastGoes) {
    const std::string first = text_at(upload("a", "same"), "id");
    const std::string second = text_at(upload("b", "same"), "id");
    EXPECT_NE(first, second);
    EXPECT_EQ(disk.files.size(), 1U);
    send("DELETE", "/v1/files/" + first, "", key);
    keep_quiet();
    EXPECT_EQ(get("/v1/files/" + second + "/content")->body(), "same");
    send("DELETE", "/v1/files/" + second, "", key);
    keep_quiet();
    EXPECT_TRUE(disk.files.empty());
}

TEST_F(FilesApiTest, ARestartKeepsFilesAndRemovesWhatNobodyNames) {
    const std::string id = text_at(upload("a", "kept"), "id");
    const std::string url = order_with(R"({"file":")" + id + "\"}", R"("keeps_files":true,)");
    EXPECT_EQ(node("PUT", url + hex_of("left"), "left")->head.status, 201U);
    disk.files[crypto::sha256(as_bytes("stray"))] = std::make_shared<const Bytes>(5, 's');
    restart();
    keep_quiet();
    EXPECT_EQ(disk.files.size(), 2U);
    EXPECT_EQ(get("/v1/files/" + id + "/content")->body(), "kept");
    EXPECT_EQ(node("GET", url + hex_of("kept"))->body(), "kept");
    EXPECT_EQ(node("GET", url + hex_of("left"))->body(), "left");
}

TEST_F(FilesApiTest, NobodySeesFilesOfAnotherClient) {
    const std::string id = text_at(upload("a", "mine"), "id");
    const crypto::PrivateKey other = test::a_private_key(15);
    SignedCap cap = test::a_cap(scheduler.scheduler_key.address(), world.unix_now().count() / 1000 + 86'400);
    cap.cap.client = other.address();
    cap.signature = other.sign(market::cap_digest(test::a_deployment(), cap.cap));
    const std::string body = R"({"name":"other","cap":)" + codec::dump_json(to_json(cap)) + "}";
    const std::string own = std::exchange(key, text_at(send("POST", "/admin/keys", body, "admin"), "key"));
    EXPECT_EQ(get("/v1/files")->body().find(id), std::string::npos);
    EXPECT_EQ(code_of(*get("/v1/files/" + id)), "file_not_found");
    EXPECT_EQ(code_of(*get("/v1/files/" + id + "/content")), "file_not_found");
    EXPECT_EQ(code_of(*send("DELETE", "/v1/files/" + id, "", key)), "file_not_found");
    EXPECT_EQ(code_of(*order(R"({"file":")" + id + "\"}")), "file_not_found");
    key = own;
    EXPECT_EQ(get("/v1/files/" + id + "/content")->body(), "mine");
}

// --- files of jobs

TEST_F(FilesApiTest, AnOrderNamesFilesAndItsNodesReadThem) {
    const std::string id = text_at(upload("a", "input"), "id");
    const std::string url = order_with(R"({"file":")" + id + "\"}");
    ASSERT_TRUE(url.starts_with("https://gateway/files/")) << url;
    const InputFile& input = orders.back().spec.groups[0].inputs[0];
    EXPECT_EQ(input.sha256, crypto::sha256(as_bytes("input")));
    EXPECT_EQ(input.bytes, 5U);
    EXPECT_EQ(input.url, "");
    EXPECT_EQ(node("HEAD", url + hex_of("input"))->head.status, 200U);
    EXPECT_EQ(node("GET", url + hex_of("input"))->body(), "input");
    EXPECT_EQ(node("GET", url + hex_of("other"))->head.status, 404U);
    // It stays for the job when its owner deletes it.
    send("DELETE", "/v1/files/" + id, "", key);
    keep_quiet();
    EXPECT_EQ(node("GET", url + hex_of("input"))->body(), "input");
}

TEST_F(FilesApiTest, WrongAddressesAreNotFound) {
    const std::string url = order_with("", R"("keeps_files":true,)");
    std::string forged = url;
    forged[forged.size() - 2] = forged[forged.size() - 2] == '0' ? '1' : '0';
    const std::string name = hex_of("x");
    EXPECT_EQ(node("PUT", forged + name, "x")->head.status, 404U);
    EXPECT_EQ(node("PUT", url + "zz", "x")->head.status, 404U);
    EXPECT_EQ(node("PUT", url, "x")->head.status, 404U);
    EXPECT_EQ(node("GET", "https://gateway/files/", "")->head.status, 404U);
    EXPECT_EQ(node("POST", url + name, "x")->head.status, 405U);
    EXPECT_EQ(node("PUT", url + name, "x")->head.status, 201U);
}

TEST_F(FilesApiTest, NodesAddFilesByTheirHashOnly) {
    const std::string url = order_with("", R"("keeps_files":true,)");
    const Answer wrong = node("PUT", url + hex_of("promised"), "something else");
    EXPECT_EQ(wrong->head.status, 400U) << wrong->body();
    EXPECT_EQ(node("HEAD", url + hex_of("promised"))->head.status, 404U);
    keep_quiet();
    EXPECT_TRUE(disk.files.empty()) << "what was not promised goes";
    EXPECT_EQ(node("PUT", url + hex_of("result"), "result")->head.status, 201U);
    EXPECT_EQ(node("PUT", url + hex_of("result"), "not looked at")->head.status, 200U);
    for (const std::string text : {"b", "c", "d"}) EXPECT_EQ(node("PUT", url + hex_of(text), text)->head.status, 201U);
    EXPECT_EQ(node("PUT", url + hex_of("e"), "e")->head.status, 403U) << "a job may have four";
}

TEST_F(FilesApiTest, WhatJobsLeaveCountsForTheirClient) {
    const std::string url = order_with("", R"("keeps_files":true,)");
    const std::string much(9'000, 'm');
    EXPECT_EQ(node("PUT", url + hex_of(much), much)->head.status, 201U);
    const std::string more(1'001, 'n');
    EXPECT_EQ(code_of(*node("PUT", url + hex_of(more), more)), "file_quota_exceeded");
    EXPECT_EQ(code_of(*upload("a", more)), "file_quota_exceeded");
    // Until the job's files are no longer kept.
    pass(options.files.kept_after_job + 10min);
    EXPECT_EQ(node("GET", url + hex_of(much))->head.status, 404U);
    keep_quiet();
    EXPECT_TRUE(disk.files.empty());
}

TEST_F(FilesApiTest, ACustomerReadsWhatStepsLeft) {
    const std::string url = order_with("", R"("keeps_files":true,)");
    EXPECT_EQ(node("PUT", url + hex_of("picture"), "picture")->head.status, 201U);
    StepStatus step;
    step.group = "a";
    step.index = 3;
    step.files = {{"frames/0001.png", crypto::sha256(as_bytes("picture")), 7}, {"lost", Hash{}, 1}};
    steps = {step};
    const Answer list = get("/v1/jobs/" + job + "/files");
    EXPECT_EQ(list->head.status, 200U) << list->body();
    EXPECT_NE(list->body().find("/v1/jobs/" + job + "/files/a/3/frames/0001.png"), std::string::npos);
    EXPECT_EQ(get("/v1/jobs/" + job + "/files/a/3/frames/0001.png")->body(), "picture");
    EXPECT_EQ(get("/v1/jobs/" + job + "/files/a/3/frames%2F0001.png", "bytes=0-2")->body(), "pic");
    for (const std::string name : {"a/3/lost", "a/3/frames", "a/2/frames/0001.png", "a/3", "a", "a/x/y", "a/3/"}) {
        EXPECT_EQ(code_of(*get("/v1/jobs/" + job + "/files/" + name)), "file_not_found") << name;
    }
}

TEST_F(FilesApiTest, OrdersThatAreRefusedKeepNothing) {
    refuses_orders = true;
    const std::string id = text_at(upload("a", "input"), "id");
    EXPECT_EQ(order(R"({"file":")" + id + "\"}")->head.status, 400U);
    const std::string url = orders.back().files_url;
    EXPECT_EQ(node("GET", url + hex_of("input"))->head.status, 404U);
    const Answer unknown = order(R"({"file":"file-unknown"})");
    EXPECT_EQ(unknown->head.status, 404U);
    EXPECT_NE(unknown->body().find("steps[0].inputs.data"), std::string::npos) << unknown->body();
}

TEST_F(FilesApiTest, OrdersWithoutFilesNeedNoPlace) {
    EXPECT_EQ(order_with(R"("inline")"), "");
    EXPECT_EQ(order_with(R"({"url":"https://example.com/a","sha256":")" + hex_of("a") + R"(","bytes":1})"), "");
    EXPECT_EQ(orders.back().spec.groups[0].inputs[0].url, "https://example.com/a");
}

TEST_F(FilesApiTest, AGatewayWithoutAFolderSaysSo) {
    shut_down();
    blobs = nullptr;
    boot(options);
    EXPECT_EQ(code_of(*get("/v1/files")), "files_unavailable");
    EXPECT_EQ(code_of(*order("", R"("keeps_files":true,)")), "files_unavailable");
    EXPECT_EQ(code_of(*order(R"({"file":"file-a"})")), "files_unavailable");
    EXPECT_EQ(order(R"("inline")")->head.status, 201U);
}

// --- the parts

TEST(FileAccess, IsReadBackAndOnlyWithItsSecret) {
    Hash secret;
    secret.bytes.fill(1);
    FileAccess access;
    access.job_id.bytes.fill(9);
    access.expires_unix_seconds = 0x0102030405060708;
    const std::string token = make_access_token(secret, access);
    EXPECT_EQ(token.size(), 112U);
    EXPECT_EQ(parse_access_token(secret, token), access);
    Hash other = secret;
    other.bytes[31] ^= 1U;
    EXPECT_FALSE(parse_access_token(other, token));
    for (std::size_t at = 0; at < token.size(); ++at) {
        std::string changed = token;
        changed[at] = changed[at] == 'a' ? 'b' : 'a';
        EXPECT_FALSE(parse_access_token(secret, changed)) << at;
    }
    EXPECT_FALSE(parse_access_token(secret, token.substr(1)));
    EXPECT_FALSE(parse_access_token(secret, ""));
}

TEST(ByteRange, IsThatOfTheHeader) {
    const auto part = [](std::uint64_t first, std::uint64_t bytes) {
        return ByteRange{.first = first, .bytes = bytes, .is_part = true};
    };
    const ByteRange all{.first = 0, .bytes = 10, .is_part = false};
    EXPECT_EQ(parse_range("bytes=0-0", 10), part(0, 1));
    EXPECT_EQ(parse_range("bytes=3-99", 10), part(3, 7));
    EXPECT_EQ(parse_range("bytes=9-", 10), part(9, 1));
    EXPECT_EQ(parse_range("bytes=-99", 10), part(0, 10));
    for (const char* header : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "bytes=--1",
                               "bytes=99999999999999999999-", "seconds=1-2"}) {
        EXPECT_EQ(parse_range(header, 10), all) << header;
    }
    EXPECT_FALSE(parse_range("bytes=10-", 10));
    EXPECT_FALSE(parse_range("bytes=-0", 10));
    EXPECT_FALSE(parse_range("bytes=0-", 0));
}

}  // namespace
}  // namespace vcity::gateway
