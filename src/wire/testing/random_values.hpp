// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "model/messages.hpp"
#include "model/worker_messages.hpp"

namespace vcity::wire::testing {

// Random model values for property tests: every field set, extreme numbers among them. Test only; the same seed gives
// the same values.
class RandomValues {
  public:
    explicit RandomValues(std::uint64_t seed) : state_{seed} {}

    template <class Fixed>
    Fixed fixed() {
        Fixed value;
        for (std::uint8_t& byte : value.bytes) byte = static_cast<std::uint8_t>(next());
        return value;
    }
    std::uint64_t u64() { return next() >> below(64); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(next() >> (32 + below(32))); }
    bool coin() { return below(2) == 1; }
    std::size_t below(std::size_t end) { return static_cast<std::size_t>(next() % end); }
    UnixMillis time() { return UnixMillis{u64()}; }
    Usd usd() { return Usd{u64()}; }
    template <class Enum>
    Enum pick(Enum last) {
        return static_cast<Enum>(below(static_cast<std::size_t>(last) + 1));
    }
    std::string text(std::size_t characters_max = 12) {
        static constexpr std::array<const char*, 6> kCharacters{
            "a", "Z", " ", "\n", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80"};
        std::string result;
        for (std::size_t count = below(characters_max + 1); count > 0; --count) {
            result += kCharacters[below(kCharacters.size())];
        }
        return result;
    }
    Bytes bytes() {
        Bytes result(below(40));
        for (std::uint8_t& byte : result) byte = static_cast<std::uint8_t>(next());
        return result;
    }
    template <class Make>
    auto list(Make make, std::size_t max = 4) {
        std::vector<decltype(make())> items;
        for (std::size_t count = below(max + 1); count > 0; --count) items.push_back(make());
        return items;
    }
    std::vector<Hash> hashes() {
        return list([this] { return fixed<Hash>(); });
    }
    Errc code() { return pick(Errc::kInternal); }

    TokenUsage usage() { return {u64(), u64()}; }
    TokenPrices prices() { return {u64(), u64()}; }
    ModelRequest request() {
        return {text(),
                list([this] { return ChatMessage{text(), text(100)}; }),
                text(100),
                u32(),
                Sampling{static_cast<double>(below(2001)) / 1000, static_cast<double>(below(1000) + 1) / 1000, u64()},
                list([this] { return text(); }),
                fixed<Hash>(),
                pick(Verification::kTee),
                text(),
                u32(),
                pick(AnswerKind::kEmbedding)};
    }
    TokenOption token_option() { return {text(), -static_cast<double>(below(1000)) / 8}; }
    std::vector<TokenLogprobs> logprobs() {
        return list([this] { return TokenLogprobs{token_option(), list([this] { return token_option(); })}; });
    }
    NodeWish wish() {
        const auto addresses = [this] { return list([this] { return fixed<Address>(); }); };
        return {addresses(),
                addresses(),
                addresses(),
                coin(),
                list([this] { return label(); }),
                static_cast<std::uint16_t>(below(10'001)),
                u32(),
                pick(NodeWish::Sort::kLatency)};
    }
    SignedCap cap() { return {{fixed<Address>(), fixed<Address>(), usd(), u64(), u64()}, fixed<Signature>()}; }
    UsageReceipt usage_receipt() {
        return {fixed<JobId>(), fixed<Address>(), fixed<Address>(), fixed<Address>(), u64(),         usage(), usd(),
                usd(),          fixed<Hash>(),    fixed<Hash>(),    fixed<Hash>(),    fixed<Hash>(), time(),  time()};
    }
    SignedReceipt receipt() { return {usage_receipt(), fixed<Signature>(), fixed<Signature>()}; }
    SignedVerdict verdict() {
        return {{fixed<Hash>(), fixed<Address>(), fixed<Address>(), pick(VerdictOutcome::kNotOpened), fixed<Hash>(),
                 time()},
                fixed<Signature>(),
                text()};
    }
    Batch batch() {
        return {{u64(), fixed<Hash>(), fixed<Hash>(), u32(), usd(), u64(), u64()},
                list([this] { return Charge{fixed<CapId>(), usd()}; }),
                list([this] { return receipt(); }),
                list([this] { return Earning{fixed<Address>(), usd()}; })};
    }
    JobOrder order() {
        return {fixed<JobId>(), fixed<Address>(), cap(), request(), usd(), prices(), time(), text(), coin(), wish()};
    }
    Lease lease() { return {fixed<JobId>(), u64(), fixed<Address>(), u32(), time()}; }
    PlacementReason placement() { return {fixed<Address>(), text(), u32(), u32()}; }
    Cell cell() { return {u32(), u32()}; }
    PageId page() { return {u32(), u32(), u32()}; }
    AuditQuestion question() {
        return {list([this] { return cell(); }), list([this] { return page(); }), list([this] { return u32(); })};
    }
    Opening opening() {
        return {bytes(), hashes(),
                list([this] { return OpenedCell{cell(), bytes(), hashes(), bytes(), hashes(), bytes()}; }),
                list([this] { return OpenedPage{page(), bytes(), hashes()}; }),
                list([this] { return OpenedSketch{u32(), bytes(), hashes(), bytes(), hashes(), bytes(), hashes()}; })};
    }
    std::string label() { return std::string(below(32), 'r'); }
    AuditTiers tiers() { return {coin(), coin()}; }
    ModelOffer offer() { return {text(), fixed<Hash>(), prices(), u32(), u32(), tiers()}; }
    NodeAnnouncement announcement() {
        return {pick(NodeKind::kFlexible),
                {label(), static_cast<std::uint16_t>(below(65'536)), u32(), label()},
                list([this] { return offer(); }),
                text(),
                fixed<Hash>(),
                list([this] { return unit_offer(); })};
    }
    UnitOffer unit_offer() {
        return {u32(),
                label(),
                u32(),
                u32(),
                u32(),
                u32(),
                u32(),
                pick(Interconnect::kFabric),
                usd(),
                maybe_usd(),
                u32() & kAllFeatures};
    }
    std::optional<Usd> maybe_usd() { return coin() ? std::optional<Usd>{usd()} : std::nullopt; }
    std::vector<std::string> texts() {
        return list([this] { return text(); });
    }
    std::vector<std::string> names() {
        return list([this] { return label(); });
    }
    UnitAsk unit_ask() { return {names(), u32(), u32(), u32(), u32(), u32(), u32(), pick(Interconnect::kFabric)}; }
    std::vector<InputFile> input_files() {
        return list([this] { return InputFile{label(), bytes(), text(), fixed<Hash>(), u64()}; });
    }
    std::vector<StepFile> step_files() {
        return list([this] { return StepFile{text(), fixed<Hash>(), u64()}; });
    }
    StepSetup step_setup() {
        return {text(),
                label(),
                pick(Egress::kPublic),
                texts(),
                list([this] { return StepPort{label(), static_cast<std::uint16_t>(below(65'536))}; }),
                coin(),
                u32(),
                coin()};
    }
    StepGroup step_group() {
        return {label(),       names(),    names(), u32(), coin(), texts(),     texts(),
                input_files(), unit_ask(), u32(),   u32(), coin(), step_setup()};
    }
    WorkSpec work_spec() {
        return {text(),
                list([this] { return step_group(); }),
                names(),
                label(),
                coin() ? std::optional<NodeKind>{pick(NodeKind::kFlexible)} : std::nullopt,
                maybe_usd(),
                u32(),
                u32(),
                u32(),
                Preferences{u32(), u32(), u32(), u32()},
                pick(ServiceClass::kCritical)};
    }
    WorkOrder work_order() {
        return {fixed<JobId>(), fixed<Address>(), cap(), work_spec(), usd(), u64(), time(), text(), text()};
    }
    StepWork step_work() { return {texts(), texts(), input_files(), unit_ask(), u32(), step_setup(), text()}; }
    StepStatus step_status() {
        return {fixed<JobId>(), label(),          u32(),  pick(StepState::kCancelled),
                u32(),          fixed<Address>(), u32(),  usd(),
                usd(),          time(),           time(), exit_code(),
                text(),         step_files()};
    }
    std::int32_t exit_code() { return static_cast<std::int32_t>(next()); }
    std::vector<StepStatus> step_statuses() {
        return list([this] { return step_status(); });
    }
    UnitsReply::Entry unit_entry() {
        return {fixed<Address>(), unit_offer(), pick(NodeKind::kFlexible), label(), u32(), u32(), u32(), u32(), u64()};
    }
    JobFinished job_finished() {
        return {fixed<Hash>(), fixed<JobId>(), fixed<Address>(),   u64(),
                usage(),       usd(),          fixed<Hash>(),      fixed<Hash>(),
                time(),        time(),         fixed<Signature>(), pick(FinishReason::kCancelled)};
    }

    TunnelTarget tunnel_target() { return {pick(TunnelKind::kSsh), u16(), texts(), coin(), u16(), u16()}; }
    std::uint16_t u16() { return static_cast<std::uint16_t>(next()); }

    // One value of every alternative, in the order of the variant.
    std::vector<Message> every_message() {
        return {
            LinkChallenge{fixed<Hash>()},
            LinkHello{fixed<Address>(), pick(Role::kGateway), time(), fixed<Signature>(), text(), u32()},
            LinkWelcome{fixed<Address>(), u64(), u32(), u64()},
            LinkReject{code(), text()},
            Heartbeat{u32(), u32()},
            NodeReady{announcement(), list([this] { return lease(); })},
            LeaseGrant{lease(), fixed<Address>(), request(), usd(), prices(), text()},
            LeaseRefused{fixed<JobId>(), u64(), code(), text()},
            TokenChunk{fixed<JobId>(), u64(), u64(), text(), u32(), logprobs()},
            job_finished(),
            NodeFailedJob{fixed<JobId>(), u64(), code(), text()},
            ReceiptAck{fixed<Hash>(), coin(), receipt(), text()},
            JobCancel{fixed<JobId>(), u64(), (u64() & 1U) != 0},
            JobRequest{order()},
            JobPlaced{fixed<JobId>(), lease(), prices(), placement()},
            JobDone{receipt(), pick(FinishReason::kCancelled)},
            JobFailed{fixed<JobId>(), code(), text(), coin(), u32()},
            OffersRequest{},
            OffersReply{list([this] { return OffersReply::Entry{fixed<Address>(), offer(), label(), u32()}; })},
            JobStatusRequest{fixed<JobId>()},
            JobStatusReply{fixed<JobId>(), coin(), pick(JobState::kRejected), placement(), receipt(), verdict(), coin(),
                           u64(), fixed<Hash>(), hashes(), text(), fixed<Hash>()},
            AuditTask{receipt(), request(), text(), fixed<Hash>(), coin(), coin()},
            ReplayRequest{fixed<JobId>(), fixed<Hash>()},
            ReplayReply{fixed<JobId>(), fixed<Hash>(), coin(), fixed<Hash>(), text()},
            OpenRequest{fixed<JobId>(), fixed<Hash>(), fixed<Hash>(), question()},
            OpenReply{fixed<JobId>(), fixed<Hash>(), coin(), opening(), text()},
            VerdictReport{verdict(), coin()},
            CapacityQuestion{fixed<Address>(), fixed<Hash>(), u64(), u64(), bytes()},
            CapacityReply{fixed<Hash>(), u64(), coin(), u64(), u64(), bytes(), text()},
            StepGrant{lease(), fixed<Address>(), u32(), u32(), step_work(), usd(), usd(), text()},
            StepStarted{fixed<JobId>(), u64(), time()},
            StepOutput{fixed<JobId>(), u64(), u64(), bytes()},
            StepFinished{job_finished(), exit_code(), u64(), step_files()},
            StepCheckpoint{fixed<JobId>(), u64(), u32(), step_files()},
            WorkQuoteRequest{work_order()},
            WorkQuote{fixed<JobId>(), u64(), usd(), usd(), time(), step_statuses(), text()},
            WorkSubmit{work_order()},
            WorkAccepted{fixed<JobId>(), usd(), step_statuses()},
            WorkCancel{fixed<JobId>(), fixed<Address>()},
            WorkStatusRequest{fixed<JobId>(), fixed<Address>(), coin()},
            WorkStatusReply{fixed<JobId>(), coin(), pick(WorkState::kCancelled), text(), usd(), usd(), time(), time(),
                            step_statuses(), list([this] { return WorkEventLine{time(), text()}; }), text()},
            WorkOutputRequest{fixed<JobId>(), fixed<Address>(), fixed<JobId>(), u64()},
            WorkOutputReply{fixed<JobId>(), fixed<JobId>(), coin(), u64(), bytes(), coin()},
            UnitsRequest{},
            UnitsReply{list([this] { return unit_entry(); })},
            TunnelOpen{fixed<TunnelId>(), fixed<JobId>(), fixed<Address>(), label(), u32(), tunnel_target(), text()},
            TunnelRequest{fixed<TunnelId>(), fixed<JobId>(), u64(), tunnel_target(), text()},
            TunnelRefused{fixed<TunnelId>(), code(), text()},
            StepAway{fixed<JobId>(), u64(), u64()},
        };
    }
    std::vector<WorkerMessage> every_worker_message() {
        return {
            WorkerGenerate{fixed<JobId>(), request(), u64(), fixed<Hash>()},
            WorkerCancel{fixed<JobId>()},
            WorkerOpen{fixed<JobId>(), fixed<Hash>(), question()},
            WorkerDrop{fixed<JobId>()},
            WorkerReady{text(), fixed<Hash>(), u32(), u32(), u32(), tiers()},
            WorkerToken{fixed<JobId>(), text(), u32()},
            WorkerDone{fixed<JobId>(), pick(FinishReason::kCancelled), usage(), fixed<Hash>()},
            WorkerOpening{fixed<JobId>(), opening()},
            WorkerError{fixed<JobId>(), code(), text()},
            WorkerReplay{fixed<JobId>()},
            WorkerReplayed{fixed<JobId>(), fixed<Hash>()},
        };
    }

  private:
    // SplitMix64 (Steele, Lea, Flood 2014).
    std::uint64_t next() {
        std::uint64_t value = state_ += 0x9e3779b97f4a7c15U;
        value = (value ^ value >> 30U) * 0xbf58476d1ce4e5b9U;
        value = (value ^ value >> 27U) * 0x94d049bb133111ebU;
        return value ^ value >> 31U;
    }

    std::uint64_t state_;
};

}  // namespace vcity::wire::testing
