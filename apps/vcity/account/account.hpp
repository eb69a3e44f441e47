// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}  // namespace CLI

namespace vcity::cli {

class Commands;

// account login, logout, show, keys
void add_account_commands(CLI::App* root, Commands* commands);

}  // namespace vcity::cli
