// SPDX-License-Identifier: Apache-2.0
#include "services/common/handshake.hpp"

#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::services {
namespace {

constexpr std::size_t kVersionBytesMax = 64;

// What can be judged without asking anybody.
Result<void> check_hello(const PeerPolicy& policy, const LinkHello& hello, const Hash& challenge, UnixMillis now) {
    if (hello.protocol_version != kProtocolVersion) return make_error(Errc::kDenied, "unknown protocol version");
    if (hello.software_version.size() > kVersionBytesMax) return make_error(Errc::kDenied, "version text is too long");
    const UnixMillis age = now > hello.issued_at ? now - hello.issued_at : hello.issued_at - now;
    if (age > kHelloFreshness) return make_error(Errc::kDenied, "stale signature: check this machine's clock");
    const Hash digest =
        market::link_hello_digest(*policy.deployment, hello.peer, hello.role, challenge, hello.issued_at);
    TRY(const Address signer, crypto::recover(digest, hello.signature));
    if (signer != hello.peer) return make_error(Errc::kDenied, "the signature is not of " + codec::to_hex(hello.peer));
    return {};
}

Result<void> check_record(const LinkHello& hello, const std::optional<NodeRecord>& record) {
    const std::string who = codec::to_hex(hello.peer);
    if (!record) return make_error(Errc::kDenied, who + " is not registered on chain");
    if (record->role != hello.role) {
        return make_error(Errc::kDenied, who + " is registered as " + std::string{to_string(record->role)});
    }
    if (!record->active) return make_error(Errc::kDenied, who + " is not active: stake below the minimum or banned");
    return {};
}

Task<Result<LinkPeer>> judge(Runtime* runtime, PeerPolicy policy, LinkHello hello, Hash challenge) {
    CO_TRY_OK(check_hello(policy, hello, challenge, runtime->unix_now()));
    LinkPeer peer;
    peer.address = hello.peer;
    peer.role = hello.role;
    peer.software_version = hello.software_version;
    if (hello.role == Role::kGateway) {
        if (!policy.gateways->contains(hello.peer)) {
            co_return make_error(Errc::kDenied, "gateway " + codec::to_hex(hello.peer) + " is not on the allow-list");
        }
        co_return peer;
    }
    Result<std::optional<NodeRecord>> record = co_await policy.chain->node(hello.peer);
    if (!record) co_return make_error(Errc::kUnavailable, "the registry cannot be read: " + record.error().message);
    CO_TRY_OK(check_record(hello, *record));
    peer.record = *std::move(record);
    co_return peer;
}

}  // namespace

Task<Result<LinkPeer>> authenticate_peer(Runtime* runtime, ports::Connection* connection, PeerPolicy policy) {
    LinkChallenge challenge;
    runtime->random_bytes(challenge.challenge.bytes);
    Message first = challenge;
    CO_TRY_OK(co_await connection->send(std::move(first)));
    CO_TRY(Message answer, co_await connection->receive(runtime->now() + kHandshakeTimeout));
    const auto* hello = std::get_if<LinkHello>(&answer);
    if (hello == nullptr) co_return make_error(Errc::kDenied, "the first frame is not a hello");
    Result<LinkPeer> peer = co_await judge(runtime, policy, *hello, challenge.challenge);
    if (!peer) {
        LinkReject reject;
        reject.code = peer.error().code;
        reject.reason = peer.error().message;
        Message last = reject;
        CO_TRY_OK(co_await connection->send(std::move(last)));
        co_return peer;
    }
    LinkWelcome welcome;
    welcome.scheduler = policy.self;
    welcome.chain_id = policy.deployment->chain_id;
    welcome.protocol_version = kProtocolVersion;
    welcome.epoch = policy.epoch;
    Message last = welcome;
    CO_TRY_OK(co_await connection->send(std::move(last)));
    co_return peer;
}

Task<void> turn_away(ports::Connection* connection, std::string reason) {
    LinkReject reject;
    reject.code = Errc::kUnavailable;
    reject.reason = std::move(reason);
    Message message = std::move(reject);
    const Result<void> ignored = co_await connection->send(std::move(message));
    static_cast<void>(ignored);  // a peer that is gone needs no reason
    connection->close();
}

Task<Result<LinkWelcome>> introduce(Runtime* runtime, ports::Connection* connection, Introduction introduction) {
    CO_TRY(Message first, co_await connection->receive(runtime->now() + introduction.patience));
    if (const auto* reject = std::get_if<LinkReject>(&first)) {
        co_return make_error(Errc::kUnavailable, "turned away: " + reject->reason);
    }
    const auto* challenge = std::get_if<LinkChallenge>(&first);
    if (challenge == nullptr) co_return make_error(Errc::kCorrupt, "the server did not send a challenge");
    LinkHello hello;
    hello.peer = introduction.signer->address();
    hello.role = introduction.role;
    hello.issued_at = runtime->unix_now();
    hello.software_version = introduction.software_version;
    hello.protocol_version = kProtocolVersion;
    const Hash digest = market::link_hello_digest(*introduction.deployment, hello.peer, hello.role,
                                                  challenge->challenge, hello.issued_at);
    CO_TRY(hello.signature, introduction.signer->sign(digest));
    Message answer = hello;
    CO_TRY_OK(co_await connection->send(std::move(answer)));
    CO_TRY(Message verdict, co_await connection->receive(runtime->now() + introduction.patience));
    if (const auto* reject = std::get_if<LinkReject>(&verdict)) {
        co_return make_error(reject->code, "rejected: " + reject->reason);
    }
    const auto* welcome = std::get_if<LinkWelcome>(&verdict);
    if (welcome == nullptr) co_return make_error(Errc::kCorrupt, "the server sent no welcome");
    if (welcome->chain_id != introduction.deployment->chain_id) {
        co_return make_error(Errc::kDenied, "the scheduler is on another chain");
    }
    co_return *welcome;
}

}  // namespace vcity::services
