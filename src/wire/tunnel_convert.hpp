// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/tunnel_messages.hpp"
#include "wire/reader.hpp"

namespace vcity::v1 {
class StepAway;
class TunnelOpen;
class TunnelRefused;
class TunnelRequest;
}  // namespace vcity::v1

// Messages of tunnel.proto.
namespace vcity::wire {

void write_body(const TunnelOpen& value, v1::TunnelOpen* out);
void write_body(const TunnelRequest& value, v1::TunnelRequest* out);
void write_body(const TunnelRefused& value, v1::TunnelRefused* out);
void write_body(const StepAway& value, v1::StepAway* out);

TunnelOpen read_body(Reader& in, const v1::TunnelOpen& proto);
TunnelRequest read_body(Reader& in, const v1::TunnelRequest& proto);
TunnelRefused read_body(Reader& in, const v1::TunnelRefused& proto);
StepAway read_body(Reader& in, const v1::StepAway& proto);

}  // namespace vcity::wire
