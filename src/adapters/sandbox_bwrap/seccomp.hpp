// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/sandbox_bwrap/descriptor.hpp"
#include "base/result.hpp"

namespace vcity::adapters {

// A memory file with the filter's BPF program, at its beginning.
//
// The filter refuses system calls that programs do not need and that have been ways out of sandboxes: tracing and
// reading other processes, mounts and new namespaces, kernel modules and kexec, BPF, io_uring, userfaultfd, performance
// events, kernel keys, injected terminal input, and socket families other than local and Internet (vsock ignores
// network namespaces). Refused calls fail with EPERM; clone3 with ENOSYS, so that the C library takes clone, whose
// flags the filter can see. Calls of another architecture kill the process.
Result<Descriptor> make_seccomp_filter();

}  // namespace vcity::adapters
