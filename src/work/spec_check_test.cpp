// SPDX-License-Identifier: Apache-2.0
#include "work/spec_check.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "work/work_test_orders.hpp"

namespace vcity::work {
namespace {

// What is wrong with an order after this change; empty: nothing.
std::string fault_of(const std::function<void(WorkOrder*)>& change) {
    WorkOrder order = an_order({a_group("one"), a_group("two")});
    change(&order);
    const Result<void> checked = check(order);
    if (checked) return "";
    EXPECT_EQ(checked.error().code, Errc::kInvalid);
    return checked.error().message;
}

std::string group_fault(const std::function<void(StepGroup*)>& change) {
    const std::string fault = fault_of([&](WorkOrder* order) { change(&order->spec.groups[1]); });
    constexpr std::string_view kPrefix = "group \"two\": ";
    return fault.starts_with(kPrefix) ? fault.substr(kPrefix.size()) : fault;
}

TEST(SpecCheck, AnOrdinaryOrderIsFine) {
    EXPECT_EQ(fault_of([](WorkOrder*) {}), "");
    EXPECT_EQ(group_fault([](StepGroup* group) {
                  group->needs = {"one"};
                  group->count = 64;
                  group->is_gang = true;
                  group->environment = {"A=", "a_1=x=y"};
                  group->inputs = {{"data.bin", Bytes(1000)}};
                  group->ask.gpus = 2;
                  group->ask.gpu_models = {"NVIDIA H100"};
              }),
              "");
}

TEST(SpecCheck, TheOrderMustNameItsPartiesAndItsMoney) {
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->job_id = {}; }), "the job id is zero");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->client = {}; }), "the client is zero");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->cap.cap.client = {}; }), "the spending cap is another client's");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->budget = {}; }), "the budget is 0");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->budget = Usd{100'000'001}; }),
              "the budget of 100.000001 USD is above the spending cap of 100.000000 USD");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->deadline = UnixMillis{0}; }), "the deadline is missing");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->trace_id = std::string(129, 't'); }),
              "size of the trace id in bytes is 129, must be 0 to 128");
}

TEST(SpecCheck, NamesAreBoundedAndShownHarmless) {
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->spec.name = ""; }), "name \"\" must be 1 to 128 printable bytes");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->spec.name = "\x1b[2J"; }),
              "name \"?[2J\" must be 1 to 128 printable bytes");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->spec.groups[1].name = "Two"; }),
              "group \"Two\": a name is 1 to 32 of a-z, 0-9 and '-'");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->spec.groups[1].name = "one"; }), "group \"one\" is there twice");
    const std::string fault = fault_of([](WorkOrder* order) { order->spec.regions = {std::string(100'000, 'x')}; });
    EXPECT_LT(fault.size(), 200U);
}

TEST(SpecCheck, CountsAreBounded) {
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->spec.groups.clear(); }), "number of groups is 0, must be 1 to 64");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->spec.groups.resize(65); }),
              "number of groups is 65, must be 1 to 64");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->count = 0; }), "count is 0, must be 1 to 4096");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->count = 4096; }), "number of steps is 4097, must be 1 to 4096");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->count = UINT32_MAX; }),
              "count is 4294967295, must be 1 to 4096");
    EXPECT_EQ(group_fault([](StepGroup* group) {
                  group->count = 65;
                  group->is_gang = true;
              }),
              "count of a gang is 65, must be 1 to 64");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->seconds_max = 0; }), "seconds_max is 0, must be 1 to 2592000");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->retries = 101; }), "retries is 101, must be 0 to 100");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->is_gang = group->is_speculative = true; }),
              "a gang starts again as a whole: it cannot be speculative");
}

TEST(SpecCheck, NeedsNameOtherGroupsAndFormNoCycle) {
    EXPECT_EQ(group_fault([](StepGroup* group) { group->needs = {"three"}; }),
              "group \"two\" needs \"three\", which is no group");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->needs = {"one", "one"}; }),
              "group \"two\" needs \"one\" twice");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->needs = {"two"}; }),
              "group \"two\" can never start: the needs form a cycle");
    EXPECT_EQ(fault_of([](WorkOrder* order) {
                  order->spec.groups[0].needs = {"two"};
                  order->spec.groups[1].needs = {"one"};
              }),
              "group \"one\" can never start: the needs form a cycle");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->spec.groups[0].needs = {"two"}; }), "")
        << "later ones may be named";
}

TEST(SpecCheck, ACommandIsAnAbsolutePathAndBounded) {
    const auto program = [](std::string path) {
        return group_fault([&](StepGroup* group) { group->command = {path}; });
    };
    EXPECT_EQ(program("/usr/bin/python3"), "");
    EXPECT_EQ(program("python3"), "command \"python3\" must begin with the absolute path of a program");
    EXPECT_EQ(program("/"), "command \"/\" must begin with the absolute path of a program");
    EXPECT_EQ(program("/a/../b"), "command \"/a/../b\": the path must have no empty, \".\" or \"..\" part");
    EXPECT_EQ(program("/.."), "command \"/..\": the path must have no empty, \".\" or \"..\" part");
    EXPECT_EQ(program("//b"), "command \"//b\": the path must have no empty, \".\" or \"..\" part");
    EXPECT_EQ(program(std::string{"/a\0b", 4}), "an argument contains a zero byte");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->command.clear(); }),
              "number of arguments is 0, must be 1 to 256");
    EXPECT_EQ(program("/" + std::string(65'536, 'a')), "size of the command in bytes is 65537, must be 1 to 65536");
}

TEST(SpecCheck, VariablesAndFilesHaveSafeNames) {
    const auto variable = [](std::string text) {
        return group_fault([&](StepGroup* group) { group->environment = {"A=1", text}; });
    };
    EXPECT_EQ(variable("B"), "variable \"B\" must be NAME=value");
    EXPECT_EQ(variable("=1"), "variable \"=1\" must be NAME=value");
    EXPECT_EQ(variable("1A=1"), "variable \"1A=1\" must be NAME=value");
    EXPECT_EQ(variable("A-B=1"), "variable \"A-B=1\" must be NAME=value");
    EXPECT_EQ(variable("VCITY_INDEX=1"), "variable \"VCITY_INDEX\" is set by the network");
    EXPECT_EQ(variable("A=2"), "variable \"A\" is set twice");
    EXPECT_EQ(variable("B=" + std::string(40'000, 'x')),
              "size of the environment in bytes is 40005, must be 0 to 32768");
    const auto file = [](std::string name) {
        return group_fault([&](StepGroup* group) { group->inputs = {{"a", {}}, {name, {}}}; });
    };
    EXPECT_EQ(file("b.TXT"), "");
    for (const char* name : {"", ".", "..", "a/b", "a b"}) EXPECT_NE(file(name), "") << name;
    EXPECT_EQ(file("a"), "input file \"a\" is there twice");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->inputs = {{"a", Bytes((4U << 20U) + 1)}}; }),
              "size of all input files in bytes is 4194305, must be 0 to 4194304");
}

TEST(SpecCheck, AsksThatNoUnitCanFulfilAreRefused) {
    const auto ask = [](auto change) { return group_fault([&](StepGroup* group) { change(&group->ask); }); };
    EXPECT_EQ(ask([](UnitAsk* one) { one->gpus = 9; }), "gpus is 9, must be 0 to 8");
    EXPECT_EQ(ask([](UnitAsk* one) { one->gpu_milli = 0; }), "gpu_milli is 0, must be 1 to 1000");
    EXPECT_EQ(ask([](UnitAsk* one) {
                  one->gpus = 2;
                  one->gpu_milli = 500;
              }),
              "a share of 500 thousandths can be had of one GPU only, not of 2");
    EXPECT_EQ(ask([](UnitAsk* one) { one->gpu_models = {"H100"}; }), "gpu_models are named, but gpus is 0");
    EXPECT_EQ(ask([](UnitAsk* one) { one->vram_mib = 1; }), "vram_mib is asked for, but gpus is 0");
    EXPECT_EQ(ask([](UnitAsk* one) { one->interconnect = Interconnect::kPcie; }),
              "an interconnect is asked for, but gpus is 0");
    EXPECT_EQ(ask([](UnitAsk* one) { one->cpu_milli = 0; }), "cpu_milli is 0, must be 1 to 16777216");
    EXPECT_EQ(ask([](UnitAsk* one) { one->memory_mib = UINT32_MAX; }),
              "memory_mib is 4294967295, must be 1 to 134217728");
    EXPECT_EQ(ask([](UnitAsk* one) {
                  one->gpus = 1;
                  one->gpu_models = {std::string(32, 'x')};
              }),
              "GPU model \"" + std::string(32, 'x') + "\" must be 1 to 31 printable bytes");
}

TEST(SpecCheck, PreferencesAndFiltersStayInTheirScales) {
    const auto spec = [](auto change) { return fault_of([&](WorkOrder* order) { change(&order->spec); }); };
    EXPECT_EQ(spec([](WorkSpec* one) { one->prefer.latency = 101; }),
              "preference for latency is 101, must be 0 to 100");
    EXPECT_EQ(spec([](WorkSpec* one) { one->reputation_bp_min = 10'001; }),
              "reputation_bp_min is 10001, must be 0 to 10000");
    EXPECT_EQ(spec([](WorkSpec* one) { one->level_min = 4; }), "level_min is 4, must be 0 to 3");
    EXPECT_EQ(spec([](WorkSpec* one) { one->hourly_max = Usd{0}; }), "hourly_max is 0: nothing can be had for it");
    EXPECT_EQ(spec([](WorkSpec* one) { one->regions = {""}; }), "region \"\" must be 1 to 31 printable bytes");
}

TEST(SpecCheck, WhatSurroundsACommandIsCheckedToo) {
    const auto setup_fault = [](const std::function<void(StepSetup*)>& change) {
        return group_fault([&](StepGroup* group) { change(&group->setup); });
    };
    EXPECT_EQ(setup_fault([](StepSetup* setup) {
                  setup->image = "registry.example.org:5000/team/app@sha256:0011";
                  setup->egress = Egress::kPublic;
                  setup->egress_hosts = {"example.org"};
                  setup->ports = {{"web", 80}, {"ssh", 22}};
                  setup->is_service = true;
              }),
              "");
    EXPECT_EQ(setup_fault([](StepSetup* setup) { setup->image = "-rf /"; }),
              "image \"-rf /\" must be a reference such as \"docker.io/library/python:3.12\" of at most 512 bytes");
    EXPECT_EQ(setup_fault([](StepSetup* setup) { setup->program = "mine"; }),
              "program \"mine\" is not known; there are \"finetune\", \"render\" and \"generate\"");
    EXPECT_EQ(setup_fault([](StepSetup* setup) {
                  setup->program = "render";
                  setup->image = "blender";
              }),
              "a program of the node runs without an image");
    EXPECT_EQ(setup_fault([](StepSetup* setup) { setup->egress_hosts = {"example.org"}; }),
              "egress_hosts are named, but egress is none");
    EXPECT_EQ(setup_fault([](StepSetup* setup) { setup->ports = {{"web", 0}}; }),
              "port \"web\" is 0, must be 1 to 65535");
    EXPECT_EQ(setup_fault([](StepSetup* setup) { setup->ports = {{"a", 80}, {"b", 80}}; }),
              "port \"b\" (80) is there twice");
    EXPECT_EQ(setup_fault([](StepSetup* setup) { setup->checkpoint_seconds = 9; }),
              "checkpoint_seconds is 9, must be 10 to 2592000");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->setup.is_service = group->is_speculative = true; }),
              "a service has no end to wait for: it cannot be speculative");
}

TEST(SpecCheck, AnImageHasItsOwnCommandAndOthersNeedOne) {
    EXPECT_EQ(group_fault([](StepGroup* group) {
                  group->setup.image = "busybox";
                  group->command.clear();
              }),
              "");
    EXPECT_EQ(group_fault([](StepGroup* group) { group->command.clear(); }),
              "number of arguments is 0, must be 1 to 256");
}

TEST(SpecCheck, AFetchedFileNeedsItsHashAndAPlace) {
    const auto file_fault = [](const std::function<void(InputFile*)>& change) {
        return group_fault([&](StepGroup* group) {
            InputFile file;
            file.name = "data";
            file.sha256.bytes.fill(1);
            change(&file);
            group->inputs = {file};
        });
    };
    EXPECT_EQ(file_fault([](InputFile* file) { file->url = "https://example.org/data"; }), "");
    EXPECT_EQ(file_fault([](InputFile*) {}), "the job's files have no place: files_url is empty");
    EXPECT_EQ(file_fault([](InputFile* file) { file->url = "ftp://example.org/data"; }),
              "input file \"data\": url \"ftp://example.org/data\" must be http or https and at most 2048 bytes");
    EXPECT_EQ(file_fault([](InputFile* file) { file->content = {1}; }),
              "input file \"data\" has content and a sha256: one of them");
    EXPECT_EQ(file_fault([](InputFile* file) {
                  file->sha256 = {};
                  file->url = "https://example.org/data";
              }),
              "input file \"data\": what is fetched needs its sha256");
    EXPECT_EQ(fault_of([](WorkOrder* order) {
                  order->files_url = "https://gateway.example/files/token/";
                  order->spec.groups[0].setup.keeps_files = true;
              }),
              "");
    EXPECT_EQ(fault_of([](WorkOrder* order) { order->files_url = "file:///etc/"; }),
              "files_url must be http or https and end with '/'");
}

TEST(SpecCheck, FilesAreTakenOfGroupsThatAreNeededAndKeepThem) {
    const auto take_fault = [](bool is_kept, std::vector<std::string> takes) {
        return fault_of([&](WorkOrder* order) {
            order->files_url = "https://gateway.example/files/token/";
            order->spec.groups[0].setup.keeps_files = is_kept;
            order->spec.groups[1].needs = {"one"};
            order->spec.groups[1].takes = std::move(takes);
        });
    };
    EXPECT_EQ(take_fault(true, {"one"}), "");
    EXPECT_EQ(take_fault(false, {"one"}), "group \"two\" takes files of \"one\", which keeps none");
    EXPECT_EQ(take_fault(true, {"two"}), "group \"two\" takes files of \"two\", which it does not need");
    EXPECT_EQ(take_fault(true, {"one", "one"}), "group \"two\" takes \"one\" twice");
}

}  // namespace
}  // namespace vcity::work
