// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>

#include "placement/packing_mix.hpp"

namespace vcity::placement {

// How much of each GPU model's free capacity will be asked for by requests that cannot go everywhere: 0 nobody needs
// this model, 1 all that is free is spoken for, more than 1 not all of them will fit. Requests for any of several
// models are spread over these by free capacity and against pressure, to a fixed point of twelve rounds. A request that
// could go elsewhere should stay away from a model under pressure.
std::array<double, kPackingModels> model_pressures(std::span<const RequestMix::Shape> shapes,
                                                   const PackingSupply& supply);

}  // namespace vcity::placement
