// SPDX-License-Identifier: Apache-2.0
#include "adapters/tee_tpm2/tpm_device.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "attest/tpm/quote.hpp"

namespace vcity::adapters {
namespace {

constexpr int kQuoteTries = 3;
constexpr std::uint32_t kRegisterMax = 23;
constexpr TPM2_HANDLE kEndorsementCertificate = 0x01c00002;  // TCG EK credential profile, RSA 2048
constexpr std::size_t kCertificateMax = 4096;
constexpr std::uint16_t kReadMax = 512;
// Of template L-1: PolicySecret(TPM_RH_ENDORSEMENT).
constexpr std::array<std::uint8_t, 32> kEndorsementPolicy{
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

struct Release {
    void operator()(void* memory) const { Esys_Free(memory); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;

Result<void> check(TSS2_RC code, const char* what) {
    if (code == TSS2_RC_SUCCESS) return {};
    return make_error(Errc::kUnavailable, std::string{"TPM: "} + what + ": " + Tss2_RC_Decode(code));
}

template <class Buffer>
void fill(Buffer* target, BYTE* bytes, ByteView view) {
    target->size = static_cast<UINT16>(view.size());
    std::ranges::copy(view, bytes);
}

TPML_PCR_SELECTION selection_of(const std::vector<std::uint32_t>& registers) {
    TPML_PCR_SELECTION selection{};
    selection.count = 1;
    selection.pcrSelections[0].hash = TPM2_ALG_SHA256;
    selection.pcrSelections[0].sizeofSelect = 3;
    for (const std::uint32_t index : registers) {
        BYTE& byte = selection.pcrSelections[0].pcrSelect[index / 8];
        byte = static_cast<BYTE>(byte | (1U << (index % 8)));
    }
    return selection;
}

TPM2B_PUBLIC attestation_template() {
    TPM2B_PUBLIC made{};
    TPMT_PUBLIC& area = made.publicArea;
    area.type = TPM2_ALG_ECC;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
    area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
    area.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
    area.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    return made;
}

TPM2B_PUBLIC endorsement_template() {
    TPM2B_PUBLIC made{};
    TPMT_PUBLIC& area = made.publicArea;
    area.type = TPM2_ALG_RSA;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                            TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
    fill(&area.authPolicy, area.authPolicy.buffer, kEndorsementPolicy);
    area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_AES;
    area.parameters.rsaDetail.symmetric.keyBits.aes = 128;
    area.parameters.rsaDetail.symmetric.mode.aes = TPM2_ALG_CFB;
    area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
    area.parameters.rsaDetail.keyBits = 2048;
    area.unique.rsa.size = 256;  // of zeros, as the template has it
    return made;
}

// Flushed with the object unless its handle was taken: a TPM without a resource manager has room for three.
struct PrimaryKey {
    explicit PrimaryKey(ESYS_CONTEXT* of) : esys{of} {}
    ~PrimaryKey() {
        if (handle != ESYS_TR_NONE) Esys_FlushContext(esys, handle);
    }
    PrimaryKey(PrimaryKey&& other) noexcept
        : esys{other.esys}, handle{other.take()}, public_area{std::move(other.public_area)} {}
    PrimaryKey& operator=(PrimaryKey&&) = delete;
    ESYS_TR take() { return std::exchange(handle, ESYS_TR_NONE); }

    ESYS_CONTEXT* esys;
    ESYS_TR handle = ESYS_TR_NONE;
    Bytes public_area;
};
Result<PrimaryKey> make_primary(ESYS_CONTEXT* esys, const TPM2B_PUBLIC& wanted) {
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION creation{};
    PrimaryKey key{esys};
    TPM2B_PUBLIC* made = nullptr;
    TRY_OK(
        check(Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                                 &wanted, &outside, &creation, &key.handle, &made, nullptr, nullptr, nullptr),
              "create a primary key"));
    const Owned<TPM2B_PUBLIC> owned{made};
    std::array<std::uint8_t, sizeof(TPMT_PUBLIC)> bytes{};
    std::size_t size = 0;
    TRY_OK(check(Tss2_MU_TPMT_PUBLIC_Marshal(&made->publicArea, bytes.data(), bytes.size(), &size), "a public area"));
    key.public_area.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    return key;
}

// A session whose policy is that of the endorsement key; flushed with the object.
class EndorsementSession {
  public:
    explicit EndorsementSession(ESYS_CONTEXT* esys) : esys_{esys} {}
    ~EndorsementSession() {
        if (handle_ != ESYS_TR_NONE) Esys_FlushContext(esys_, handle_);
    }
    EndorsementSession(const EndorsementSession&) = delete;
    EndorsementSession& operator=(const EndorsementSession&) = delete;

    Result<ESYS_TR> start() {
        TPMT_SYM_DEF symmetric{};
        symmetric.algorithm = TPM2_ALG_NULL;
        TRY_OK(check(Esys_StartAuthSession(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                           nullptr, TPM2_SE_POLICY, &symmetric, TPM2_ALG_SHA256, &handle_),
                     "start a policy session"));
        TRY_OK(check(Esys_PolicySecret(esys_, ESYS_TR_RH_ENDORSEMENT, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                       ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, nullptr, nullptr),
                     "authorise the endorsement key"));
        return handle_;
    }

  private:
    ESYS_CONTEXT* esys_;
    ESYS_TR handle_ = ESYS_TR_NONE;
};

// The digest of the quote is that of the values read beside it.
bool is_consistent(const attest::Evidence& evidence) {
    const Result<attest::PublicKey> key = attest::parse_tpm_public(evidence.key);
    const Result<attest::TpmSignature> signature = attest::parse_tpm_signature(evidence.signature);
    if (!key || !signature) return false;
    const attest::TpmEvidence quote{.message = evidence.report, .signature = *signature, .pcrs = evidence.registers};
    return attest::verify_tpm_quote(quote, *key).is_authentic();
}

}  // namespace

Result<std::shared_ptr<TpmDevice>> TpmDevice::open(const std::string& tcti, std::vector<std::uint32_t> registers) {
    const bool is_ascending =
        std::ranges::adjacent_find(registers, std::greater_equal<std::uint32_t>{}) == registers.end();
    if (registers.empty() || !is_ascending || registers.back() > kRegisterMax) {
        return make_error(Errc::kInvalid, "TPM: registers must be ascending, from 0 to 23");
    }
    std::shared_ptr<TpmDevice> device{new TpmDevice};
    device->registers_ = std::move(registers);
    TRY_OK(check(Tss2_TctiLdr_Initialize(tcti.c_str(), &device->tcti_), "open the device"));
    TRY_OK(check(Esys_Initialize(&device->esys_, device->tcti_, nullptr), "start"));
    TRY_OK(device->make_attestation_key());
    return device;
}

TpmDevice::~TpmDevice() {
    if (esys_ != nullptr) {
        if (attestation_key_ != 0) Esys_FlushContext(esys_, attestation_key_);
        Esys_Finalize(&esys_);
    }
    if (tcti_ != nullptr) Tss2_TctiLdr_Finalize(&tcti_);
}

Result<void> TpmDevice::make_attestation_key() {
    TRY(PrimaryKey key, make_primary(esys_, attestation_template()));
    attestation_key_ = key.take();
    attestation_public_ = std::move(key.public_area);
    return {};
}

// A TPM gives at most eight registers at a time, and the update counter tells whether they belong together; the quote's
// digest decides in the end.
Result<std::vector<Bytes>> TpmDevice::read_registers() {
    std::vector<Bytes> values;
    while (values.size() < registers_.size()) {
        const auto from = registers_.begin() + static_cast<std::ptrdiff_t>(values.size());
        const std::size_t count = std::min<std::size_t>(8, registers_.size() - values.size());
        const TPML_PCR_SELECTION wanted = selection_of({from, from + static_cast<std::ptrdiff_t>(count)});
        TPML_DIGEST* digests = nullptr;
        TRY_OK(
            check(Esys_PCR_Read(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted, nullptr, nullptr, &digests),
                  "read registers"));
        const Owned<TPML_DIGEST> owned{digests};
        if (digests->count != count) return make_error(Errc::kUnavailable, "TPM: it has no SHA-256 bank");
        for (std::size_t i = 0; i < count; ++i) {
            const TPM2B_DIGEST& digest = digests->digests[i];
            values.emplace_back(digest.buffer, digest.buffer + digest.size);
        }
    }
    return values;
}

Result<attest::Evidence> TpmDevice::quote_once(ByteView nonce) {
    TPM2B_DATA qualifying{};
    fill(&qualifying, qualifying.buffer, nonce);
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = TPM2_ALG_NULL;  // the key's own
    const TPML_PCR_SELECTION selection = selection_of(registers_);
    attest::Evidence evidence;
    evidence.kind = attest::EvidenceKind::kTpm;
    evidence.key = attestation_public_;
    TRY(evidence.registers, read_registers());
    TPM2B_ATTEST* quoted = nullptr;
    TPMT_SIGNATURE* signature = nullptr;
    TRY_OK(check(Esys_Quote(esys_, attestation_key_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &qualifying, &scheme,
                            &selection, &quoted, &signature),
                 "quote"));
    const Owned<TPM2B_ATTEST> owned_quote{quoted};
    const Owned<TPMT_SIGNATURE> owned_signature{signature};
    evidence.report.assign(quoted->attestationData, quoted->attestationData + quoted->size);
    std::array<std::uint8_t, sizeof(TPMT_SIGNATURE)> bytes{};
    std::size_t size = 0;
    TRY_OK(check(Tss2_MU_TPMT_SIGNATURE_Marshal(signature, bytes.data(), bytes.size(), &size), "a signature"));
    evidence.signature.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    return evidence;
}

Result<attest::Evidence> TpmDevice::quote(ByteView nonce) {
    const std::lock_guard<std::mutex> lock{mutex_};
    for (int attempt = 0; attempt < kQuoteTries; ++attempt) {
        TRY(attest::Evidence evidence, quote_once(nonce));
        if (is_consistent(evidence)) return evidence;
    }
    return make_error(Errc::kConflict, "TPM: registers changed during every quote");
}

Bytes TpmDevice::read_endorsement_certificate() {
    ESYS_TR index = ESYS_TR_NONE;
    if (Esys_TR_FromTPMPublic(esys_, kEndorsementCertificate, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index) !=
        TSS2_RC_SUCCESS) {
        return {};
    }
    TPM2B_NV_PUBLIC* described = nullptr;
    Bytes certificate;
    if (Esys_NV_ReadPublic(esys_, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &described, nullptr) ==
        TSS2_RC_SUCCESS) {
        const Owned<TPM2B_NV_PUBLIC> owned{described};
        const std::size_t total = std::min<std::size_t>(described->nvPublic.dataSize, kCertificateMax);
        while (certificate.size() < total) {
            const auto part = static_cast<std::uint16_t>(std::min<std::size_t>(kReadMax, total - certificate.size()));
            TPM2B_MAX_NV_BUFFER* data = nullptr;
            if (Esys_NV_Read(esys_, index, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, part,
                             static_cast<std::uint16_t>(certificate.size()), &data) != TSS2_RC_SUCCESS) {
                certificate.clear();
                break;
            }
            const Owned<TPM2B_MAX_NV_BUFFER> owned_data{data};
            certificate.insert(certificate.end(), data->buffer, data->buffer + data->size);
        }
    }
    Esys_TR_Close(esys_, &index);
    return certificate;
}

Result<ports::TpmIdentity> TpmDevice::identity() {
    const std::lock_guard<std::mutex> lock{mutex_};
    TRY(PrimaryKey endorsement, make_primary(esys_, endorsement_template()));
    return ports::TpmIdentity{.endorsement_public = std::move(endorsement.public_area),
                              .endorsement_certificate = read_endorsement_certificate(),
                              .attestation_public = attestation_public_};
}

Result<Bytes> TpmDevice::activate(ByteView blob, ByteView secret) {
    TPM2B_ID_OBJECT object{};
    TPM2B_ENCRYPTED_SECRET encrypted{};
    if (blob.size() > sizeof object.credential || secret.size() > sizeof encrypted.secret) {
        return make_error(Errc::kDenied, "TPM: a credential that is too long");
    }
    const std::lock_guard<std::mutex> lock{mutex_};
    TRY(const PrimaryKey endorsement, make_primary(esys_, endorsement_template()));
    EndorsementSession session{esys_};
    TRY(const ESYS_TR authorised, session.start());
    fill(&object, object.credential, blob);
    fill(&encrypted, encrypted.secret, secret);
    TPM2B_DIGEST* credential = nullptr;
    const TSS2_RC code = Esys_ActivateCredential(esys_, attestation_key_, endorsement.handle, ESYS_TR_PASSWORD,
                                                 authorised, ESYS_TR_NONE, &object, &encrypted, &credential);
    if (code != TSS2_RC_SUCCESS) {
        return make_error(Errc::kDenied, std::string{"TPM: the credential is not for it: "} + Tss2_RC_Decode(code));
    }
    const Owned<TPM2B_DIGEST> owned{credential};
    return Bytes(credential->buffer, credential->buffer + credential->size);
}

}  // namespace vcity::adapters
