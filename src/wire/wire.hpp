// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/messages.hpp"
#include "model/worker_messages.hpp"

namespace vcity::wire {

// The only place that knows protobuf: model values to the bytes of proto/vcity/v1 and back. Parsing is strict: sizes of
// fixed fields, known enum values, bounded lengths and counts; kCorrupt otherwise, with the field's name.
inline constexpr std::size_t kFrameBytesMax = 8U << 20U;

Bytes encode(const Message& message);
Result<Message> parse_message(ByteView bytes);

Bytes encode(const WorkerMessage& message);
Result<WorkerMessage> parse_worker_message(ByteView bytes);

// Records that roles keep in their stores.
Bytes encode(const SignedReceipt& receipt);
Result<SignedReceipt> parse_receipt(ByteView bytes);
Bytes encode(const Batch& batch);
Result<Batch> parse_batch(ByteView bytes);
Bytes encode(const JobOrder& order);
Result<JobOrder> parse_job_order(ByteView bytes);
Bytes encode(const Lease& lease);
Result<Lease> parse_lease(ByteView bytes);
Bytes encode(const SignedVerdict& verdict);
Result<SignedVerdict> parse_verdict(ByteView bytes);
Bytes encode(const WorkOrder& order);
Result<WorkOrder> parse_work_order(ByteView bytes);
Bytes encode(const StepWork& work);
Result<StepWork> parse_step_work(ByteView bytes);

}  // namespace vcity::wire
