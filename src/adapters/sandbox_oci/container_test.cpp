// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/container.hpp"

#include <gtest/gtest.h>

namespace vcity::adapters {
namespace {

using codec::Json;

const std::string kImage = "docker.io/library/alpine@sha256:" + std::string(64, 'a');

ports::SandboxSpec a_spec() {
    ports::SandboxSpec spec;
    spec.image = kImage;
    spec.command = {"/bin/sh", "-c", "true"};
    spec.environment = {"A=b=c"};
    spec.memory_bytes_max = 64U << 20U;
    spec.cores_max = 2;
    return spec;
}

ContainerSetting a_setting(EngineDialect dialect) {
    ContainerSetting setting;
    setting.dialect = dialect;
    setting.name = "vcity-node-1";
    setting.owner = "node";
    setting.maps_users = dialect == EngineDialect::kLibpod;
    setting.first_user_id = 1'000'000;
    return setting;
}

std::string dumped(const Json* json) {
    return json == nullptr ? "absent" : codec::dump_json(*json);
}

TEST(ContainerSpec, NeedsAnImageByItsDigest) {
    ports::SandboxSpec spec = a_spec();
    EXPECT_TRUE(check_container_spec(spec).has_value());
    for (const std::string& image : {std::string{}, std::string{"alpine"}, std::string{"alpine:latest"},
                                     "alpine@sha256:" + std::string(63, 'a'), "alpine@sha256:" + std::string(64, 'A'),
                                     "@sha256:" + std::string(64, 'a'), "-x@sha256:" + std::string(64, 'a'),
                                     "a b@sha256:" + std::string(64, 'a'), "alpine?x@sha256:" + std::string(64, 'a')}) {
        spec.image = image;
        EXPECT_FALSE(check_container_spec(spec).has_value()) << image;
    }
}

TEST(ContainerSpec, RefusesWhatReachesForTheHost) {
    for (const char* target :
         {"/proc/x", "/dev", "/sys/fs", "/tmp/x", "/job", "/run/x", "relative", "/a/../b", "/a:b"}) {
        ports::SandboxSpec spec = a_spec();
        spec.read_only.push_back({.source = "/usr", .target = target});
        EXPECT_FALSE(check_container_spec(spec).has_value()) << target;
    }
    for (const char* gpu : {"", "/dev/sda", "/dev/sda=0", "gpu", "a b=0"}) {
        ports::SandboxSpec spec = a_spec();
        spec.gpus = {gpu};
        EXPECT_FALSE(check_container_spec(spec).has_value()) << gpu;
    }
    ports::SandboxSpec spec = a_spec();
    spec.egress_hosts = {"example.org"};
    EXPECT_FALSE(check_container_spec(spec).has_value());
}

TEST(CreateBody, TakesAllPrivilegesAwayInLibpod) {
    const Json body = create_body(a_spec(), a_setting(EngineDialect::kLibpod));

    EXPECT_EQ(dumped(body.find("cap_drop")), R"(["ALL"])");
    EXPECT_EQ(dumped(body.find("no_new_privileges")), "true");
    EXPECT_EQ(dumped(body.find("read_only_filesystem")), "true");
    EXPECT_EQ(dumped(body.find("netns")), R"({"nsmode":"none"})");
    EXPECT_EQ(dumped(body.find("userns")), R"({"nsmode":"private"})");
    EXPECT_EQ(dumped(body.find("env")), R"({"HOME":"/tmp","LANG":"C.UTF-8","A":"b=c"})");
    EXPECT_EQ(dumped(body.find("entrypoint")), R"(["/bin/sh"])");
    EXPECT_EQ(dumped(body.find("resource_limits")),
              R"({"pids":{"limit":64},"memory":{"limit":67108864,"swap":67108864},)"
              R"("cpu":{"period":100000,"quota":200000}})");
    EXPECT_EQ(body.find("devices"), nullptr);
    EXPECT_EQ(body.find("privileged"), nullptr);
}

TEST(CreateBody, TakesAllPrivilegesAwayInDocker) {
    ContainerSetting setting = a_setting(EngineDialect::kDocker);
    setting.user = "65534:65534";
    setting.job_source = "/var/lib/x";
    ports::SandboxSpec spec = a_spec();
    spec.gpus = {"nvidia.com/gpu=1"};
    const Json body = create_body(spec, setting);

    const Json* host = body.find("HostConfig");
    ASSERT_NE(host, nullptr);
    EXPECT_EQ(dumped(host->find("CapDrop")), R"(["ALL"])");
    EXPECT_EQ(dumped(host->find("SecurityOpt")), R"(["no-new-privileges"])");
    EXPECT_EQ(dumped(host->find("ReadonlyRootfs")), "true");
    EXPECT_EQ(dumped(host->find("NetworkMode")), R"("none")");
    EXPECT_EQ(dumped(host->find("Binds")), R"(["/var/lib/x:/job:rw"])");
    EXPECT_EQ(dumped(host->find("DeviceRequests")), R"([{"Driver":"cdi","DeviceIDs":["nvidia.com/gpu=1"]}])");
    EXPECT_EQ(dumped(host->find("Memory")), dumped(host->find("MemorySwap")));
    EXPECT_EQ(host->find("Privileged"), nullptr);
    EXPECT_EQ(dumped(body.find("User")), R"("65534:65534")");
}

TEST(CreateBody, LeavesTheProgramToTheImageWithoutACommand) {
    ports::SandboxSpec spec = a_spec();
    spec.command.clear();
    EXPECT_EQ(create_body(spec, a_setting(EngineDialect::kLibpod)).find("entrypoint"), nullptr);
    EXPECT_EQ(create_body(spec, a_setting(EngineDialect::kDocker)).find("Entrypoint"), nullptr);
}

TEST(Seccomp, LosesTheCallsThatOnlyAttackersNeed) {
    const auto tightened = tighten_seccomp(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)"
                                           R"({"names":["read","ptrace","clone"],"action":"SCMP_ACT_ALLOW"},)"
                                           R"({"names":["keyctl"],"action":"SCMP_ACT_ALLOW"}]})");
    ASSERT_TRUE(tightened.has_value());
    EXPECT_NE(tightened->find(R"(["read"])"), std::string::npos) << *tightened;
    EXPECT_EQ(tightened->find("ptrace"), std::string::npos);
    EXPECT_EQ(tightened->find("keyctl"), std::string::npos);
    EXPECT_NE(tightened->find("SCMP_CMP_MASKED_EQ"), std::string::npos) << "clone, but no namespaces";
}

TEST(Seccomp, RefusesProfilesThatAllowByDefault) {
    EXPECT_FALSE(tighten_seccomp(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]})").has_value());
    EXPECT_FALSE(tighten_seccomp(R"({"syscalls":[]})").has_value());
    EXPECT_FALSE(tighten_seccomp("no json").has_value());
}

TEST(Escape, KeepsOnlyWhatNeedsNoEscape) {
    EXPECT_EQ(escape("aZ0-._~"), "aZ0-._~");
    EXPECT_EQ(escape("a/b@sha256:1 \xff"), "a%2Fb%40sha256%3A1%20%FF");
}

}  // namespace
}  // namespace vcity::adapters
