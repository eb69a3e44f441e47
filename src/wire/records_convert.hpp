// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/audit.hpp"
#include "model/job.hpp"
#include "model/node.hpp"
#include "model/receipt.hpp"
#include "model/request.hpp"
#include "wire/reader.hpp"

namespace vcity::v1 {
class AuditQuestion;
class Batch;
class BatchHeader;
class AuditTiers;
class Cell;
class Charge;
class ChatMessage;
class Earning;
class Hardware;
class JobOrder;
class Lease;
class ModelOffer;
class ModelRequest;
class NodeWish;
class NodeAnnouncement;
class OpenedCell;
class OpenedPage;
class OpenedSketch;
class Opening;
class PageId;
class PlacementReason;
class Sampling;
class SignedCap;
class SignedReceipt;
class SignedVerdict;
class SpendingCap;
class TokenLogprobs;
class TokenOption;
class TokenPrices;
class TokenUsage;
class UnitOffer;
class UsageReceipt;
class Verdict;
}  // namespace vcity::v1

namespace vcity::wire {

// A fixed field as the string that protobuf keeps bytes in.
template <class Tag, std::size_t N>
std::string raw(const FixedBytes<Tag, N>& value) {
    return std::string{as_text(value.view())};
}
inline std::string raw(const Bytes& value) {
    return std::string{as_text(value)};
}
// A text that protobuf will accept: a bad byte, say in a quoted error, must not cost us the link.
std::string clean(const std::string& text);

// Values of records.proto. write() fills an empty message; read() notes what is wrong in the Reader.
void write(const TokenUsage& value, v1::TokenUsage* out);
void write(const TokenPrices& value, v1::TokenPrices* out);
void write(const ChatMessage& value, v1::ChatMessage* out);
void write(const Sampling& value, v1::Sampling* out);
void write(const ModelRequest& value, v1::ModelRequest* out);
void write(const TokenOption& value, v1::TokenOption* out);
void write(const TokenLogprobs& value, v1::TokenLogprobs* out);
void write(const NodeWish& value, v1::NodeWish* out);
void write(const SpendingCap& value, v1::SpendingCap* out);
void write(const SignedCap& value, v1::SignedCap* out);
void write(const UsageReceipt& value, v1::UsageReceipt* out);
void write(const SignedReceipt& value, v1::SignedReceipt* out);
void write(const Verdict& value, v1::Verdict* out);
void write(const SignedVerdict& value, v1::SignedVerdict* out);
void write(const Charge& value, v1::Charge* out);
void write(const Earning& value, v1::Earning* out);
void write(const BatchHeader& value, v1::BatchHeader* out);
void write(const Batch& value, v1::Batch* out);
void write(const JobOrder& value, v1::JobOrder* out);
void write(const Lease& value, v1::Lease* out);
void write(const PlacementReason& value, v1::PlacementReason* out);
void write(const Hardware& value, v1::Hardware* out);
void write(const AuditTiers& value, v1::AuditTiers* out);
void write(const ModelOffer& value, v1::ModelOffer* out);
void write(const UnitOffer& value, v1::UnitOffer* out);
void write(const NodeAnnouncement& value, v1::NodeAnnouncement* out);
void write(const Cell& value, v1::Cell* out);
void write(const PageId& value, v1::PageId* out);
void write(const AuditQuestion& value, v1::AuditQuestion* out);
void write(const OpenedCell& value, v1::OpenedCell* out);
void write(const OpenedPage& value, v1::OpenedPage* out);
void write(const OpenedSketch& value, v1::OpenedSketch* out);
void write(const Opening& value, v1::Opening* out);

TokenUsage read(Reader& in, const v1::TokenUsage& proto);
TokenPrices read(Reader& in, const v1::TokenPrices& proto);
ChatMessage read(Reader& in, const v1::ChatMessage& proto);
Sampling read(Reader& in, const v1::Sampling& proto);
ModelRequest read(Reader& in, const v1::ModelRequest& proto);
TokenOption read(Reader& in, const v1::TokenOption& proto);
TokenLogprobs read(Reader& in, const v1::TokenLogprobs& proto);
NodeWish read(Reader& in, const v1::NodeWish& proto);
SpendingCap read(Reader& in, const v1::SpendingCap& proto);
SignedCap read(Reader& in, const v1::SignedCap& proto);
UsageReceipt read(Reader& in, const v1::UsageReceipt& proto);
SignedReceipt read(Reader& in, const v1::SignedReceipt& proto);
Verdict read(Reader& in, const v1::Verdict& proto);
SignedVerdict read(Reader& in, const v1::SignedVerdict& proto);
Charge read(Reader& in, const v1::Charge& proto);
Earning read(Reader& in, const v1::Earning& proto);
BatchHeader read(Reader& in, const v1::BatchHeader& proto);
Batch read(Reader& in, const v1::Batch& proto);
JobOrder read(Reader& in, const v1::JobOrder& proto);
Lease read(Reader& in, const v1::Lease& proto);
PlacementReason read(Reader& in, const v1::PlacementReason& proto);
Hardware read(Reader& in, const v1::Hardware& proto);
AuditTiers read(Reader& in, const v1::AuditTiers& proto);
ModelOffer read(Reader& in, const v1::ModelOffer& proto);
UnitOffer read(Reader& in, const v1::UnitOffer& proto);
NodeAnnouncement read(Reader& in, const v1::NodeAnnouncement& proto);
Cell read(Reader& in, const v1::Cell& proto);
PageId read(Reader& in, const v1::PageId& proto);
AuditQuestion read(Reader& in, const v1::AuditQuestion& proto);
OpenedCell read(Reader& in, const v1::OpenedCell& proto);
OpenedPage read(Reader& in, const v1::OpenedPage& proto);
OpenedSketch read(Reader& in, const v1::OpenedSketch& proto);
Opening read(Reader& in, const v1::Opening& proto);

}  // namespace vcity::wire
