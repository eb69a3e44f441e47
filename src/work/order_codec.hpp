// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/work.hpp"
#include "work/byte_codec.hpp"

namespace vcity::work::detail {

void put(ByteWriter* writer, const UnitAsk& ask);
void put(ByteWriter* writer, const StepSetup& setup);
void put(ByteWriter* writer, const std::vector<StepFile>& files);
void get(ByteReader* reader, std::vector<StepFile>* files);
void put(ByteWriter* writer, const WorkSpec& spec);
void put(ByteWriter* writer, const WorkOrder& order);
void get(ByteReader* reader, WorkOrder* order);

}  // namespace vcity::work::detail
