// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/app_spec.hpp"
#include "app/fields.hpp"

// Parts of read_app().
namespace vcity::app::detail {

void read_resources(const Node& node, AppSpec* app, std::vector<std::string>* notes, Problems* problems);
// "resources.ports", "ports": numbers, "8888", "8888/http", "22/tcp", {name, port}, or {name: port}.
void read_ports(const Node& node, const std::string& path, AppSpec* app, Problems* problems);
// "docker:IMAGE" is IMAGE.
void read_image(const Node& node, const std::string& path, AppSpec* app, Problems* problems);
// The section of the app's kind; the others are refused.
void read_parts(Fields* fields, AppSpec* app, Problems* problems);

// A path of the customer's machine that a step finds under `name`, or under its own last part when that is empty.
bool read_file(const Node& node, const std::string& path, std::string name, Problems* problems, AppFile* out);

}  // namespace vcity::app::detail
