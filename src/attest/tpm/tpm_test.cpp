// SPDX-License-Identifier: Apache-2.0
// TPM quotes, virtual TPMs and event logs beyond the recorded vectors.
#include <gtest/gtest.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/policy.hpp"
#include "attest/testing/authority.hpp"
#include "attest/testing/vector_check.hpp"
#include "attest/tpm/quote.hpp"
#include "attest/tpm/vtpm.hpp"

namespace vcity::attest {
namespace {

const testing::VectorFolder& folder() {
    static const testing::VectorFolder kFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"};
    return kFolder;
}

// Writes big-endian or little-endian structures.
struct Writer {
    Bytes bytes;
    bool is_big = true;

    Writer& number(std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t shift = 8 * (is_big ? size - 1 - i : i);
            bytes.push_back(static_cast<std::uint8_t>(value >> shift));
        }
        return *this;
    }
    Writer& raw(ByteView view) {
        append(&bytes, view);
        return *this;
    }
    Writer& sized(ByteView view) { return number(view.size(), 2).raw(view); }
};

constexpr std::uint32_t kMagic = 0xff544347;
constexpr std::uint16_t kQuote = 0x8018;
const Bytes kNonce(32, 0x5a);
const std::vector<Bytes> kPcrs{Bytes(32, 1), Bytes(32, 2)};

// A quote over PCR 0 and 7 of the SHA-256 bank.
Bytes a_quote(std::uint32_t magic = kMagic, std::uint16_t type = kQuote) {
    Bytes all = kPcrs[0];
    append(&all, kPcrs[1]);
    Writer writer;
    writer.number(magic, 4).number(type, 2).sized(Bytes(34, 0)).sized(kNonce);
    writer.number(1, 8).number(2, 4).number(3, 4).number(1, 1).number(99, 8);
    writer.number(1, 4).number(0x000b, 2).number(3, 1).raw(Bytes{0x81, 0, 0});
    writer.sized(digest(HashAlgorithm::kSha256, all));
    return writer.bytes;
}

TpmEvidence sign(const testing::Authority& key, Bytes message) {
    const Bytes r_s = key.sign(message);
    TpmEvidence evidence;
    evidence.message = std::move(message);
    const Writer writer =
        Writer{}.number(0x0018, 2).number(0x000b, 2).sized(ByteView{r_s}.first(32)).sized(ByteView{r_s}.subspan(32));
    evidence.signature = parse_tpm_signature(writer.bytes).value();
    evidence.pcrs = kPcrs;
    return evidence;
}

// TPMT_PUBLIC of a P-256 key.
Bytes public_area(const Bytes& point, std::uint32_t attributes) {
    Writer writer;
    writer.number(0x0023, 2).number(0x000b, 2).number(attributes, 4).sized({});
    writer.number(0x0010, 2).number(0x0018, 2).number(0x000b, 2).number(3, 2).number(0x0010, 2);
    writer.sized(ByteView{point}.first(32)).sized(ByteView{point}.subspan(32));
    return writer.bytes;
}
constexpr std::uint32_t kGoodAttributes = 1U << 1U | 1U << 4U | 1U << 5U | 1U << 6U | 1U << 16U | 1U << 18U;

TEST(TpmQuote, SignedWithEcdsaByTheKeyOfAPublicAreaIsAccepted) {
    const testing::Authority ak = testing::Authority::root();
    const PublicKey key = parse_tpm_public(public_area(ak.public_point(), kGoodAttributes)).value();

    const Verdict verdict = verify_tpm_quote(sign(ak, a_quote()), key);

    EXPECT_TRUE(verdict.is_authentic()) << verdict.first_failure();
    EXPECT_EQ(verdict.report_data, kNonce);
    ASSERT_NE(verdict.measurement("pcr7"), nullptr);
    EXPECT_EQ(*verdict.measurement("pcr7"), kPcrs[1]);
    Policy policy = strict_policy(EvidenceKind::kTpm);
    EXPECT_TRUE(decide(policy, verdict, kNonce, {}).objects(Refusal::kNotChecked));
    policy.steps = {};
    EXPECT_TRUE(decide(policy, verdict, kNonce, {}).is_accepted());
}

// A restricted key signs outside data too, but never data that starts with the magic.
TEST(TpmQuote, WithoutTheMagicOrOfAnotherTypeIsRefused) {
    const testing::Authority ak = testing::Authority::root();
    const PublicKey key = PublicKey::from_point(KeyKind::kEcP256, ak.public_point()).value();
    for (const Bytes& message : {a_quote(0xff544348), a_quote(kMagic, 0x8017)}) {
        const Verdict verdict = verify_tpm_quote(sign(ak, message), key);
        EXPECT_EQ(verdict.outcome(Step::kFormat), StepOutcome::kFailed);
        EXPECT_FALSE(verdict.is_authentic());
    }
}

TEST(TpmQuote, OfAnotherKeyOrOtherRegistersIsRefused) {
    const testing::Authority ak = testing::Authority::root();
    const testing::Authority other = testing::Authority::root();
    const PublicKey key = PublicKey::from_point(KeyKind::kEcP256, ak.public_point()).value();
    EXPECT_EQ(verify_tpm_quote(sign(other, a_quote()), key).outcome(Step::kReportSignature), StepOutcome::kFailed);

    TpmEvidence evidence = sign(ak, a_quote());
    std::swap(evidence.pcrs[0], evidence.pcrs[1]);
    EXPECT_EQ(verify_tpm_quote(evidence, key).outcome(Step::kRegisterDigest), StepOutcome::kFailed);
    evidence.pcrs.resize(1);
    EXPECT_EQ(verify_tpm_quote(evidence, key).outcome(Step::kRegisterDigest), StepOutcome::kFailed);
    evidence.pcrs = {Bytes(31, 1), Bytes(32, 2)};
    EXPECT_EQ(verify_tpm_quote(evidence, key).outcome(Step::kRegisterDigest), StepOutcome::kFailed);
    evidence.pcrs = std::vector<Bytes>(24, Bytes(32, 0));
    evidence.pcrs[0] = kPcrs[0];
    evidence.pcrs[7] = kPcrs[1];
    EXPECT_TRUE(verify_tpm_quote(evidence, key).is_authentic());
}

TEST(TpmQuote, CutAnywhereOrWithMoreBytesIsRefused) {
    Bytes quote = a_quote();
    for (std::size_t size = 0; size < quote.size(); ++size) {
        EXPECT_FALSE(parse_tpm_quote(ByteView{quote}.first(size))) << size;
    }
    EXPECT_TRUE(parse_tpm_quote(quote));
    quote.push_back(0);
    EXPECT_FALSE(parse_tpm_quote(quote));
}

// A key that is not restricted signs a forged quote; one that leaves the TPM signs anywhere.
TEST(TpmPublic, OfAKeyThatCouldSignAnythingIsRefused) {
    const Bytes point = testing::Authority::root().public_point();
    for (const unsigned bit : {1U, 4U, 16U, 18U}) {
        EXPECT_FALSE(parse_tpm_public(public_area(point, kGoodAttributes & ~(1U << bit)))) << bit;
    }
    EXPECT_FALSE(parse_tpm_public(public_area(point, kGoodAttributes | 1U << 17U)));
    EXPECT_TRUE(parse_tpm_public(public_area(point, kGoodAttributes)));
    EXPECT_FALSE(parse_tpm_public(public_area(Bytes(64, 1), kGoodAttributes)));
}

TEST(TpmPolicy, RefusesTheSha1QuoteOfARealMachine) {
    for (const codec::Json& check : folder().checks()) {
        if (*check.find("as")->get_string() != "windows_tpm") continue;
        const Verdict verdict = testing::run_check(folder(), check, folder().read(*check.find("file")->get_string()));
        Policy policy = strict_policy(EvidenceKind::kTpm);
        policy.steps = {};
        EXPECT_TRUE(verdict.is_authentic());
        EXPECT_TRUE(decide(policy, verdict, Bytes(32, 1), {}).objects(Refusal::kVersion));
    }
}

TEST(PublicKey, OfSmallModulusOrEvenExponentIsRefused) {
    Bytes modulus(256, 0xff);
    EXPECT_TRUE(PublicKey::from_rsa(modulus, Bytes{1, 0, 1}));
    EXPECT_FALSE(PublicKey::from_rsa(ByteView{modulus}.first(128), Bytes{1, 0, 1}));
    EXPECT_FALSE(PublicKey::from_rsa(Bytes(513, 0xff), Bytes{1, 0, 1}));
    EXPECT_FALSE(PublicKey::from_rsa(modulus, Bytes{2}));
    EXPECT_FALSE(PublicKey::from_rsa(modulus, Bytes{1}));
    EXPECT_FALSE(PublicKey::from_rsa(modulus, Bytes{}));
    EXPECT_FALSE(PublicKey::from_point(KeyKind::kEcP256, Bytes(64, 0)));
    EXPECT_FALSE(PublicKey::from_point(KeyKind::kEcP384, Bytes(64, 1)));
}

TEST(HclReport, WithAnotherRuntimeOrTrailingBytesIsRefused) {
    Bytes report = folder().read("tpm/az-snp/hcl-report.bin");
    ASSERT_TRUE(parse_hcl_report(report));
    EXPECT_FALSE(parse_hcl_report(ByteView{report}.first(1300)));
    report.back() = 1;
    EXPECT_FALSE(parse_hcl_report(report));

    report = folder().read("tpm/az-snp/hcl-report.bin");
    Verdict hardware;
    hardware.kind = EvidenceKind::kSevSnp;
    for (const Step step : required_steps(hardware.kind)) hardware.pass(step);
    hardware.report_data = Bytes(64, 0);
    EXPECT_FALSE(is_bound(hardware, parse_hcl_report(report).value()));
    const HclReport parsed = parse_hcl_report(report).value();
    hardware.report_data = digest(parsed.hash, as_bytes(parsed.runtime));
    hardware.report_data.resize(64);
    hardware.measurements = {{"vmpl", Bytes(4, 0)}};
    EXPECT_TRUE(is_bound(hardware, parsed));
    hardware.report_data[63] = 1;
    EXPECT_FALSE(is_bound(hardware, parsed));
    hardware.report_data[63] = 0;
    hardware.measurements = {{"vmpl", Bytes{2, 0, 0, 0}}};
    EXPECT_FALSE(is_bound(hardware, parsed));
}

// --- event logs

Writer little() {
    return Writer{.bytes = {}, .is_big = false};
}

// The first event of a crypto-agile log with SHA-256 and SHA-384.
Bytes spec_event(std::uint32_t algorithms = 2) {
    Writer data = little();
    data.raw(as_bytes(std::string_view{"Spec ID Event03\0", 16})).number(0, 8).number(algorithms, 4);
    data.number(0x000b, 2).number(32, 2).number(0x000c, 2).number(48, 2).number(0, 1);
    return little().number(0, 4).number(3, 4).raw(Bytes(20, 0)).number(data.bytes.size(), 4).raw(data.bytes).bytes;
}
Bytes agile_event(std::uint32_t index, std::uint32_t type, std::uint8_t fill, ByteView data) {
    Writer writer = little();
    writer.number(index, 4).number(type, 4).number(2, 4);
    writer.number(0x000b, 2).raw(Bytes(32, fill)).number(0x000c, 2).raw(Bytes(48, fill));
    return writer.number(data.size(), 4).raw(data).bytes;
}

TEST(EventLog, ReplaysWhatWasExtended) {
    Bytes log = spec_event();
    append(&log, agile_event(4, 5, 0x11, as_bytes("boot")));
    append(&log, agile_event(4, 3, 0x22, as_bytes("no action")));
    append(&log, agile_event(4, 5, 0x33, {}));

    const auto registers = replay(parse_event_log(log).value(), HashAlgorithm::kSha256);

    Bytes value(32);
    for (const std::uint8_t fill : {std::uint8_t{0x11}, std::uint8_t{0x33}}) {
        append(&value, Bytes(32, fill));
        value = digest(HashAlgorithm::kSha256, value);
    }
    ASSERT_EQ(registers.size(), 1U);
    EXPECT_EQ(registers.at(4), value);
    EXPECT_EQ(replay(parse_event_log(log).value(), HashAlgorithm::kSha384).at(4).size(), 48U);
    EXPECT_TRUE(replay(parse_event_log(log).value(), HashAlgorithm::kSha1).empty());
}

TEST(EventLog, StartsPcr0FromTheLocality) {
    Bytes log = spec_event();
    Bytes locality = to_bytes(as_bytes(std::string_view{"StartupLocality\0", 16}));
    locality.push_back(3);
    append(&log, agile_event(0, 3, 0, locality));
    append(&log, agile_event(0, 8, 0x11, {}));

    Bytes value(32);
    value.back() = 3;
    append(&value, Bytes(32, 0x11));
    EXPECT_EQ(replay(parse_event_log(log).value(), HashAlgorithm::kSha256).at(0),
              digest(HashAlgorithm::kSha256, value));
}

TEST(EventLog, MayEndInFillingOfOneKindOnly) {
    Bytes log = spec_event();
    append(&log, agile_event(4, 5, 0x11, as_bytes("boot")));
    for (const std::uint8_t fill : {std::uint8_t{0}, std::uint8_t{0xff}}) {
        Bytes filled = log;
        filled.resize(log.size() + 100, fill);
        EXPECT_EQ(parse_event_log(filled)->events.size(), 1U);
        filled.back() = 7;
        EXPECT_FALSE(parse_event_log(filled));
    }
}

TEST(EventLog, CutInsideAnEventOrWithForeignAlgorithmsIsRefused) {
    const Bytes start = spec_event();
    Bytes log = start;
    append(&log, agile_event(4, 5, 0x11, as_bytes("boot")));
    for (std::size_t size = 0; size < log.size(); ++size) {
        if (size == start.size()) continue;
        EXPECT_FALSE(parse_event_log(ByteView{log}.first(size))) << size;
    }
    EXPECT_FALSE(parse_event_log(spec_event(0)));
    EXPECT_FALSE(parse_event_log(spec_event(9)));
    EXPECT_FALSE(parse_event_log(spec_event(5)));
    Bytes foreign = start;
    append(&foreign,
           little().number(4, 4).number(5, 4).number(1, 4).number(0x0012, 2).raw(Bytes(32, 1)).number(0, 4).bytes);
    EXPECT_FALSE(parse_event_log(foreign));
    Bytes many = start;
    append(&many, little().number(4, 4).number(5, 4).number(0xffffffff, 4).bytes);
    EXPECT_FALSE(parse_event_log(many));
}

TEST(CcelLog, ThatDoesNotReplayFailsTheVerdict) {
    Verdict verdict;
    for (const char* name : {"rtmr0", "rtmr1", "rtmr2", "rtmr3"}) verdict.measurements.push_back({name, Bytes(48, 0)});
    Bytes log = spec_event();
    Verdict empty = verdict;
    check_ccel(log, &empty);
    EXPECT_EQ(empty.outcome(Step::kEventLog), StepOutcome::kPassed);

    append(&log, agile_event(2, 5, 0x11, {}));
    check_ccel(log, &verdict);

    EXPECT_EQ(verdict.outcome(Step::kEventLog), StepOutcome::kFailed);
    EXPECT_EQ(verdict.first_failure(), "the log does not replay to RTMR 1");
}

}  // namespace
}  // namespace vcity::attest
