// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/audit.hpp"
#include "model/request.hpp"
#include "verify/shape.hpp"

namespace vcity::verify {

// What a trace is a trace of: leaf 0 of the verification tree. It binds the cells to one job, one request, one set of
// weights and one choice of sampling, so that an opening of another job proves nothing.
struct TraceHeader {
    JobId job_id;
    Hash request_hash;
    Hash weights_root;
    Hash shape;  // shape_hash() of the model, which names the compute type too
    AuditTier tier = AuditTier::kServed;
    KernelClass kernel = KernelClass::kFloat32;
    Hash client_nonce;        // of the request; makes the receipt fresh
    std::uint64_t epoch = 0;  // of the network, as the node sees it
    Hash monitor_key;         // keccak-256 of the public key of the node's monitor; zero: none
    Sampling sampling;        // exactly that of the request
    std::vector<std::uint32_t> prompt_tokens;
    std::vector<std::uint32_t> output_tokens;  // everything sampled and billed, an end-of-text token included

    bool operator==(const TraceHeader&) const = default;

    // Token positions the model was run at, all of them committed, the prompt's too: output token i is sampled from the
    // logits at position prompt + i - 1, and the last output token is never fed back. A job without output that bills
    // its prompt has run the whole prompt; an empty prompt has no positions at all.
    std::uint64_t positions() const;
    // The token at a position below positions().
    std::uint32_t token_at(std::uint64_t position) const;
};

inline constexpr std::uint32_t kTraceTokensMax = 1U << 20U;  // prompt and output, each

// Canonical bytes: "VCTH", u8 version 2, job id, request hash, weights root, shape hash, u8 tier, u8 kernel class, u32
// positions of a page, client nonce, u64 epoch, monitor key, f64 temperature, f64 top_p, u64 seed, u32 count and u32
// ids of the prompt, u32 count and u32 ids of the output; all little-endian.
Bytes encode_header(const TraceHeader& header);
// Untrusted bytes: exact size, bounded counts, known numbers, finite values, ids below the vocabulary. kInvalid
// otherwise.
Result<TraceHeader> parse_header(const ModelShape& shape, ByteView bytes);

// The Merkle leaf of canonical bytes.
Hash header_leaf(ByteView bytes);

}  // namespace vcity::verify
