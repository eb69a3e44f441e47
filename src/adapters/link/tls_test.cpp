// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <memory>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "adapters/link/link.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/link_contract.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;

struct File {
    explicit File(const std::string& path) : handle{std::fopen(path.c_str(), "w")} {}
    ~File() { std::fclose(handle); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    std::FILE* handle;
};

// A key and a certificate for "localhost" that the key signed itself, as PEM files in a folder of their own.
class SelfSigned {
  public:
    SelfSigned() {
        const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
        const std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), &X509_free};
        X509_set_version(certificate.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
        X509_set_pubkey(certificate.get(), key.get());
        X509_NAME* name = X509_get_subject_name(certificate.get());
        const auto* text = reinterpret_cast<const unsigned char*>("localhost");
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
        X509_set_issuer_name(certificate.get(), name);
        X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
        X509_add_ext(certificate.get(), names, -1);
        X509_EXTENSION_free(names);
        X509_sign(certificate.get(), key.get(), EVP_sha256());
        const File key_out{key_file()};
        PEM_write_PrivateKey(key_out.handle, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        const File certificate_out{certificate_file()};
        PEM_write_X509(certificate_out.handle, certificate.get());
    }
    ~SelfSigned() { std::filesystem::remove_all(folder_); }
    SelfSigned(const SelfSigned&) = delete;
    SelfSigned& operator=(const SelfSigned&) = delete;

    std::string certificate_file() const { return folder_ + "/certificate.pem"; }
    std::string key_file() const { return folder_ + "/key.pem"; }

  private:
    static std::string make_folder() {
        std::string pattern = std::filesystem::temp_directory_path() / "vcity-tls-XXXXXX";
        return mkdtemp(pattern.data());
    }

    std::string folder_ = make_folder();
};

class SecureLink : public testing::Test {
  protected:
    SecureLink() {
        LinkListenerOptions options;
        options.certificate_file = identity_.certificate_file();
        options.key_file = identity_.key_file();
        listener_ = WebSocketListener::make(&runtime_, runtime_.executor(), options).value();
    }

    static Task<int> finish(Task<void> test) {
        co_await std::move(test);
        co_return 0;
    }

    TimePoint soon() { return runtime_.now() + 5s; }
    std::string endpoint(const std::string& scheme, const std::string& host) {
        return scheme + "://" + host + ":" + std::to_string(listener_->port());
    }

    Task<void> exchange(ports::LinkDialer* dialer) {
        const auto client = co_await dialer->dial(endpoint("wss", "localhost"), soon());
        EXPECT_TRUE(client) << client.error().message;
        const auto server = co_await listener_->accept();
        if (!client || !server) co_return;
        co_await ports::testing::send_chunks(client.value().get(), 3);
        for (std::uint64_t sequence = 0; sequence < 3; ++sequence) {
            const auto message = co_await server.value()->receive(soon());
            EXPECT_TRUE(message && *message == Message{ports::testing::chunk(sequence)});
        }
        server.value()->close();
        const auto end = co_await client.value()->receive(soon());
        EXPECT_FALSE(end);
    }

    Task<void> expect_refusal(ports::LinkDialer* dialer, std::string where) {
        const auto client = co_await dialer->dial(where, soon());
        EXPECT_FALSE(client);
        if (!client) EXPECT_EQ(client.error().code, Errc::kUnavailable) << client.error().message;
    }

    SelfSigned identity_;
    AsioRuntime runtime_;
    std::unique_ptr<WebSocketListener> listener_;
};

TEST_F(SecureLink, CarriesMessagesWhenTheCertificateIsTrusted) {
    const auto dialer = WebSocketDialer::make(&runtime_, {identity_.certificate_file(), {}}).value();

    EXPECT_EQ(runtime_.run_to_completion(finish(exchange(dialer.get()))), 0);
}

TEST_F(SecureLink, RefusesACertificateOfNobodyKnown) {
    const auto dialer = WebSocketDialer::make(&runtime_, {}).value();

    EXPECT_EQ(runtime_.run_to_completion(finish(expect_refusal(dialer.get(), endpoint("wss", "localhost")))), 0);
}

TEST_F(SecureLink, RefusesACertificateForAnotherHost) {
    const auto dialer = WebSocketDialer::make(&runtime_, {identity_.certificate_file(), {}}).value();

    EXPECT_EQ(runtime_.run_to_completion(finish(expect_refusal(dialer.get(), endpoint("wss", "127.0.0.1")))), 0);
}

TEST_F(SecureLink, RefusesPlainPeers) {
    const auto dialer = WebSocketDialer::make(&runtime_, {}).value();

    EXPECT_EQ(runtime_.run_to_completion(finish(expect_refusal(dialer.get(), endpoint("ws", "127.0.0.1")))), 0);
}

TEST_F(SecureLink, DialerNeedsReadableAuthorities) {
    const auto dialer = WebSocketDialer::make(&runtime_, {"missing.pem", {}});

    ASSERT_FALSE(dialer);
    EXPECT_EQ(dialer.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::adapters
