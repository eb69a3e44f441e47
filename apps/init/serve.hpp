// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vcity::init {

// Runs the command and serves requests that come on the control socket meanwhile; gives the command's exit status.
int serve(int control, char** command);

// Connects standard input and output with a port on the loopback, until both directions have ended.
int dial(unsigned port);

}  // namespace vcity::init
