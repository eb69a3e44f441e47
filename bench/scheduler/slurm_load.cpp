// SPDX-License-Identifier: Apache-2.0
// Asks a running slurmctld for allocations of one processor, one after the other, as one client.
//
//   slurm_load CONFIG COUNT    prints a line for each allocation that was granted: when it was asked for and when its
//                              nodes were known, in seconds of the monotonic clock
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <unistd.h>

namespace {

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool allocate() {
    char name[] = "bench";
    char folder[] = "/tmp";
    job_desc_msg_t job;
    slurm_init_job_desc_msg(&job);
    job.name = name;
    job.work_dir = folder;
    job.user_id = getuid();
    job.group_id = getgid();
    job.num_tasks = 1;
    job.cpus_per_task = 1;
    job.min_cpus = 1;
    job.min_nodes = 1;
    job.max_nodes = 1;
    job.pn_min_memory = 1'000;  // MiB
    job.time_limit = 60;        // minutes
    resource_allocation_response_msg_t* answer = nullptr;
    const int status = slurm_allocate_resources(&job, &answer);
    const bool is_placed = status == 0 && answer != nullptr && answer->node_list != nullptr;
    if (!is_placed) std::fprintf(stderr, "slurm_load: %s\n", slurm_strerror(errno));
    if (answer != nullptr) slurm_free_resource_allocation_response_msg(answer);
    return is_placed;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    slurm_init(argv[1]);
    const long count = std::strtol(argv[2], nullptr, 10);
    for (long done = 0; done < count; ++done) {
        const double asked = now();
        if (!allocate()) return 1;
        std::printf("%.6f %.6f\n", asked, now());
    }
    return 0;
}
