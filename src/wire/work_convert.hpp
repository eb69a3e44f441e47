// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/work_messages.hpp"
#include "wire/records_convert.hpp"

namespace vcity::v1 {
class InputFile;
class JobFinished;
class Preferences;
class StepCheckpoint;
class StepFile;
class StepFinished;
class StepGrant;
class StepGroup;
class StepOutput;
class StepStarted;
class StepStatus;
class StepPort;
class StepSetup;
class StepWork;
class UnitAsk;
class UnitsReply;
class UnitsReply_Entry;
class WorkAccepted;
class WorkCancel;
class WorkEventLine;
class WorkOrder;
class WorkOutputReply;
class WorkOutputRequest;
class WorkQuote;
class WorkSpec;
class WorkStatusReply;
class WorkStatusRequest;
}  // namespace vcity::v1

// Values of work.proto, and the messages of a link that carry them.
namespace vcity::wire {

void write(const UnitAsk& value, v1::UnitAsk* out);
void write(const InputFile& value, v1::InputFile* out);
void write(const StepFile& value, v1::StepFile* out);
void write(const StepPort& value, v1::StepPort* out);
void write(const StepSetup& value, v1::StepSetup* out);
void write(const StepGroup& value, v1::StepGroup* out);
void write(const WorkSpec& value, v1::WorkSpec* out);
void write(const WorkOrder& value, v1::WorkOrder* out);
void write(const StepWork& value, v1::StepWork* out);
void write(const StepStatus& value, v1::StepStatus* out);
void write(const WorkEventLine& value, v1::WorkEventLine* out);

UnitAsk read(Reader& in, const v1::UnitAsk& proto);
InputFile read(Reader& in, const v1::InputFile& proto);
StepFile read(Reader& in, const v1::StepFile& proto);
StepPort read(Reader& in, const v1::StepPort& proto);
StepSetup read(Reader& in, const v1::StepSetup& proto);
StepGroup read(Reader& in, const v1::StepGroup& proto);
Preferences read(Reader& in, const v1::Preferences& proto);
WorkSpec read(Reader& in, const v1::WorkSpec& proto);
WorkOrder read(Reader& in, const v1::WorkOrder& proto);
StepWork read(Reader& in, const v1::StepWork& proto);
StepStatus read(Reader& in, const v1::StepStatus& proto);
WorkEventLine read(Reader& in, const v1::WorkEventLine& proto);
UnitsReply::Entry read(Reader& in, const v1::UnitsReply_Entry& proto);

// Defined with the other messages of a link.
void write_body(const JobFinished& value, v1::JobFinished* out);
JobFinished read_body(Reader& in, const v1::JobFinished& proto);

void write_body(const StepGrant& value, v1::StepGrant* out);
void write_body(const StepStarted& value, v1::StepStarted* out);
void write_body(const StepOutput& value, v1::StepOutput* out);
void write_body(const StepFinished& value, v1::StepFinished* out);
void write_body(const StepCheckpoint& value, v1::StepCheckpoint* out);
void write_body(const WorkQuote& value, v1::WorkQuote* out);
void write_body(const WorkAccepted& value, v1::WorkAccepted* out);
void write_body(const WorkCancel& value, v1::WorkCancel* out);
void write_body(const WorkStatusRequest& value, v1::WorkStatusRequest* out);
void write_body(const WorkStatusReply& value, v1::WorkStatusReply* out);
void write_body(const WorkOutputRequest& value, v1::WorkOutputRequest* out);
void write_body(const WorkOutputReply& value, v1::WorkOutputReply* out);
void write_body(const UnitsReply& value, v1::UnitsReply* out);

StepGrant read_body(Reader& in, const v1::StepGrant& proto);
StepStarted read_body(Reader& in, const v1::StepStarted& proto);
StepOutput read_body(Reader& in, const v1::StepOutput& proto);
StepFinished read_body(Reader& in, const v1::StepFinished& proto);
StepCheckpoint read_body(Reader& in, const v1::StepCheckpoint& proto);
WorkQuote read_body(Reader& in, const v1::WorkQuote& proto);
WorkAccepted read_body(Reader& in, const v1::WorkAccepted& proto);
WorkCancel read_body(Reader& in, const v1::WorkCancel& proto);
WorkStatusRequest read_body(Reader& in, const v1::WorkStatusRequest& proto);
WorkStatusReply read_body(Reader& in, const v1::WorkStatusReply& proto);
WorkOutputRequest read_body(Reader& in, const v1::WorkOutputRequest& proto);
WorkOutputReply read_body(Reader& in, const v1::WorkOutputReply& proto);
UnitsReply read_body(Reader& in, const v1::UnitsReply& proto);

}  // namespace vcity::wire
